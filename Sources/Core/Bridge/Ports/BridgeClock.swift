package import BridgeModel

/// The clocks that a plane hands to its machines; tests hand over virtual ones.
package struct BridgeClock: Sendable {
    /// CLOCK_MONOTONIC: deadlines and media.
    package var now: @Sendable () -> MonotonicTime
    /// UTC: rows, tokens and what people see.
    package var wall: @Sendable () -> WallTime

    package init(now: @escaping @Sendable () -> MonotonicTime, wall: @escaping @Sendable () -> WallTime) {
        self.now = now
        self.wall = wall
    }
}
