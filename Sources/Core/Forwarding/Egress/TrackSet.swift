/// A set of the cache's tracks; tracks above 63 are never in it.
package struct TrackSet: Sendable, Hashable, Sequence {
    private var bits: UInt64 = 0

    package init() {}

    /// All tracks that a set can hold.
    package static let all: TrackSet = {
        var all = TrackSet()
        all.bits = .max
        return all
    }()

    package var isEmpty: Bool { bits == 0 }

    /// Adds a track.
    package mutating func insert(_ track: UInt8) { if track < 64 { bits |= 1 << UInt64(track) } }

    /// Whether the track is in the set.
    package func contains(_ track: UInt8) -> Bool { track < 64 && bits & (1 << UInt64(track)) != 0 }

    /// Takes a track out.
    package mutating func remove(_ track: UInt8) { if track < 64 { bits &= ~(1 << UInt64(track)) } }

    /// Adds all tracks of another set.
    package mutating func formUnion(_ other: TrackSet) { bits |= other.bits }

    /// Without the tracks of another set.
    package func subtracting(_ other: TrackSet) -> TrackSet {
        var rest = self
        rest.bits &= ~other.bits
        return rest
    }

    /// Whether no track is in both.
    package func isDisjoint(with other: TrackSet) -> Bool { bits & other.bits == 0 }

    /// The tracks in ascending order.
    package func makeIterator() -> Iterator { Iterator(bits: bits) }

    /// Takes the tracks out of a copy, the lowest first.
    package struct Iterator: IteratorProtocol {
        fileprivate var bits: UInt64

        package mutating func next() -> UInt8? {
            guard bits != 0 else { return nil }
            defer { bits &= bits - 1 }
            return UInt8(bits.trailingZeroBitCount)
        }
    }
}
