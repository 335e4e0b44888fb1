internal import RTP

/// The viewer's clock, as its transport-wide feedback tells it: reference times are 24-bit numbers of 64 ms, which wrap after twelve days.
struct FeedbackClock: Sendable {
    /// Nanoseconds of one tick.
    static let tick = 1_000_000_000 / TransportFeedback.ticksPerSecond

    /// In units of 64 ms: nine years. A clock that says it is later leaps, and begins anew.
    private static let latest: Int64 = 1 << 32

    private var newest: Int64?

    /// Ticks of a reference time since the clock's beginning, far enough from zero that a late feedback stays positive.
    mutating func unwrap(_ reference: Int32) -> Int64 {
        let range = TransportFeedback.referenceRange
        let value = Int64(reference) & (range - 1)
        guard let newest, newest < Self.latest else {
            self.newest = value + range
            return (value + range) * TransportFeedback.ticksPerReference
        }
        var step = (value - newest) & (range - 1)
        if step >= range / 2 { step -= range }
        let unwrapped = newest + step
        self.newest = max(newest, unwrapped)
        return unwrapped * TransportFeedback.ticksPerReference
    }
}
