import BridgeModel
import Forwarding
import RTP
import Testing

@Suite struct EncodingMonitorTests {
    private let start = MonotonicTime(nanoseconds: 20_000_000_000)

    @Test func aMonitorThatSawNothingSaysNothing() {
        #expect(EncodingMonitor().state(now: start) == EncodingMonitor.State())
    }

    @Test func theLastSecondCounts() {
        var monitor = EncodingMonitor()
        for step in 0..<300 {
            var descriptor = PacketDescriptor()
            // Upper layers only in the first second.
            descriptor.temporalLayer = step < 100 ? 2 : 1
            descriptor.spatialLayer = step < 100 ? 1 : 0
            monitor.count(descriptor, bytes: 1250, beginsFrame: step % 4 == 0, arrival: start.advanced(by: .milliseconds(step * 10)))
        }
        let state = monitor.state(now: start.advanced(by: .seconds(3)))
        #expect(abs(state.bitrate.bitsPerSecond - 1_000_000) < 120_000)
        #expect(abs(state.frameRate - 25) < 3)
        #expect(state.temporalLayers == 2 && state.spatialLayers == 1)
        #expect(!monitor.state(now: start.advanced(by: .seconds(5))).isActive)
    }

    @Test func theFirstMomentsAreNotThinnedToASecond() {
        var monitor = EncodingMonitor()
        for step in 0..<20 {
            monitor.count(PacketDescriptor(), bytes: 1250, beginsFrame: true, arrival: start.advanced(by: .milliseconds(step * 10)))
        }
        let state = monitor.state(now: start.advanced(by: .milliseconds(200)))
        #expect(abs(state.bitrate.bitsPerSecond - 1_000_000) < 50_000)
        #expect(abs(state.frameRate - 100) < 5)
    }

    @Test func theSizeOfVP9IsThatOfItsHighestLayer() throws {
        // L absent, V: scalability structure with two layers of 320 x 180 and 640 x 360.
        let payload: [UInt8] = [0x0A, 0x30, 0x01, 0x40, 0x00, 0xB4, 0x02, 0x80, 0x01, 0x68, 0x55]
        let size = payload.withUnsafeBytes { bytes in
            VP9Descriptor(reading: bytes).flatMap { VP9ScalabilityStructure($0, in: bytes)?.largestSize }
        }
        #expect(size == PictureSize(width: 640, height: 360))
        let without: [UInt8] = [0x0A, 0x20, 0x55]
        let none = without.withUnsafeBytes { bytes in
            VP9Descriptor(reading: bytes).flatMap { VP9ScalabilityStructure($0, in: bytes) }.map { ($0.spatialLayerCount, $0.largestSize) }
        }
        #expect(none?.0 == 2 && none?.1 == nil)
    }

    @Test func theBlocksOfREDEndWithThePrimaryOne() {
        func primary(_ payload: [UInt8]) -> [UInt8]? {
            payload.withUnsafeBytes { REDPayload.primary(of: $0).map { [$0.payloadType] + Array($0.bytes) } }
        }
        #expect(primary([96, 1, 2]) == [96, 1, 2])
        #expect(primary([0x80 | 96, 0, 0, 2, 111, 7, 7, 1]) == [111, 1])
        let malformed: [[UInt8]] = [[], [0x80 | 96], [0x80 | 96, 0, 0], [0x80 | 96, 0, 0, 9, 111, 1], [0x80, 0, 0, 0]]
        #expect(malformed.allSatisfy { primary($0) == nil })
    }
}
