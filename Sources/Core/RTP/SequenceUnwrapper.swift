/// Extends a counter that wraps (16-bit sequence numbers, 32-bit timestamps) to 64 bits.
///
/// Each value is taken to be the one nearest to the highest value so far, so that reordering by less than half of the range is understood.
package struct CounterUnwrapper<Counter: FixedWidthInteger & UnsignedInteger & Sendable>: Sendable {
    /// The highest extended value so far; nil before the first.
    package private(set) var highest: Int64?

    package init() {}

    /// The extended value of `counter`. The first one is itself; an older one than the first may come out negative.
    package mutating func unwrap(_ counter: Counter) -> Int64 {
        guard let highest else {
            self.highest = Int64(counter)
            return Int64(counter)
        }
        let extended = highest + Self.distance(from: Counter(truncatingIfNeeded: highest), to: counter)
        self.highest = max(highest, extended)
        return extended
    }

    /// The shortest way from `earlier` to `later`: negative when `later` is the older one (RFC 1982 arithmetic).
    package static func distance(from earlier: Counter, to later: Counter) -> Int64 {
        let forward = Int64(later &- earlier)
        let range = Int64(1) << Counter.bitWidth
        return forward < range / 2 ? forward : forward - range
    }
}

/// Unwraps RTP sequence numbers.
package typealias SequenceUnwrapper = CounterUnwrapper<UInt16>
/// Unwraps RTP timestamps.
package typealias TimestampUnwrapper = CounterUnwrapper<UInt32>
