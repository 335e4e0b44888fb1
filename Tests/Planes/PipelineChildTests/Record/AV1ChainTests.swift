import BridgeModel
import Testing

@testable import PipelineChild

@Suite struct AV1ChainTests {
    private let small: [UInt8] = [0x0A, 0x0B, 0x00, 0x00, 0x00, 0x0C, 0xC4, 0xFF, 0x67, 0x36, 0xBE, 0x40, 0x10]
    private let large: [UInt8] = [0x0A, 0x0B, 0x00, 0x00, 0x00, 0x42, 0xAB, 0xBF, 0xC3, 0x73, 0x2B, 0xE5, 0x01]
    private let keyFrame: [UInt8] = [0x30, 0x10, 1, 2, 3]
    private let otherFrame: [UInt8] = [0x30, 0x30, 4, 5, 6]

    /// An RTP packet with the marker, which holds these OBUs.
    private func packet(_ timestamp: UInt8, _ units: [UInt8]...) -> [UInt8] {
        let header: [UInt8] = [0x80, 0xE0, 0, timestamp, 0, 0, 0, timestamp, 0, 0, 0, 1]
        return header + [0x00] + units.flatMap { [UInt8($0.count)] + $0 }
    }

    private func push(_ packet: [UInt8], _ time: UInt64, to chain: AV1Chain, isAfterGap: Bool = false) -> Bool {
        packet.withUnsafeBytes { chain.push($0, time: time, isAfterGap: isAfterGap) }
    }

    @Test func packetsBecomeFramesFromTheFirstKeyframeOn() {
        let queue = FrameQueue()
        let chain = AV1Chain(FrameReceiver(track: 3, queue: queue, gate: KeyframeGate()))
        #expect(push(packet(1, otherFrame), 100, to: chain))
        #expect(push(packet(2, small, keyFrame), 200, to: chain))
        #expect(push(packet(3, otherFrame), 300, to: chain))
        #expect(push(packet(4, large, keyFrame), 400, to: chain))
        #expect(push(packet(5, large, keyFrame), 500, to: chain))
        chain.endOfStream()
        let said = queue.take(waiting: .zero).items.map { item in
            switch item {
            case .format(let track, let format): "\(track): \(format.width)x\(format.height), \(format.codecPrivate.count) bytes"
            case .frame(let frame): "\(frame.track): \(frame.time) \(frame.isKeyframe ? "key" : "delta"), \(frame.bytes.count) bytes"
            case .end(let track): "\(track): end"
            }
        }
        #expect(
            said == [
                "3: 640x360, 17 bytes", "3: 200 key, 19 bytes", "3: 300 delta, 6 bytes", "3: 1920x1080, 17 bytes", "3: 400 key, 19 bytes",
                "3: 500 key, 19 bytes", "3: end",
            ])
    }

    @Test func whatIsMalformedIsNotTaken() {
        let queue = FrameQueue()
        let chain = AV1Chain(FrameReceiver(track: 0, queue: queue, gate: KeyframeGate()))
        #expect(!push([0x80, 0xE0], 100, to: chain))
        #expect(!push(Array(packet(1, small, keyFrame).dropLast()), 100, to: chain))
        #expect(queue.take(waiting: .zero).items.isEmpty)
    }
}
