package import BridgeModel

/// How many error responses a worker sends to requests that prove nothing: a token bucket. No such response is longer than its request, so nothing is
/// amplified; this keeps the bridge from reflecting a flood to a forged address one to one.
package struct UnverifiedReplyBudget: Sendable {
    private let perSecond: Int
    private let interval: Duration
    private var tokens: Int
    private var refilledAt: MonotonicTime

    /// `perSecond` responses a second, 1 or more, and at most as many at once.
    package init(perSecond: Int = 100, now: MonotonicTime) {
        precondition(perSecond > 0, "no budget at all")
        self.perSecond = perSecond
        interval = .nanoseconds(1_000_000_000 / Int64(perSecond))
        tokens = perSecond
        refilledAt = now
    }

    /// True when one more may be sent now; it is counted then.
    package mutating func spend(now: MonotonicTime) -> Bool {
        let passed = now.duration(since: refilledAt).wholeNanoseconds / interval.wholeNanoseconds
        if passed >= Int64(perSecond) {
            tokens = perSecond
            refilledAt = now
        } else if passed > 0 {
            tokens = min(perSecond, tokens + Int(passed))
            refilledAt = refilledAt.advanced(by: interval * Int(passed))
        }
        guard tokens > 0 else { return false }
        tokens -= 1
        return true
    }
}
