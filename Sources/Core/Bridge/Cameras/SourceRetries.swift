package import BridgeModel

/// When a camera's source that failed is started again: after a second, doubled with each failure, at most 30 s, for ever.
package struct SourceRetries: Sendable {
    private static let first = Duration.seconds(1)
    private static let longest = Duration.seconds(30)
    /// A source that ran so long has not failed to start.
    private static let steady = Duration.seconds(30)

    private var failures = 0
    private var startedAt: MonotonicTime?

    package init() {}

    /// It is being started.
    package mutating func started(now: MonotonicTime) { startedAt = now }

    /// It failed; the pause before the next start.
    package mutating func failed(now: MonotonicTime) -> Duration {
        if let startedAt, now.duration(since: startedAt) >= Self.steady { failures = 0 }
        failures += 1
        return min(Self.longest, Self.first * (1 << min(failures - 1, 5)))
    }
}
