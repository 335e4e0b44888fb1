internal import BridgeModel

/// Durations by their length, log-linear: microseconds exactly up to 64, then 32 steps for each doubling, so that a percentile is wrong by 3 % at most and
/// adding one costs a few instructions, however many there are.
package struct DurationHistogram: Sendable, Equatable {
    private static let linear = 64
    private static let steps = 32
    /// Up to 2^42 us: 50 days.
    private static let buckets = linear + steps * 36

    private var counts: [UInt64] = []
    package private(set) var count: UInt64 = 0
    private var longestMicroseconds: Int64 = 0

    package init() {}

    /// Adds one; a negative one counts as none.
    package mutating func add(_ duration: Duration) {
        let microseconds = max(0, duration.wholeNanoseconds / 1000)
        if counts.isEmpty { counts = [UInt64](repeating: 0, count: Self.buckets) }
        counts[Self.index(microseconds)] += 1
        count += 1
        longestMicroseconds = max(longestMicroseconds, microseconds)
    }

    /// Adds all of another one.
    package mutating func add(_ other: DurationHistogram) {
        guard other.count > 0 else { return }
        if counts.isEmpty { counts = [UInt64](repeating: 0, count: Self.buckets) }
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        longestMicroseconds = max(longestMicroseconds, other.longestMicroseconds)
    }

    /// The longest one; nil when there is none.
    package var longest: Duration? { count > 0 ? .microseconds(longestMicroseconds) : nil }

    /// The nearest-rank percentile: at least `share` (0...1) of all are not above it. Nil when there is none.
    package func percentile(_ share: Double) -> Duration? {
        guard count > 0 else { return nil }
        let rank = max(1, UInt64((share * Double(count)).rounded(.up)))
        var passed: UInt64 = 0
        for (index, number) in counts.enumerated() {
            passed += number
            if passed >= rank { return .microseconds(min(Self.value(index), longestMicroseconds)) }
        }
        return longest
    }

    private static func index(_ microseconds: Int64) -> Int {
        guard microseconds >= linear else { return Int(microseconds) }
        let exponent = 63 - microseconds.leadingZeroBitCount - 5  // so that the shifted value is in 32..<64
        let index = linear + (exponent - 1) * steps + Int(microseconds >> Int64(exponent)) - steps
        return min(index, buckets - 1)
    }

    /// The middle of a bucket.
    private static func value(_ index: Int) -> Int64 {
        guard index >= linear else { return Int64(index) }
        let exponent = Int64((index - linear) / steps + 1)
        let low = Int64((index - linear) % steps + steps) << exponent
        return low + (1 << exponent) / 2
    }
}
