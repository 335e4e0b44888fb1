internal import RTP

/// Which packets of one source came: what is lost is what neither came by itself nor as a retransmission.
struct SequenceLedger: Sendable {
    /// What one packet means.
    enum Entry: Equatable {
        /// Newer than all others; packets of `missing` did not come before it.
        case new(Int64, missing: Range<Int64>)
        /// An older one that was missing until now.
        case late(Int64)
        /// Counted already, or too old to tell.
        case repeated
    }

    /// Packets behind the newest of which is known whether they came.
    static let window: Int64 = 2048
    /// A leap beyond this is another stream under the same SSRC, not a loss.
    static let longestGap: Int64 = 8192

    private var unwrapper = SequenceUnwrapper()
    private var seen: [UInt64] = []
    private(set) var first: Int64 = 0
    private(set) var highest: Int64 = 0
    /// Different packets that came.
    private(set) var unique: UInt64 = 0
    private(set) var repeated: UInt64 = 0
    /// Packets that a leap passed over: they are not counted as lost.
    private var leapt: Int64 = 0

    init() {}

    /// Packets that should have come: up to the newest.
    var expected: UInt64 { unique == 0 ? 0 : UInt64(max(0, highest - first + 1 - leapt)) }

    /// Takes the sequence number of a packet as it came.
    mutating func note(_ sequence: UInt16) -> Entry {
        guard !seen.isEmpty else { return begin(unwrapper.unwrap(sequence)) }
        return note(extended: unwrapper.unwrap(sequence))
    }

    private mutating func begin(_ extended: Int64) -> Entry {
        seen = [UInt64](repeating: 0, count: Int(Self.window / 64))
        (first, highest) = (extended, extended)
        mark(extended)
        unique = 1
        return .new(extended, missing: extended..<extended)
    }

    private mutating func note(extended: Int64) -> Entry {
        if extended > highest {
            let missing = extended - highest <= Self.longestGap ? highest + 1..<extended : extended..<extended
            if extended - highest > Self.longestGap { leapt += extended - highest - 1 }
            for skipped in max(highest + 1, extended - Self.window + 1)...extended { clear(skipped) }
            highest = extended
            mark(extended)
            unique += 1
            return .new(extended, missing: missing)
        }
        guard extended > highest - Self.window, extended >= first, !isMarked(extended) else {
            // Of the moment before the first packet: the joiner was not there yet.
            repeated += 1
            return .repeated
        }
        mark(extended)
        unique += 1
        return .late(extended)
    }

    private func place(_ extended: Int64) -> (word: Int, bit: UInt64) {
        let slot = Int(extended & (Self.window - 1))
        return (slot / 64, 1 << UInt64(slot % 64))
    }

    private mutating func mark(_ extended: Int64) {
        let (word, bit) = place(extended)
        seen[word] |= bit
    }

    private mutating func clear(_ extended: Int64) {
        let (word, bit) = place(extended)
        seen[word] &= ~bit
    }

    private func isMarked(_ extended: Int64) -> Bool {
        let (word, bit) = place(extended)
        return seen[word] & bit != 0
    }
}
