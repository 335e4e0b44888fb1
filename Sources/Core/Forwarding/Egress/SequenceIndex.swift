/// Where the newest packets of one track lie in the cache, by sequence number: kept once for all viewers, so that each needs only its own offsets.
struct SequenceIndex: Sendable {
    /// Two seconds of 1,000 packets: more than the longest round trip that is worth a retransmission.
    private static let capacity = 2048

    /// The low half of the cache's number, by sequence number modulo capacity.
    private var places: [UInt32] = []

    /// The packet with this sequence number got this number.
    mutating func note(_ sequence: UInt16, index: UInt64) {
        if places.isEmpty { places = [UInt32](repeating: .max, count: Self.capacity) }
        places[Int(sequence) % Self.capacity] = UInt32(truncatingIfNeeded: index)
    }

    /// The number of the packet that was noted last in this place; the caller has to check that it is the one. `end` is the cache's next number.
    func index(of sequence: UInt16, before end: UInt64) -> UInt64? {
        guard !places.isEmpty else { return nil }
        let behind = UInt64(UInt32(truncatingIfNeeded: end) &- places[Int(sequence) % Self.capacity])
        return behind > 0 && behind <= end ? end - behind : nil
    }
}
