import SecureTransport
import Testing

struct SecureBytesTests {
    @Test func randomBytesHaveTheAskedLengthAndDiffer() throws {
        #expect(try randomBytes(count: 0).isEmpty)
        let draws = try (0..<16).map { _ in try randomBytes(count: 32) }
        #expect(draws.allSatisfy { $0.count == 32 })
        #expect(Set(draws).count == draws.count)
    }

    @Test(arguments: [
        ([UInt8](), [UInt8](), true), ([1, 2, 3], [1, 2, 3], true), ([1, 2, 3], [1, 2, 4], false), ([0, 2, 3], [1, 2, 3], false),
        ([1, 2], [1, 2, 3], false), ([], [0], false),
    ])
    func comparisonIsThatOfTheBytes(_ left: [UInt8], _ right: [UInt8], _ equal: Bool) {
        #expect(constantTimeEquals(left, right) == equal)
    }
}
