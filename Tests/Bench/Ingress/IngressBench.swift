import BridgeModel
import Forwarding
import Glibc
import RTP

/// What one packet of a publisher costs on its way in: parsing, extensions, statistics, loss detection, feedback, layers and frames. Prints nanoseconds a
/// packet for a few kinds of traffic.
@main struct IngressBench {
    private static let packets = 2_000_000
    private static let batch = 1000
    private static let extensions = ExtensionMap([.mid: 4, .streamID: 10, .absoluteSendTime: 2, .transportSequence: 3, .audioLevel: 1])

    static func main() {
        run("VP8, 1200 bytes, transport-wide feedback", codec: .vp8, payloadType: 96, size: 1200, lossEvery: 0)
        run("VP8, 1200 bytes, every 50th packet lost", codec: .vp8, payloadType: 96, size: 1200, lossEvery: 50)
        run("H.264, 1200 bytes, transport-wide feedback", codec: .h264, payloadType: 102, size: 1200, lossEvery: 0)
        run("Opus, 120 bytes, audio level", codec: .opus, payloadType: 111, size: 120, lossEvery: 0)
    }

    private static func run(_ name: String, codec: Codec, payloadType: UInt8, size: Int, lossEvery: Int) {
        var ingress = PublisherIngress(parameters(codec, payloadType))
        var traffic = Traffic(codec: codec, payloadType: payloadType, size: size, extensions: extensions)
        var control = [UInt8](repeating: 0, count: PublisherIngress.controlCapacity)
        var now = MonotonicTime(nanoseconds: 1_000_000_000)
        var spent = 0.0
        var accepted = 0
        for _ in 0..<packets / batch {
            traffic.prepare(batch)
            let start = threadNanoseconds()
            for index in 0..<batch {
                if lossEvery > 0, index % lossEvery == 0 { continue }
                now.nanoseconds += 500_000
                if case .media = ingress.receive(traffic.packet(index), arrival: now) { accepted += 1 }
            }
            control.withUnsafeMutableBytes { while ingress.writeControl(to: $0, now: now) > 0 {} }
            spent += threadNanoseconds() - start
        }
        let nanoseconds = spent / Double(accepted)
        print("\(name): \((nanoseconds * 10).rounded() / 10) ns a packet, \(accepted) packets")
    }

    /// Processor time: other programs on the machine do not count.
    private static func threadNanoseconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }

    private static func parameters(_ codec: Codec, _ payloadType: UInt8) -> IngressParameters {
        let track = IngressTrackParameters(
            codec: codec, mid: ExtensionToken("0"), payloadType: payloadType, rtxPayloadType: payloadType + 1,
            feedback: [.nack, .pictureLoss, .transportWide])
        return IngressParameters(tracks: [track], extensions: extensions, localSSRC: 1, canonicalName: "bench")
    }
}

/// A batch of packets in one slab, as a batched receive leaves them.
private struct Traffic {
    private let codec: Codec
    private let payloadType: UInt8
    private let size: Int
    private let extensions: ExtensionMap
    private let slab = UnsafeMutableRawBufferPointer.allocate(byteCount: 1000 * 2048, alignment: 64)
    private let mid = ExtensionToken("0")
    private var sequence: UInt16 = 0
    private var transport: UInt16 = 0
    private var timestamp: UInt32 = 0

    init(codec: Codec, payloadType: UInt8, size: Int, extensions: ExtensionMap) {
        self.codec = codec
        self.payloadType = payloadType
        self.size = size
        self.extensions = extensions
    }

    func packet(_ index: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: slab[index * 2048..<index * 2048 + size])
    }

    mutating func prepare(_ count: Int) {
        for index in 0..<count { write(packet(index)) }
    }

    private mutating func write(_ bytes: UnsafeMutableRawBufferPointer) {
        let endsFrame = codec.kind == .audio || sequence % 10 == 9
        let header = RTPHeader(
            marker: endsFrame, payloadType: payloadType, sequence: sequence, timestamp: timestamp, ssrc: 0xABCD_0001)
        header.write(to: bytes)
        bytes[0] |= 0x10
        var writer = ExtensionWriter(UnsafeMutableRawBufferPointer(rebasing: bytes[12...]), form: .oneByte)
        if let id = extensions[.absoluteSendTime] { _ = writer.append(id, lower24Bits: timestamp) }
        if let id = extensions[.transportSequence] { _ = writer.append(id, transport) }
        if let id = extensions[.mid], let mid { _ = writer.append(id, mid) }
        let payload = 12 + writer.finish()
        // VP8: X, picture id of 15 bits, TL0PICIDX, layers; H.264: FU-A of a slice.
        let head: [UInt8] = codec == .vp8 ? [0x90, 0xE0, 0x80, 0x01, 0x02, 0x20, 0x01] : [0x7C, 0x41, 0x9A, 0x00]
        UnsafeMutableRawBufferPointer(rebasing: bytes[payload...]).copyBytes(from: head)
        sequence &+= 1
        transport &+= 1
        if endsFrame { timestamp &+= 3000 }
    }
}
