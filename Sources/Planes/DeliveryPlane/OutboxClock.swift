package import BridgeModel
internal import Foundation

/// The wall clock that due times are measured with; a test puts a virtual one here.
package protocol OutboxClock: Sendable {
    /// The present moment.
    var now: WallTime { get }
    /// A clock that goes on when the machine sleeps, and that nobody sets.
    var steady: MonotonicTime { get }
    /// Returns at that moment or later, or soon after the clock was set back: the moment may be another one then. Throws when the task is
    /// cancelled.
    func sleep(until moment: WallTime) async throws
}

/// CLOCK_REALTIME. Sleeps in steps, so that a clock that is set, or a machine that sleeps, delays a retry by one step at most.
package struct SystemOutboxClock: OutboxClock {
    private let step: Duration
    private let wall: @Sendable () -> WallTime

    /// There is one clock; all values are alike.
    package init() { self.init(step: .seconds(30), wall: { WallTime(nanoseconds: Self.nanoseconds(CLOCK_REALTIME)) }) }

    /// `wall`: in place of CLOCK_REALTIME.
    init(step: Duration, wall: @escaping @Sendable () -> WallTime) {
        self.step = step
        self.wall = wall
    }

    package var now: WallTime { wall() }

    package var steady: MonotonicTime { MonotonicTime(nanoseconds: UInt64(Self.nanoseconds(CLOCK_BOOTTIME))) }

    package func sleep(until moment: WallTime) async throws {
        var watch = ClockWatch(self)
        while case let rest = moment.nanoseconds - now.nanoseconds, rest > 0, !watch.wasSetBack(self) {
            try await Task.sleep(for: min(.nanoseconds(rest), step))
        }
    }

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// Notices that a wall clock was set back.
struct ClockWatch {
    /// What a clock that is slewed, or two readings with a pause in between, may differ by.
    private static let tolerance: Duration = .seconds(2)

    private var offset: Duration

    init(_ clock: any OutboxClock) { offset = Self.offset(of: clock) }

    /// Whether it was, since this was asked last.
    mutating func wasSetBack(_ clock: any OutboxClock) -> Bool {
        let former = offset
        offset = Self.offset(of: clock)
        return former - offset > Self.tolerance
    }

    private static func offset(of clock: any OutboxClock) -> Duration {
        .nanoseconds(clock.now.nanoseconds) - .nanoseconds(Int64(clamping: clock.steady.nanoseconds))
    }
}

/// Knows whether moments in the ledger may be those of a clock that has been set back: at the start, where nobody watched, and after each time that
/// it is noticed, until it has been dealt with.
struct WaitKeeper {
    private var watch: ClockWatch
    private var isWrong = true

    init(_ clock: any OutboxClock) { watch = ClockWatch(clock) }

    mutating func mayBeWrong(_ clock: any OutboxClock) -> Bool {
        if watch.wasSetBack(clock) { isWrong = true }
        return isWrong
    }

    mutating func areRight() { isWrong = false }
}
