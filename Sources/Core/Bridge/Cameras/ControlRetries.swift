package import BridgeModel

/// When a camera's control socket that was lost is opened again: at once after one that held, then after a second, doubled with each failure, at most 30 s.
package struct ControlRetries: Sendable {
    /// Another agent has this camera's name, and took over.
    package static let replacedPause = Duration.seconds(30)
    private static let first = Duration.seconds(1)
    private static let longest = Duration.seconds(30)
    /// A socket that was open so long was no failure.
    private static let steady = Duration.seconds(5)

    private var failures = 0
    private var openedAt: MonotonicTime?

    package init() {}

    /// It is open.
    package mutating func opened(now: MonotonicTime) { openedAt = now }

    /// It was lost, or could not be opened; the pause before the next try.
    package mutating func lost(now: MonotonicTime) -> Duration {
        if let openedAt, now.duration(since: openedAt) >= Self.steady { failures = 0 }
        openedAt = nil
        failures += 1
        return failures == 1 ? .milliseconds(100) : min(Self.longest, Self.first * (1 << min(failures - 2, 5)))
    }
}
