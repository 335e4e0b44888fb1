package import BridgeModel

/// Admits so many a second, and a few at once after a rest (the generic cell rate algorithm, ITU-T I.371).
package struct RateLimit: Sendable, Equatable {
    /// How many.
    package struct Rule: Sendable, Equatable {
        /// At least one.
        package var perSecond: Int
        /// What may come at once after a rest, at least one.
        package var burst: Int

        package init(perSecond: Int, burst: Int) {
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    private let interval: Duration
    private let tolerance: Duration
    /// When the next one would come if all kept the rate exactly.
    private var expected = MonotonicTime(nanoseconds: 0)

    package init(_ rule: Rule) {
        interval = .seconds(1) / max(1, rule.perSecond)
        tolerance = interval * (max(1, rule.burst) - 1)
    }

    /// Counts one that comes `now`; false: it is one too many, and counts for nothing.
    package mutating func admit(now: MonotonicTime) -> Bool {
        guard expected.duration(since: now) <= tolerance else { return false }
        expected = max(expected, now).advanced(by: interval)
        return true
    }
}
