internal import RTP

/// The timestamps of a viewer's first pictures, pressed together so that the newest is due at once.
///
/// A browser renders the first frame that it gets at once and every later one as much later as its timestamp says. With true timestamps a joiner who
/// starts from a two-second-old keyframe would stay two seconds late, and speed up only as slowly as its jitter buffer dares. So each cached
/// timestamp `t` becomes `anchor - (anchor - t) / 32`, where `anchor` is the newest cached timestamp: the order stays, the last cached frame and all
/// live ones keep their true timestamps (sender reports and lip sync stay true), and a GOP of two seconds is due within 63 ms.
/// 32 presses 30 frames a second to about one millisecond each, and keeps frames apart whose distance is at least 32 ticks (0.36 ms at 90 kHz).
package struct JoinTimeline: Equatable, Sendable {
    private static let compression: Int64 = 32
    private let anchor: UInt32

    /// A timeline that ends at the track's newest timestamp.
    package init(anchor: UInt32) { self.anchor = anchor }

    /// The timestamp to send for a cached one; timestamps from the anchor on stay as they are.
    package func compress(_ timestamp: UInt32) -> UInt32 {
        let behind = TimestampUnwrapper.distance(from: timestamp, to: anchor)
        guard behind > 0 else { return timestamp }
        return anchor &- UInt32(behind / Self.compression)
    }
}
