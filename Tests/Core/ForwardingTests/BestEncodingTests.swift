import BridgeModel
import Forwarding
import Testing

@Suite struct BestEncodingTests {
    /// Plays tracks 2, 3 and 0, the smallest first, a tenth of a second at a time: `sending` says which are sent for how many tenths. What is current
    /// at the end of each part.
    private static func play(_ parts: [(tenths: Int, sending: Set<UInt8>)]) -> [UInt8] {
        var best = BestEncoding(encodings: [2, 3, 0])
        var newest: [UInt8: MonotonicTime] = [:]
        var now = MonotonicTime(nanoseconds: 1_000_000_000)
        return parts.map { part in
            for _ in 0..<part.tenths {
                for track in part.sending { newest[track] = now }
                best.update(now: now) { newest[$0] }
                now = now.advanced(by: .milliseconds(100))
            }
            return best.current
        }
    }

    @Test func itBeginsWithTheBestAndTakesWhatThereIs() {
        #expect(BestEncoding(encodings: [2, 3, 0]).current == 0)
        #expect(Self.play([(1, []), (1, [2]), (1, [2, 3])]) == [0, 2, 2])
    }

    @Test func theNextBestFollowsSoonAfterSilence() {
        #expect(Self.play([(20, [2, 3, 0]), (5, [2, 3]), (3, [2, 3])]) == [0, 0, 3])
    }

    @Test func aBetterOneHasToStay() {
        #expect(Self.play([(20, [2]), (9, [2, 3]), (7, [2]), (9, [2, 3]), (5, [2, 3])]) == [2, 2, 2, 2, 3])
    }

    @Test func aPauseThatIsShortChangesNothing() {
        #expect(Self.play([(20, [2, 3, 0]), (5, [2, 3]), (1, [2, 3, 0]), (5, [2, 3])]) == [0, 0, 0, 0])
    }

    @Test func withoutAnythingItStaysWhereItIs() {
        #expect(Self.play([(20, [2, 3]), (50, [])]) == [3, 3])
    }

    /// Whoever is the first begins with the best: a picture that is taken at once is in full size.
    @Test func whatIsMeasuredBeforeAnybodyIsServedIsWhereTheyBegin() {
        var best = BestEncoding(encodings: [0, 1, 2])
        best.reorder([2, 1, 0])
        #expect(best.current == 0)
        let now = MonotonicTime(nanoseconds: 9_000_000_000)
        best.update(now: now) { _ in now }
        #expect(best.current == 0)
        best.reorder([0, 1, 2])
        #expect(best.current == 0, "it is in use, and another one has to be there for a while")
    }

    @Test func anotherOrderCounts() {
        var best = BestEncoding(encodings: [0, 1])
        best.reorder([1, 0])
        let now = MonotonicTime(nanoseconds: 9_000_000_000)
        best.update(now: now.advanced(by: .seconds(-2))) { _ in now.advanced(by: .seconds(-2)) }
        best.update(now: now) { _ in now }
        best.update(now: now.advanced(by: .seconds(2))) { _ in now.advanced(by: .seconds(2)) }
        #expect(best.current == 0)
        best.reorder([1])
        #expect(best.isSimulcast, "other encodings are no order of these")
    }
}
