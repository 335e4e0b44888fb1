internal import CGStreamer

/// Nanoseconds on GStreamer's clocks and segments. Absent times are nil `ClockTime?`, never GST_CLOCK_TIME_NONE.
package struct ClockTime: Hashable, Comparable, Sendable {
    package var nanoseconds: UInt64

    package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// From a GstClockTime; nil for GST_CLOCK_TIME_NONE.
    init?(_ raw: GstClockTime) {
        guard raw != GstClockTime.max else { return nil }
        nanoseconds = UInt64(raw)
    }

    package static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    package static func milliseconds(_ count: UInt64) -> ClockTime { ClockTime(nanoseconds: count * 1_000_000) }
    package static func seconds(_ count: UInt64) -> ClockTime { ClockTime(nanoseconds: count * 1_000_000_000) }

    /// CLOCK_MONOTONIC now: what GStreamer's default pipeline clock (GstSystemClock) reads too.
    package static var now: ClockTime { ClockTime(nanoseconds: UInt64(gst_util_get_timestamp())) }
}

extension ClockTime? {
    /// The GstClockTime, GST_CLOCK_TIME_NONE for nil.
    var raw: GstClockTime { self.map { GstClockTime($0.nanoseconds) } ?? GstClockTime.max }
}
