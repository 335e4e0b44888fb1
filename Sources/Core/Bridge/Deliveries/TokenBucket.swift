package import BridgeModel

/// Bounds a rate: each taking says how long to wait, and takers share what there is in the order in which they come.
package struct TokenBucket: Sendable, Equatable {
    /// Bytes a second.
    private let rate: Int64
    /// When everything that was taken so far will have been paid for.
    private var paidAt: MonotonicTime

    /// `rate` in bytes a second, at least one.
    package init(rate: Int64, now: MonotonicTime) {
        self.rate = max(1, rate)
        paidAt = now
    }

    /// What may be taken at once after a rest.
    private static let burst = Duration.milliseconds(250)

    /// Takes `count` bytes; they may be sent after this time.
    package mutating func take(_ count: Int, now: MonotonicTime) -> Duration {
        let rested = MonotonicTime(nanoseconds: now.nanoseconds &- min(now.nanoseconds, UInt64(Self.burst.wholeNanoseconds)))
        let cost = Duration.seconds(1) * (Double(max(0, count)) / Double(rate))
        paidAt = max(paidAt, rested).advanced(by: cost)
        return max(.zero, paidAt.duration(since: now))
    }
}
