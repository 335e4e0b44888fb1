package import BridgeModel

/// The clock of the signalling plane: the machine's in the product, a hand-driven one in tests.
package struct RTMClock: Sendable {
    /// The present moment.
    package var now: @Sendable () -> MonotonicTime
    /// Returns at this moment or soon after; throws when the task is cancelled.
    package var sleep: @Sendable (_ until: MonotonicTime) async throws -> Void

    package init(now: @escaping @Sendable () -> MonotonicTime, sleep: @escaping @Sendable (_ until: MonotonicTime) async throws -> Void) {
        self.now = now
        self.sleep = sleep
    }

    /// The system's monotonic clock, counted from the call.
    package static func continuous() -> RTMClock {
        let origin = ContinuousClock.now
        return RTMClock(
            now: { MonotonicTime(nanoseconds: 0).advanced(by: ContinuousClock.now - origin) },
            sleep: { until in
                try await ContinuousClock().sleep(until: origin.advanced(by: until.duration(since: MonotonicTime(nanoseconds: 0))))
            })
    }
}
