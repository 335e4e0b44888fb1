import BridgeModel
import Testing

struct RandomUUIDTests {
    /// Gives numbers of one bit pattern.
    private struct Constant: RandomNumberGenerator {
        let value: UInt64
        mutating func next() -> UInt64 { value }
    }

    /// RFC 9562 section 5.4: version 4, variant 10, everything else as it was drawn.
    @Test(arguments: [
        (UInt64.min, "00000000-0000-4000-8000-000000000000"), (.max, "ffffffff-ffff-4fff-bfff-ffffffffffff"),
        (0x0123_4567_89AB_CDEF, "01234567-89ab-4def-8123-456789abcdef"),
    ]) func theTextHasItsVersionAndVariantAndTheDrawnBits(_ value: UInt64, _ expected: String) {
        var random = Constant(value: value)
        #expect(RandomUUID.text(using: &random) == expected)
    }

    @Test func noTwoAreTheSame() {
        #expect(Set((0..<1000).map { _ in RandomUUID.text() }).count == 1000)
    }
}
