import Bridge
import BridgeModel
import Testing

@Suite struct ULIDTests {
    /// The example of the ULID specification: this time is 01ARZ3NDEK.
    private let moment = WallTime(milliseconds: 1_469_922_850_259)

    private struct Zeros: RandomNumberGenerator {
        func next() -> UInt64 { 0 }
    }

    private struct Ones: RandomNumberGenerator {
        func next() -> UInt64 { .max }
    }

    @Test func timeComesFirst() {
        var zeros = Zeros()
        var ones = Ones()
        #expect(ULID(at: moment, using: &zeros).description == "01ARZ3NDEK" + String(repeating: "0", count: 16))
        #expect(ULID(at: moment, using: &ones).description == "01ARZ3NDEK" + String(repeating: "Z", count: 16))
    }

    @Test func laterIdsSortAfterEarlierOnes() {
        var generator = SeededGenerator(seed: 7)
        let texts = (0..<1000).map { ULID(at: moment.advanced(by: .milliseconds($0)), using: &generator).description }
        #expect(texts == texts.sorted())
        #expect(texts.allSatisfy { $0.utf8.count == 26 })
    }

    @Test func idsOfOneMillisecondDiffer() {
        var generator = SeededGenerator(seed: 7)
        #expect(Set((0..<10_000).map { _ in ULID(at: moment, using: &generator) }).count == 10_000)
    }

    @Test func extremeTimesNeverTrap() {
        var generator = SeededGenerator(seed: 7)
        #expect(ULID(at: WallTime(nanoseconds: .min), using: &generator).description.hasPrefix("0000000000"))
        #expect(ULID(at: WallTime(nanoseconds: .max), using: &generator).description.utf8.count == 26)
    }

    @Test func deliveriesAreNamedByTheirKind() {
        var generator = SeededGenerator(seed: 7)
        #expect(DeliveryID.webhook(at: moment, using: &generator).rawValue.hasPrefix("msg_01ARZ3NDEK"))
        #expect(DeliveryID.upload(at: moment, using: &generator).rawValue.hasPrefix("upl_01ARZ3NDEK"))
    }
}
