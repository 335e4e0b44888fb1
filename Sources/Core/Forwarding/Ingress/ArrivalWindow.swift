/// Which of the newest sequence numbers have come: tells duplicates and recovered losses from new packets.
struct ArrivalWindow: Sendable {
    /// A second of 8 Mbit/s, longer than any retransmission is asked for.
    static let capacity: Int64 = 1024

    enum Arrival { case first, again, tooOld }

    /// A bit for each sequence number modulo `capacity`.
    private var words = InlineArray<16, UInt64>(repeating: 0)
    private var newest: Int64?

    /// Takes note of an extended sequence number.
    mutating func insert(_ sequence: Int64) -> Arrival {
        guard let newest else {
            self.newest = sequence
            mark(sequence)
            return .first
        }
        if sequence > newest {
            forget(after: newest, upTo: sequence)
            self.newest = sequence
            mark(sequence)
            return .first
        }
        guard newest - sequence < Self.capacity else { return .tooOld }
        guard !contains(sequence) else { return .again }
        mark(sequence)
        return .first
    }

    private func contains(_ sequence: Int64) -> Bool {
        let bit = Int(sequence & (Self.capacity - 1))
        return words[bit >> 6] & (1 << UInt64(bit & 63)) != 0
    }

    private mutating func mark(_ sequence: Int64) {
        let bit = Int(sequence & (Self.capacity - 1))
        words[bit >> 6] |= 1 << UInt64(bit & 63)
    }

    /// The places of the numbers that come into the window are those of the ones that leave it.
    private mutating func forget(after newest: Int64, upTo sequence: Int64) {
        guard sequence - newest < Self.capacity else {
            words = InlineArray(repeating: 0)
            return
        }
        var next = newest + 1
        while next < sequence {
            let bit = Int(next & (Self.capacity - 1))
            words[bit >> 6] &= ~(1 << UInt64(bit & 63))
            next += 1
        }
        let bit = Int(sequence & (Self.capacity - 1))
        words[bit >> 6] &= ~(1 << UInt64(bit & 63))
    }
}
