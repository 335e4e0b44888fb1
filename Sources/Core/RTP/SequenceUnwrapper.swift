// Two structs and no generic one: modules do not specialise each other's generics, and an unspecialised call costs more than the rest of a packet.

/// Extends RTP sequence numbers, which wrap after 16 bits, to 64 bits.
///
/// Each value is taken to be the one nearest to the highest value so far, so that reordering by less than half of the range is understood.
package struct SequenceUnwrapper: Sendable {
    /// The highest extended value so far; nil before the first.
    package private(set) var highest: Int64?

    package init() {}

    /// The extended value of `sequence`. The first one is itself; an older one than the first may come out negative.
    package mutating func unwrap(_ sequence: UInt16) -> Int64 {
        extend(&highest, first: Int64(sequence), step: Self.distance(from: UInt16(truncatingIfNeeded: highest ?? 0), to: sequence))
    }

    /// The shortest way from `earlier` to `later`: negative when `later` is the older one (RFC 1982 arithmetic).
    package static func distance(from earlier: UInt16, to later: UInt16) -> Int64 { Int64(Int16(bitPattern: later &- earlier)) }
}

/// Extends RTP timestamps, which wrap after 32 bits, to 64 bits, as `SequenceUnwrapper` does with sequence numbers.
package struct TimestampUnwrapper: Sendable {
    /// The highest extended value so far; nil before the first.
    package private(set) var highest: Int64?

    package init() {}

    /// The extended value of `timestamp`. The first one is itself; an older one than the first may come out negative.
    package mutating func unwrap(_ timestamp: UInt32) -> Int64 {
        extend(&highest, first: Int64(timestamp), step: Self.distance(from: UInt32(truncatingIfNeeded: highest ?? 0), to: timestamp))
    }

    /// The shortest way from `earlier` to `later`: negative when `later` is the older one (RFC 1982 arithmetic).
    package static func distance(from earlier: UInt32, to later: UInt32) -> Int64 { Int64(Int32(bitPattern: later &- earlier)) }
}

private func extend(_ highest: inout Int64?, first: Int64, step: Int64) -> Int64 {
    guard let known = highest else {
        highest = first
        return first
    }
    // Billions of packets that each leap by half of the range wrap it: a sender may lie, but not stop us.
    let extended = known &+ step
    if step > 0 { highest = extended }
    return extended
}
