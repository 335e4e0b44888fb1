/// Bits a second.
package struct Bitrate: Hashable, Comparable, Sendable {
    /// Never negative.
    package var bitsPerSecond: Int64

    package init(bitsPerSecond: Int64) { self.bitsPerSecond = max(0, bitsPerSecond) }

    /// `bytes` in `nanoseconds`; zero for no time.
    package init(bytes: Int64, nanoseconds: Int64) {
        guard nanoseconds > 0 else {
            self.init(bitsPerSecond: 0)
            return
        }
        self.init(bitsPerSecond: Int64(min(Self.largest, max(0, Double(bytes) * 8e9 / Double(nanoseconds)))))
    }

    /// Exact as a floating point number, and far from overflow.
    private static let largest = 9e15

    package static let zero = Bitrate(bitsPerSecond: 0)

    /// Thousands of bits a second.
    package static func kilobits(_ count: Int64) -> Bitrate { Bitrate(bitsPerSecond: count * 1000) }

    package static func < (left: Self, right: Self) -> Bool { left.bitsPerSecond < right.bitsPerSecond }

    package static func + (left: Self, right: Self) -> Bitrate { Bitrate(bitsPerSecond: left.bitsPerSecond &+ right.bitsPerSecond) }

    /// Never below zero.
    package static func - (left: Self, right: Self) -> Bitrate { Bitrate(bitsPerSecond: left.bitsPerSecond &- right.bitsPerSecond) }

    package static func * (left: Self, factor: Double) -> Bitrate {
        Bitrate(bitsPerSecond: Int64(min(largest, max(0, Double(left.bitsPerSecond) * factor))))
    }

    /// How long `bytes` take at this rate, in nanoseconds; an hour at rate zero.
    package func nanoseconds(for bytes: Int) -> Int64 {
        guard bitsPerSecond > 0 else { return 3_600_000_000_000 }
        return Int64(bytes) * 8_000_000_000 / bitsPerSecond
    }

    /// How many bytes pass in this time.
    package func bytes(in nanoseconds: Int64) -> Int64 { Int64(Double(bitsPerSecond) * Double(nanoseconds) / 8e9) }
}
