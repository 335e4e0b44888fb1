import Bridge
import BridgeModel

/// Turns the hub's byte counters of one stream into rates, from one look to the next.
struct BitrateMeter {
    private struct Reading {
        var bytes: [UInt64]
        var at: MonotonicTime
        /// Bits a second of each track, as of `at`.
        var rates: [Int64]
    }

    /// Looks that are nearer together say more about packets than about rates: they get the last answer.
    private static let shortestSpan = Duration.milliseconds(500)

    private var last: Reading?

    /// Bits a second of each track since the look before; zeros at the first look, which has nothing to compare with, and at the first after
    /// the counters began anew.
    mutating func rates(_ tracks: [TrackStatistics], now: MonotonicTime) -> [Int64] {
        let bytes = tracks.map(\.bytes)
        guard let last, last.bytes.count == bytes.count, zip(last.bytes, bytes).allSatisfy({ $0 <= $1 }) else {
            self.last = Reading(bytes: bytes, at: now, rates: bytes.map { _ in 0 })
            return bytes.map { _ in 0 }
        }
        let span = now.duration(since: last.at)
        guard span >= Self.shortestSpan else { return last.rates }
        let seconds = Double(span.wholeNanoseconds) / 1e9
        let rates = zip(last.bytes, bytes).map { earlier, later in Int64(min(Double(later &- earlier) * 8 / seconds, 1e15)) }
        self.last = Reading(bytes: bytes, at: now, rates: rates)
        return rates
    }
}
