/// Keeps a track's times rising where a later part goes on whose clock puts its sound earlier. Pure.
///
/// Two pieces at one moment are an error to a player. Behind the join the track is late by as much as the clocks differ, and catches up by at most 5 %
/// of the time that passes, as the recorder's own clock does (`RTPClock`).
struct TrackPace {
    private struct Last {
        var part: Int
        /// As the part has it, on the result's timeline, and as it was placed.
        var given: Duration
        var placed: Duration
        /// From the one before, as the part has it.
        var step: Duration
    }

    private var last: Last?

    /// The usual length of a piece of sound: after a pause the next one need not be further away.
    private static let largestStep: Duration = .milliseconds(20)
    /// What a file can tell apart.
    private static let smallestStep: Duration = .milliseconds(1)

    /// Where the track's next frame is placed; `part` is the number of the part that it is from.
    mutating func place(_ time: Duration, ofPart part: Int) -> Duration {
        guard let last else {
            last = Last(part: part, given: time, placed: time, step: .zero)
            return time
        }
        let step = last.part == part ? time - last.given : min(last.step, Self.largestStep)
        let placed = max(time, last.placed + max(Self.smallestStep, step * 19 / 20))
        self.last = Last(part: part, given: time, placed: placed, step: step)
        return placed
    }
}
