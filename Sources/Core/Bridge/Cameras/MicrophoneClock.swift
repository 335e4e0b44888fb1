/// Ties a microphone's samples to the clock of the pictures. A microphone counts samples by a crystal of its own, which is a little faster or slower, and
/// its samples arrive late, now more and now less; none arrives before it is complete. What arrived with the least delay tells the time, so that a busy
/// machine shifts nothing.
package struct MicrophoneClock: Sendable {
    /// How long the least delay is looked for, ns.
    private static let window: Int64 = 2_000_000_000
    /// How much later samples may become from one window to the next, ns: a crystal that is two thousandths slow. Sound cards keep to a tenth of that.
    private static let greatestStep: Int64 = 4_000_000

    /// From the microphone's time to CLOCK_MONOTONIC, ns; nil before the first samples.
    private var offset: Int64?
    private var leastInWindow = Int64.max
    private var windowEnd: Int64 = 0

    package init() {}

    /// When samples were captured (their first one, CLOCK_MONOTONIC, ns). `time`: of the first one, by the microphone; `length`: of all of them;
    /// `arrival`: when they were here. A discontinuity: the microphone's time has jumped.
    package mutating func captured(_ time: UInt64, length: UInt64, arrival: UInt64, isDiscontinuity: Bool) -> UInt64 {
        let time = Int64(truncatingIfNeeded: time)
        let arrival = Int64(truncatingIfNeeded: arrival)
        let latest = arrival &- (time &+ Int64(truncatingIfNeeded: length))
        var offset = isDiscontinuity ? latest : min(self.offset ?? latest, latest)
        if isDiscontinuity || self.offset == nil {
            begin(at: arrival)
        } else if arrival >= windowEnd {
            offset = min(leastInWindow, latest, offset &+ Self.greatestStep)
            begin(at: arrival)
        }
        leastInWindow = min(leastInWindow, latest)
        self.offset = offset
        return UInt64(clamping: time &+ offset)
    }

    private mutating func begin(at arrival: Int64) {
        leastInWindow = .max
        windowEnd = arrival &+ Self.window
    }
}
