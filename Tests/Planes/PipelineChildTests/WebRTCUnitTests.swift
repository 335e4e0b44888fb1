import Bridge
import BridgeModel
import GStreamerKit
import LinuxIO
import SecureTransport
import Testing

@testable import PipelineChild

struct MediaGateTests {
    private let certificate: Certificate
    private let right: Fingerprint

    init() throws {
        certificate = try Certificate.makeSelfSigned()
        right = Fingerprint(algorithm: "sha-256", value: certificate.fingerprint.value)
    }

    @Test func opensForTheAnnouncedCertificateOnly() {
        let gate = MediaGate(fingerprints: [Fingerprint(algorithm: "sha-512", value: "00"), right])
        #expect(!gate.isOpen)
        #expect(gate.judge(certificatePEM: certificate.pem))
        #expect(gate.isOpen && !gate.canSend)
        gate.setTransportUp(true)
        #expect(gate.canSend)
        gate.setTransportUp(false)
        #expect(gate.isOpen && !gate.canSend)
    }

    @Test func aHashNameInCapitalsAndADigestInSmallLettersAreTheSame() {
        let gate = MediaGate(fingerprints: [Fingerprint(algorithm: "SHA-256", value: right.value.lowercased())])
        #expect(gate.judge(certificatePEM: certificate.pem))
    }

    @Test func aRefusalIsForGood() throws {
        let gate = MediaGate(fingerprints: [right])
        #expect(gate.judge(certificatePEM: certificate.pem))
        #expect(!gate.judge(certificatePEM: try Certificate.makeSelfSigned().pem))
        #expect(!gate.isOpen)
        #expect(gate.judge(certificatePEM: certificate.pem))
        #expect(!gate.isOpen)
    }

    @Test(arguments: ["", "no certificate", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"])
    func whatIsNoCertificateIsRefused(pem: String) {
        let gate = MediaGate(fingerprints: [right, Fingerprint(algorithm: "sha-1", value: "")])
        #expect(!gate.judge(certificatePEM: pem))
        #expect(!gate.isOpen)
    }

    @Test func nothingIsOpenWithoutAnAnnouncement() {
        let gate = MediaGate(fingerprints: [])
        #expect(!gate.judge(certificatePEM: certificate.pem))
    }

    @Test func theSDPNamesOurFingerprintInEverySection() {
        let sdp = "v=0\r\na=fingerprint:sha-256 00:11\r\nm=video 9 X 96\r\na=fingerprint:sha-256 00:11\r\nm=audio 0 X 111\r\n"
        let named = sdp.namingFingerprint(right)
        #expect(named.split(separator: "\r\n").filter { $0 == "a=fingerprint:sha-256 \(right.value)" }.count == 2)
        #expect(!named.contains("00:11\r\n"))
        #expect(named.hasSuffix("\r\n") && named.acceptedSections == 1)
    }
}

struct SequenceContinuityTests {
    @Test(arguments: [
        ([10, 11, 12] as [UInt16], [10, 11, 12] as [UInt16]),  // in order
        ([10, 12, 11, 13], [10, 12, 11, 13]),  // reordered
        ([65534, 65535, 0, 1], [65534, 65535, 0, 1]),  // wrapped
        ([100, 3100, 3101], [100, 3100, 3101]),  // a gap stays a gap: the viewer may ask for what is missing
        ([30000, 30001, 100, 101, 102], [30000, 30001, 30002, 30003, 30004]),  // a source that begins anew lower
        ([40000, 0, 1], [40000, 0, 1]),  // less than half the range ahead is ahead
        ([500, 436, 435, 501], [500, 436, 501, 567]),  // 64 behind is reordering, 65 is not
    ])
    func numbersMoveForward(source: [UInt16], sent: [UInt16]) {
        var continuity = SequenceContinuity()
        #expect(source.map { continuity.next($0) } == sent)
    }

    @Test func nothingEverFallsOutOfTheReplayWindow() {
        var continuity = SequenceContinuity()
        var random = SystemRandomNumberGenerator()
        var newest = continuity.next(0)
        for _ in 0..<10_000 {
            let sent = continuity.next(UInt16.random(in: 0...UInt16.max, using: &random))
            let distance = Int16(bitPattern: sent &- newest)
            #expect(distance >= -64)
            if distance > 0 { newest = sent }
        }
    }
}

struct PayloadTypeRoutesTests {
    private func packet(_ payloadType: UInt8, marker: Bool = false) -> [UInt8] {
        [0x80, payloadType | (marker ? 0x80 : 0), 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    }

    @Test func aUniquePayloadTypeDecidesWhateverTheSectionSays() {
        let routes = PayloadTypeRoutes([96, 111])
        #expect(packet(96).withUnsafeBytes { routes.track(of: $0, section: 1) } == 0)
        #expect(packet(111, marker: true).withUnsafeBytes { routes.track(of: $0, section: 0) } == 1)
        #expect(packet(111).withUnsafeBytes { routes.track(of: $0, section: nil) } == 1)
    }

    @Test func aSharedPayloadTypeIsDecidedByTheSection() {
        let routes = PayloadTypeRoutes([96, 111, 96])
        #expect(packet(96).withUnsafeBytes { routes.track(of: $0, section: 2) } == 2)
        #expect(packet(96).withUnsafeBytes { routes.track(of: $0, section: 1) } == nil)
        #expect(packet(96).withUnsafeBytes { routes.track(of: $0, section: 9) } == nil)
        #expect(packet(96).withUnsafeBytes { routes.track(of: $0, section: nil) } == nil)
    }

    @Test(arguments: [[], [0x80], [UInt8](repeating: 0x80, count: 11), [0x80, 97, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]] as [[UInt8]])
    func whatIsNoPacketOfATrackGoesNowhere(bytes: [UInt8]) {
        #expect(bytes.withUnsafeBytes { PayloadTypeRoutes([96]).track(of: $0, section: 0) } == nil)
    }
}

struct TrackForwarderTests {
    private func packet(_ number: UInt8, marker: Bool) -> [UInt8] {
        [0x80, 96 | (marker ? 0x80 : 0), 0, number, 0, 0, 0, 0, 0, 0, 0, 7] + [UInt8](repeating: 0, count: 1200)
    }

    @Test func aFullSocketDropsToTheEndOfTheFrameAndSaysSo() throws {
        let pair = try SocketPair.datagram(bufferBytes: 4096)
        let hub = DatagramSocket(descriptor: pair.far)
        let track = TrackDescription(index: 3, codec: .vp8, payloadType: 96, mid: "v")
        let forwarder = TrackForwarder(track: track, socket: DatagramSocket(descriptor: pair.near))
        var sent: UInt8 = 0
        while forwarder.statistics.packetsDropped == 0, sent < 200 {
            packet(sent, marker: false).withUnsafeBytes { forwarder.forward(rtp: $0, arrival: MonotonicTime(nanoseconds: 5)) }
            sent += 1
        }
        #expect(forwarder.statistics.packetsDropped == 1)
        var received = drain(hub)
        #expect(received.count == Int(sent) - 1 && received.allSatisfy { $0.track == 3 && $0.flags.isEmpty })
        // There is room again, but the frame is broken: the rest of it goes too, its end included.
        for marker in [false, true] {
            packet(201, marker: marker).withUnsafeBytes { forwarder.forward(rtp: $0, arrival: MonotonicTime(nanoseconds: 5)) }
        }
        #expect(drain(hub).isEmpty)
        for _ in 0..<2 {
            packet(203, marker: true).withUnsafeBytes { forwarder.forward(rtp: $0, arrival: MonotonicTime(nanoseconds: 9)) }
        }
        received = drain(hub)
        #expect(received.map(\.flags) == [.discontinuity, []])
        #expect(received.first?.time == MonotonicTime(nanoseconds: 9))
        #expect(forwarder.statistics.packetsDropped == 3)
    }

    @Test(arguments: [0, 1, 11, 2049])
    func whatIsNoPacketIsNotForwarded(size: Int) throws {
        let pair = try SocketPair.datagram()
        let hub = DatagramSocket(descriptor: pair.far)
        let track = TrackDescription(index: 0, codec: .opus, payloadType: 111, mid: "a")
        let forwarder = TrackForwarder(track: track, socket: DatagramSocket(descriptor: pair.near))
        [UInt8](repeating: 0x80, count: size).withUnsafeBytes {
            forwarder.forward(rtp: $0, arrival: MonotonicTime(nanoseconds: 1))
        }
        #expect(drain(hub).isEmpty)
    }

    private func drain(_ socket: DatagramSocket) -> [MediaDatagram] {
        var found: [MediaDatagram] = []
        var buffer = [UInt8](repeating: 0, count: MediaDatagram.maximumSize)
        while case .datagram(let count) = buffer.withUnsafeMutableBytes({ socket.receive(into: $0) }) {
            buffer.withUnsafeBytes { bytes in
                if let header = MediaDatagram(reading: UnsafeRawBufferPointer(rebasing: bytes[..<count])) { found.append(header) }
            }
        }
        return found
    }
}

struct GatheringAddressesTests {
    private func address(_ interface: String, _ address: String, loopback: Bool = false, linkLocal: Bool = false)
        -> HostFacts.InterfaceAddress
    {
        HostFacts.InterfaceAddress(interface: interface, address: address, isLoopback: loopback, isLinkLocal: linkLocal)
    }

    @Test func bridgesOfContainersAndLinkLocalAddressesAreLeftOut() {
        let machine = [
            address("lo", "127.0.0.1", loopback: true), address("eth0", "192.0.2.7"), address("docker0", "172.17.0.1"),
            address("br-12ab", "172.18.0.1"), address("eth0", "fe80::1", linkLocal: true), address("eth0", "2001:db8::7"),
        ]
        #expect(IceSettings().agentSettings(of: machine).addresses == ["192.0.2.7", "2001:db8::7"])
    }

    @Test func loopbackServesWhereThereIsNothingElse() {
        let machine = [address("lo", "127.0.0.1", loopback: true), address("docker0", "172.17.0.1")]
        #expect(IceSettings().agentSettings(of: machine).addresses == ["127.0.0.1"])
    }

    @Test func whatIsConfiguredIsTakenAsItIs() {
        let settings = IceSettings(
            addresses: ["198.51.100.2"], ports: 5000...5100, stunServer: "stun://s:3478", turnServers: [Redacted("turn://u:p@t:3478")],
            relayOnly: true)
        let agent = settings.agentSettings(of: [address("eth0", "192.0.2.7")])
        #expect(agent.addresses == ["198.51.100.2"] && agent.ports == 5000...5100 && agent.relayOnly)
        #expect(agent.turnServers == ["turn://u:p@t:3478"] && agent.stunServer == "stun://s:3478")
    }
}

struct PeerSilenceTests {
    private let start = MonotonicTime(nanoseconds: 5_000_000_000)

    /// Asks twice a second for as long as the peer is silent; returns when consent had ended, if it did.
    private func end(of silence: inout PeerSilence, newest: Int64, from begin: Duration, until limit: Duration) -> Duration? {
        var time = begin
        while time < limit {
            if silence.hasConsentEnded(newest: newest, now: start.advanced(by: time)) { return time }
            time += PeerSilence.interval
        }
        return nil
    }

    @Test func consentEndsWithinItsLimitAndNotMuchEarlier() throws {
        var silence = PeerSilence(newest: 7, now: start)
        let ended = try #require(end(of: &silence, newest: 7, from: .zero, until: .seconds(60)))
        #expect(ended <= .seconds(30) && ended > .seconds(28))
    }

    @Test func aDatagramNowAndThenKeepsIt() {
        var silence = PeerSilence(newest: 0, now: start)
        for round in 1..<20 {
            let begin = Duration.seconds(25 * round)
            #expect(end(of: &silence, newest: Int64(round), from: begin, until: begin + .seconds(25)) == nil)
        }
    }

    /// When it is first doubted that this peer is there, which made pauses of this length for a minute and then was silent.
    private func doubt(pause: Duration) -> Duration? {
        var silence = PeerSilence(newest: 0, now: start, limit: .seconds(12))
        var (time, heard) = (Duration.zero, Duration.zero)
        while time < .seconds(60) {
            if time - heard >= pause { heard = time }
            _ = silence.hasConsentEnded(newest: Int64(heard / .milliseconds(1)), now: start.advanced(by: time))
            guard !silence.isDoubtful(now: start.advanced(by: time)) else { return .zero }
            time += PeerSilence.interval
        }
        while !silence.hasConsentEnded(newest: Int64(heard / .milliseconds(1)), now: start.advanced(by: time)) {
            if silence.isDoubtful(now: start.advanced(by: time)) { return time - heard }
            time += PeerSilence.interval
        }
        return nil
    }

    @Test func whoSpokeEverySecondIsDoubtedAfterThree() throws {
        let first = try #require(doubt(pause: .seconds(1)))
        #expect(first > .seconds(3) && first <= .seconds(4))
        let second = try #require(doubt(pause: .seconds(2)))
        #expect(second > .seconds(6) && second <= .seconds(7))
    }

    @Test func whoSpeaksSeldomIsNotDoubtedBeforeItIsGone() {
        #expect(doubt(pause: .seconds(5)) == nil)
    }

    @Test func whoIsNewIsNotDoubted() {
        let silence = PeerSilence(newest: 0, now: start)
        #expect(!silence.isDoubtful(now: start.advanced(by: .seconds(9))))
    }

    @Test func aWallClockThatWasSetBackIsNoSilence() {
        var silence = PeerSilence(newest: 1_800_000_000_000_000, now: start)
        let marks: [(Int64, Duration)] = [
            (1_800_000_000_000_000, .seconds(20)), (1_700_000_000_000_000, .seconds(40)), (1_700_000_000_000_001, .seconds(60)),
            (1_700_000_000_000_001, .seconds(90)),
        ]
        let verdicts = marks.map { silence.hasConsentEnded(newest: $0.0, now: start.advanced(by: $0.1)) }
        #expect(verdicts == [false, false, false, true])
    }
}
