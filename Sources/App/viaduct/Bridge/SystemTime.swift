import Bridge
import BridgeModel
import LinuxIO

/// The machine's clocks as Core's values.
enum SystemTime {
    static var now: MonotonicTime { MonotonicTime(nanoseconds: SystemClocks.monotonicNanoseconds) }
    static var wall: WallTime { WallTime(nanoseconds: SystemClocks.wallNanoseconds) }
    static let clock = BridgeClock(
        now: { now }, wall: { wall }, sleep: { until in try await Task.sleep(for: max(.zero, until.duration(since: now))) })
}
