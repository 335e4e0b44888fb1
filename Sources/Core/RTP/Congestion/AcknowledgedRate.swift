/// What arrived at the receiver in about the last third of a second, by the receiver's clock.
struct AcknowledgedRate: Sendable {
    private static let bucketCount = 8
    /// Nanoseconds of one bucket.
    private static let bucket: Int64 = 40_000_000

    private var buckets = InlineArray<8, Int32>(repeating: 0)
    /// Number of the bucket that fills now; nil before the first packet.
    private var newest: Int64?
    /// Where counting began.
    private var oldest: Int64 = 0

    /// Counts a packet; one that is older than the window is not counted.
    mutating func add(bytes: Int, arrival: Int64) {
        let number = arrival / Self.bucket
        advance(to: number)
        guard let newest, newest - number < Int64(Self.bucketCount), number >= oldest else { return }
        let place = Int(truncatingIfNeeded: number & Int64(Self.bucketCount - 1))
        buckets[place] &+= Int32(truncatingIfNeeded: bytes)
    }

    /// Nil until half a window is full. The bucket that still fills is left out.
    var rate: Bitrate? {
        guard let newest else { return nil }
        let first = max(oldest, newest - Int64(Self.bucketCount) + 1)
        guard newest - first >= Int64(Self.bucketCount / 2) else { return nil }
        var bytes: Int64 = 0
        for number in first..<newest { bytes += Int64(buckets[Int(truncatingIfNeeded: number & Int64(Self.bucketCount - 1))]) }
        return Bitrate(bytes: bytes, nanoseconds: (newest - first) * Self.bucket)
    }

    private mutating func advance(to number: Int64) {
        guard let last = newest, number > last, number - last < Int64(Self.bucketCount), number >= 0 else {
            // The first packet, or the first after a silence.
            if let last = newest, number <= last, last - number < 1000 { return }
            buckets = InlineArray(repeating: 0)
            newest = number
            oldest = number
            return
        }
        for empty in (last + 1)...number { buckets[Int(truncatingIfNeeded: empty & Int64(Self.bucketCount - 1))] = 0 }
        newest = number
    }
}
