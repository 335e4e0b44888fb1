package import BridgeModel
internal import Foundation

/// The wall clock that due times are measured with; a test puts a virtual one here.
package protocol OutboxClock: Sendable {
    var now: WallTime { get }
    /// Returns at that moment or later; throws when the task is cancelled.
    func sleep(until moment: WallTime) async throws
}

/// CLOCK_REALTIME. Sleeps in steps, so that a clock that was set forward, or a machine that slept, delays a retry by one step at most.
package struct SystemOutboxClock: OutboxClock {
    private static let step: Duration = .seconds(30)

    package init() {}

    package var now: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    package func sleep(until moment: WallTime) async throws {
        while case let rest = moment.nanoseconds - now.nanoseconds, rest > 0 {
            try await Task.sleep(for: min(.nanoseconds(rest), Self.step))
        }
    }
}
