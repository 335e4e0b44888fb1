package import BridgeModel

/// The clocks that a plane hands to its machines; tests hand over virtual ones.
package struct BridgeClock: Sendable {
    /// CLOCK_MONOTONIC: deadlines and media.
    package var now: @Sendable () -> MonotonicTime
    /// UTC: rows, tokens and what people see.
    package var wall: @Sendable () -> WallTime
    /// Returns at this moment of `now` or soon after; throws when the task is cancelled.
    package var sleep: @Sendable (_ until: MonotonicTime) async throws -> Void

    package init(
        now: @escaping @Sendable () -> MonotonicTime, wall: @escaping @Sendable () -> WallTime,
        sleep: @escaping @Sendable (_ until: MonotonicTime) async throws -> Void
    ) {
        self.now = now
        self.wall = wall
        self.sleep = sleep
    }
}
