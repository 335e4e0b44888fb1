import Bridge
import BridgeModel
import GStreamerKit
import LinuxIO
import SecureTransport
import Testing

@testable import PipelineChild

/// The feeder without webrtcbin: packets in, requests and counters out.
final class ViewFeederTests {
    private let hub: DatagramSocket
    private let gate: MediaGate
    private let feeder: ViewFeeder
    private let certificate: Certificate
    private let pipeline: Pipeline

    init() throws {
        _ = TestGStreamer.ready
        let pair = try SocketPair.datagram()
        hub = DatagramSocket(descriptor: pair.far)
        certificate = try Certificate.makeSelfSigned()
        gate = MediaGate(fingerprints: [Fingerprint(algorithm: "sha-256", value: certificate.fingerprint.value)])
        let track = TrackDescription(index: 2, codec: .vp8, payloadType: 96, mid: "v")
        let source = try AppSource(caps: track.rtpCaps(payloadType: 100, ssrc: 7), limit: 4)
        pipeline = try Pipeline { _ in }
        try pipeline.add(source.element)
        try pipeline.setState(.paused)  // takes packets and passes none on
        let lane = ViewFeeder.Lane(
            track: ViewTrack(source: track, payloadType: 100, mid: "0", audioLevel: 3), ssrc: 7,
            socket: DatagramSocket(descriptor: pair.near),
            source: source
        )
        feeder = ViewFeeder(lanes: [lane], gate: gate)
    }

    deinit {
        try? pipeline.setState(.null)
        pipeline.detachBus()
    }

    private func feed(_ sequence: UInt8, marker: Bool = true, bytes: [UInt8]? = nil) {
        let header = MediaDatagram(kind: .rtp, track: 2, sequence: 0, time: MonotonicTime(nanoseconds: 1_000_000_000))
        let packet = bytes ?? [0x80, 96 | (marker ? 0x80 : 0), 0, sequence, 0, 0, 0, sequence, 0, 0, 0, 1, 0x10, 0]
        packet.withUnsafeBytes { feeder.take(header, $0, lane: 0, baseTime: ClockTime(nanoseconds: 0)) }
    }

    private func connect() {
        _ = gate.judge(certificatePEM: certificate.pem)
        gate.setTransportUp(true)
    }

    private func requests() -> [MediaDatagram] {
        var buffer = [UInt8](repeating: 0, count: 64)
        var found: [MediaDatagram] = []
        while case .datagram(let count) = buffer.withUnsafeMutableBytes({ hub.receive(into: $0) }) {
            let header = buffer.withUnsafeBytes { MediaDatagram(reading: UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            if let header { found.append(header) }
        }
        return found
    }

    @Test func whatCameBeforeTheConnectionIsAskedForAgain() {
        feed(1)
        #expect(feeder.statistics.packetsDropped == 1 && feeder.statistics.packetsOut == 0)
        connect()
        feeder.requestMissedKeyframes()
        let asked = requests()
        #expect(asked.map(\.kind) == [.keyframeRequest] && asked.first?.track == 2)
    }

    @Test func loudnessIsPassedOnOnlyWhereItIsNegotiated() {
        connect()
        // An element of another extension, the level, padding; then two bytes of payload.
        let loud: [UInt8] = [0x90, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xBE, 0xDE, 0, 1, 0x50, 9, 0x30, 17, 0x10, 0]
        let plain: [UInt8] = [0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0x10, 0]
        var sent: UInt64 = 0
        func size(_ bytes: [UInt8]) -> UInt64 {
            feed(1, bytes: bytes)
            defer { sent = feeder.statistics.bytesOut ?? 0 }
            return (feeder.statistics.bytesOut ?? 0) - sent
        }
        #expect(size(loud) == 14)
        feeder.tellAudioLevels()
        #expect(size(loud) == 22 && size(plain) == 14)
    }

    @Test func nothingIsAskedForWhenNothingWasLost() {
        connect()
        feed(1)
        feeder.requestMissedKeyframes()
        #expect(requests().isEmpty)
        #expect(feeder.statistics.packetsOut == 1)
    }

    @Test func keyframeRequestsAreCoalesced() {
        connect()
        for _ in 0..<100 { feeder.requestKeyframe(lane: 0) }
        #expect(requests().count == 1)
    }

    @Test func aFullPipelineDropsToTheEndOfTheFrame() {
        connect()
        for sequence in 1...4 { feed(UInt8(sequence)) }
        feed(5, marker: false)
        feed(6, marker: false)
        feed(7)
        #expect(feeder.statistics.packetsOut == 4 && feeder.statistics.packetsDropped == 3)
    }

    @Test(
        arguments: [
            [], [0x80], [0x00, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1], [0x8F, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1],
            [0x90, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0xBE, 0xDE, 0xFF, 0xFF], [0xA0, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 200],
        ] as [[UInt8]])
    func malformedPacketsAreIgnored(bytes: [UInt8]) {
        connect()
        feed(0, bytes: bytes)
        #expect(feeder.statistics == PipelineStats())
    }
}
