/// What arrived at the receiver in about the last third of a second, by the receiver's clock, and how fast it had been sent.
struct AcknowledgedRate: Sendable {
    private static let bucketCount = 8
    /// Nanoseconds of one bucket.
    private static let bucket: Int64 = 40_000_000
    /// Of the time that passed: a way that grows by more than this grew by a leap, or a clock did.
    private static let steepest = 0.95
    /// Nor does a change of networks make the way so much longer within a window: that is a queue, and there is no time to lose.
    private static let surelyQueue = 0.5

    private struct Bucket {
        var bytes: Int64 = 0
        /// The least time from our clock to the receiver's; nil while nothing arrived.
        var transit: Int64?
    }

    private var buckets = InlineArray<8, Bucket>(repeating: Bucket())
    /// Number of the bucket that fills now; nil before the first packet.
    private var newest: Int64?
    /// Where counting began.
    private var oldest: Int64 = 0

    /// Counts a packet that left at `sent` by our clock; one that is older than the window is not counted.
    mutating func add(bytes: Int, sent: Int64, arrival: Int64) {
        let number = arrival / Self.bucket
        advance(to: number)
        guard let newest, newest - number < Int64(Self.bucketCount), number >= oldest else { return }
        let place = Self.place(number)
        buckets[place].bytes &+= Int64(bytes)
        let transit = arrival &- sent
        buckets[place].transit = min(buckets[place].transit ?? transit, transit)
    }

    /// What came through, and the rate at which just that had left: more than arrived while a queue takes in what the path does not. What was lost is in
    /// neither.
    struct Flow: Sendable, Equatable {
        var arrived: Bitrate
        var sent: Bitrate
    }

    /// Nil until half a window is full. The bucket that still fills is left out.
    var flow: Flow? {
        guard let range = counted else { return nil }
        var bytes: Int64 = 0
        for number in range { bytes &+= buckets[Self.place(number)].bytes }
        let arrived = Bitrate(bytes: bytes, nanoseconds: Int64(range.count) * Self.bucket)
        return Flow(arrived: arrived, sent: arrived * (1 / (1 - min(growth(in: range), Self.steepest))))
    }

    /// By how much of the time that passed the way grew, all the time: a queue grows in both halves of the window, while a way that became longer at once
    /// did so in one of them.
    private func growth(in range: Range<Int64>) -> Double {
        let middle = range.lowerBound + Int64(range.count) / 2
        guard let first = range.first(where: { transit($0) != nil }), let last = range.last(where: { transit($0) != nil }),
            let half = (first..<last).first(where: { $0 >= middle && transit($0) != nil }), first < half
        else { return 0 }
        let whole = growth(from: first, to: last)
        return whole > Self.surelyQueue ? whole : min(growth(from: first, to: half), growth(from: half, to: last))
    }

    private func growth(from one: Int64, to other: Int64) -> Double {
        guard let before = transit(one), let after = transit(other), other > one else { return 0 }
        return Double(after &- before) / Double((other - one) * Self.bucket)
    }

    private func transit(_ number: Int64) -> Int64? { buckets[Self.place(number)].transit }

    /// The buckets that are full; nil while they are fewer than half of a window.
    private var counted: Range<Int64>? {
        guard let newest else { return nil }
        let first = max(oldest, newest - Int64(Self.bucketCount) + 1)
        return newest - first >= Int64(Self.bucketCount / 2) ? first..<newest : nil
    }

    private static func place(_ number: Int64) -> Int { Int(truncatingIfNeeded: number & Int64(bucketCount - 1)) }

    private mutating func advance(to number: Int64) {
        guard let last = newest, number > last, number - last < Int64(Self.bucketCount), number >= 0 else {
            // The first packet, or the first after a silence.
            if let last = newest, number <= last, last - number < 1000 { return }
            buckets = InlineArray(repeating: Bucket())
            newest = number
            oldest = number
            return
        }
        for empty in (last + 1)...number { buckets[Self.place(empty)] = Bucket() }
        newest = number
    }
}
