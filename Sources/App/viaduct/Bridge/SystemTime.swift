import Bridge
import BridgeModel
import LinuxIO

/// The machine's clocks as Core's values.
enum SystemTime {
    static var now: MonotonicTime { MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds) }
    static var wall: WallTime { WallTime(nanoseconds: SystemClocks.wallNanoseconds) }

    /// The clock of everything whose deadlines are far more often moved than reached.
    static func clock(_ timers: TimerQueue) -> BridgeClock {
        BridgeClock(now: { now }, wall: { wall }, sleep: { until in try await timers.sleep(until: until.nanoseconds) })
    }
}
