import LoadGeneration
import Testing

@Suite struct PacketStampTests {
    @Test(arguments: [
        PacketStamp(microseconds: 0, counter: 0), PacketStamp(microseconds: 1_763_731_200_123_456, counter: 1_234_567),
        PacketStamp(microseconds: 1 << 62, counter: 1 << 41),
    ]) func whatIsWrittenIsRead(stamp: PacketStamp) {
        var payload = [UInt8](repeating: 0, count: PacketStamp.size + 7)
        payload.withUnsafeMutableBytes { stamp.write(toEndOf: $0) }
        #expect(payload.withUnsafeBytes { PacketStamp(endOf: $0) } == stamp)
        #expect(payload.suffix(PacketStamp.size).allSatisfy { $0 >= 0x80 })
    }

    @Test func aPayloadWithoutAStampHasNone() {
        for count in 0..<64 {
            let payload = [UInt8](repeating: 0xFF, count: count)
            #expect(payload.withUnsafeBytes { PacketStamp(endOf: $0) } == nil)
        }
    }
}
