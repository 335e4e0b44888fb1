import BridgeModel
import EyesonDialect
import Testing

@Suite struct RateLimitTests {
    private func at(_ milliseconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }

    @Test func aBucketGivesItsBurstThenItsRate() {
        var bucket = TokenBucket(capacity: 3, rate: 2, now: at(0))
        let first = (0..<4).map { _ in bucket.take(at: at(0)) }
        #expect(first == [true, true, true, false])
        #expect(bucket.wait(at: at(0)) == .milliseconds(500))
        let early = bucket.take(at: at(499))
        let due = bucket.take(at: at(500))
        #expect(!early && due)
        #expect(!bucket.isFull(at: at(1999)))
        #expect(bucket.isFull(at: at(2000)))
    }

    @Test func aLongPauseGivesNoMoreThanTheBurst() {
        var bucket = TokenBucket(capacity: 2, rate: 1, now: at(0))
        let taken = (0..<3).map { _ in bucket.take(at: at(1_000_000)) }
        #expect(taken == [true, true, false])
    }

    @Test func namesDoNotShareATableButItsSizeIsBounded() {
        var table = RateTable(capacity: 1, rate: 1, per: .seconds(1), limit: 2)
        let calls: [(String, UInt64, Duration)] = [
            ("a", 0, .zero), ("a", 0, .seconds(1)), ("b", 900, .zero),
            ("c", 1000, .zero),  // a is full again and makes room
            ("b", 1000, .milliseconds(900)),  // b was kept
            ("d", 1000, .zero),  // with nothing to forget all is forgotten
            ("c", 1000, .zero),
        ]
        for (name, moment, wait) in calls {
            let answer = table.take(name, at: at(moment))
            #expect(answer == wait)
        }
    }

    @Test func aRefusedCallCostsNothing() {
        var table = RateTable(capacity: 1, rate: 1, per: .seconds(1))
        _ = table.take("a", at: at(0))
        for _ in 0..<100 { _ = table.take("a", at: at(500)) }
        let next = table.take("a", at: at(1000))
        #expect(next == .zero)
    }
}
