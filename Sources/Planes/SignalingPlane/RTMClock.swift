package import BridgeModel

/// The clock of the signalling plane: the machine's in the product, a hand-driven one in tests.
package struct RTMClock: Sendable {
    /// The present moment.
    package var now: @Sendable () -> MonotonicTime
    /// Returns at this moment or soon after; throws when the task is cancelled, and keeps nothing of it then: most deadlines move before they are reached.
    package var sleep: @Sendable (_ until: MonotonicTime) async throws -> Void

    package init(now: @escaping @Sendable () -> MonotonicTime, sleep: @escaping @Sendable (_ until: MonotonicTime) async throws -> Void) {
        self.now = now
        self.sleep = sleep
    }
}
