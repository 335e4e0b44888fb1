import BridgeModel
import Forwarding
import Glibc
import RTP

/// What one packet to one viewer costs before it is encrypted: choosing it, numbering it and writing its header; and what a viewer takes in memory.
///
/// `bench-egress [viewers] [seconds]` plays a stream of 2 Mbit/s in virtual time, walks all viewers after each frame as a media worker does, and prints
/// one line for each kind of viewer. No packet is copied or sent.
@main struct EgressBench {
    static func main() {
        let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
        let viewers = arguments.first ?? 300
        let seconds = arguments.dropFirst().first ?? 5
        print("viewers  kind               ns/packet  packets    bytes/viewer")
        for kind in Kind.allCases { run(kind, viewers: viewers, seconds: seconds) }
    }

    private static func run(_ kind: Kind, viewers count: Int, seconds: Int) {
        var stream = BenchStream(kind)
        stream.play(frames: 60)
        let viewers = (0..<count).map { Viewer(BenchStream.parameters(kind, ssrc: UInt32($0) * 4 + 1), stream) }
        let header = UnsafeMutableRawBufferPointer.allocate(byteCount: EgressPacket.headerCapacity, alignment: 8)
        defer { header.deallocate() }
        for viewer in viewers { _ = viewer.pump(stream, header) }
        var packets = 0
        var spent = 0.0
        for frame in 0..<seconds * 30 {
            stream.play(frames: 1)
            let start = processorNanoseconds()
            for viewer in viewers { packets += viewer.pump(stream, header) }
            spent += processorNanoseconds() - start
            if kind.hasFeedback, frame % 2 == 0 { for viewer in viewers { viewer.acknowledge(stream) } }
        }
        let nanoseconds = spent / Double(max(1, packets))
        let memory = viewers.reduce(0) { $0 + $1.state.byteCount } / max(1, viewers.count)
        print("\(count)      \(kind.name)  \((nanoseconds * 10).rounded() / 10)       \(packets)    \(memory)")
    }
}

/// Of this thread: what others do on the machine does not count.
private func processorNanoseconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// What the viewers negotiated.
enum Kind: CaseIterable {
    case plain, transportFeedback, layered

    var name: String {
        switch self {
        case .plain: "no extensions     "
        case .transportFeedback: "transport feedback"
        case .layered: "a layer left out  "
        }
    }

    var hasFeedback: Bool { self != .plain }
}

/// A viewer behind a reference, as a worker's table holds it.
final class Viewer {
    var state: EgressViewer
    private var acknowledged: UInt16 = 0

    init(_ parameters: EgressViewerParameters, _ stream: borrowing BenchStream) {
        state = EgressViewer(parameters, cache: stream.cache, layers: stream.layers, now: stream.now)
    }

    /// Everything that may leave now; how many packets that was.
    func pump(_ stream: borrowing BenchStream, _ header: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        while let packet = state.next(in: stream.cache, now: stream.now, header: header) {
            count += packet.payload.isEmpty ? 0 : 1
        }
        if let deadline = state.deadline, deadline <= stream.now { state.adapt(to: stream.layers, in: stream.cache, now: stream.now) }
        return count
    }

    /// The viewer has received everything.
    func acknowledge(_ stream: borrowing BenchStream) {
        var bytes = [UInt8](repeating: 0, count: 1200)
        let next = state.nextTransportSequence
        let arrivals = (0..<Int(next &- acknowledged)).map { Int64(stream.now.nanoseconds / 250_000) + Int64($0) / 8 }
        guard !arrivals.isEmpty else { return }
        let header = TransportFeedbackEncoder.Header(sender: 1, media: 1, baseSequence: acknowledged, feedbackCount: 0)
        let size = bytes.withUnsafeMutableBytes { buffer in
            var writer = RTCPWriter(buffer)
            _ = arrivals.withUnsafeBufferPointer { writer.appendTransportFeedback(header, arrivals: $0) }
            return writer.count
        }
        acknowledged = next
        bytes.withUnsafeBytes { buffer in
            for packet in RTCPCompound(UnsafeRawBufferPointer(rebasing: buffer[..<size])) {
                state.receive(packet, in: stream.cache, now: stream.now)
            }
        }
    }
}

/// 30 frames a second of seven packets of 1,200 bytes, with two temporal layers, and 50 packets of sound.
struct BenchStream: ~Copyable {
    var cache = GOPCache(trackCount: 2)
    var layers = StreamLayers(trackCount: 2)
    var now = MonotonicTime(nanoseconds: 1_000_000_000)
    private let extensions: Bool
    private var tracker = FrameTracker()
    private var sequence: UInt16 = 0
    private var soundSequence: UInt16 = 0
    private var frame = 0
    private var packet = [UInt8](repeating: 0x55, count: 1200)

    init(_ kind: Kind) { extensions = kind.hasFeedback }

    static func parameters(_ kind: Kind, ssrc: UInt32) -> EgressViewerParameters {
        let map = kind.hasFeedback ? ExtensionMap([.transportSequence: 3, .mid: 4]) : ExtensionMap()
        var video = EgressTrackParameters(codec: .vp8, encodings: [0], payloadType: 96, ssrc: ssrc, extensions: map)
        video.retransmission = RetransmissionFormat(payloadType: 97, ssrc: ssrc + 1)
        video.sourceExtensions = ExtensionMap([.transportSequence: 5, .mid: 6])
        let audio = EgressTrackParameters(codec: .opus, encodings: [1], payloadType: 111, ssrc: ssrc + 2, extensions: map)
        // Too little for both layers, where one is to be left out.
        let limit: Int64 = kind == .layered ? 1_600_000 : 20_000_000
        return EgressViewerParameters(
            tracks: [video, audio], canonicalName: "bench", rules: EgressViewerRules(startBitrate: 10_000_000, maximumBitrate: limit))
    }

    mutating func play(frames: Int) {
        for _ in 0..<frames {
            now = now.advanced(by: .nanoseconds(33_333_333))
            for number in 0..<7 { storeVideo(number) }
            storeSound()
            if frame % 3 < 2 { storeSound() }
            frame += 1
            layers.update(now: now)
        }
    }

    private mutating func storeVideo(_ number: Int) {
        let temporal: UInt8 = frame % 2 == 0 ? 0 : 0x60
        let isKeyframe = frame % 60 == 0
        let id = UInt16(frame & 0x7FFF) | 0x8000
        let payload: [UInt8] =
            [number == 0 ? 0x90 : 0x80, 0xF0, UInt8(id >> 8), UInt8(id & 0xFF), UInt8(frame / 2 & 0xFF), temporal]
            + [isKeyframe ? 0 : 1, 0, 0, 0x9D, 0x01, 0x2A]
        let header = RTPHeader(
            marker: number == 6, payloadType: 100, sequence: sequence, timestamp: UInt32(frame) * 3000, ssrc: 7)
        sequence &+= 1
        store(header, payload: payload, size: 1200, track: 0, codec: .vp8)
    }

    private mutating func storeSound() {
        let header = RTPHeader(payloadType: 101, sequence: soundSequence, timestamp: UInt32(soundSequence) * 960, ssrc: 8)
        soundSequence &+= 1
        store(header, payload: [0xFC], size: 120, track: 1, codec: .opus)
    }

    private mutating func store(_ header: RTPHeader, payload: [UInt8], size: Int, track: UInt8, codec: Codec) {
        packet.withUnsafeMutableBytes { bytes in
            header.write(to: bytes)
            var start = RTPPacketView.fixedHeaderSize
            if extensions {
                bytes[0] |= 0x10
                bytes.baseAddress?.advanced(by: 12).copyMemory(
                    from: [0xBE, 0xDE, 0, 2, 0x51, 1, 2, 0x60, 0x31, 0, 0, 0] as [UInt8], byteCount: 12)
                start += 12
            }
            for (offset, byte) in payload.enumerated() { bytes[start + offset] = byte }
        }
        packet.withUnsafeBytes { bytes in
            let bytes = UnsafeRawBufferPointer(rebasing: bytes[..<size])
            guard let view = RTPPacketView(reading: bytes), let traits = PayloadTraits(codec: codec, payload: view.payload) else { return }
            var observation = FrameTracker.Observation()
            if track == 0 { observation = tracker.observe(timestamp: header.timestamp, marker: header.marker, traits: traits) }
            let entry = GOPCache.Entry(
                track: track, epoch: 0, header: header, arrival: now, descriptor: PacketDescriptor(codec: codec, packet: view))
            cache.append(entry, frame: observation, bytes: bytes)
            layers.count(entry, bytes: size)
        }
    }
}
