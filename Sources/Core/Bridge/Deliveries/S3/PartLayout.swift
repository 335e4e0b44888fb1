/// How a file is cut into the parts of a multipart upload. A part's place follows from its number alone, so that a file that still grows is cut as it
/// will be when it is complete, and a restarted bridge cuts as the one before: the first thousand parts have 8 MiB, each further thousand twice as much.
/// `first`: bytes of the first parts, where parts go to a place that takes smaller ones.
package enum PartLayout {
    /// The numbers that S3 takes ("Amazon S3 multipart upload limits").
    package static let numbers = 1...10_000
    /// Bytes of the first parts; S3 wants 5 MiB at least of all but the last.
    package static let firstLength: Int64 = 8 << 20
    /// 8 TiB; S3 takes 5.
    package static let longestFile = offset(of: numbers.upperBound + 1)
    private static let tier = 1000

    /// Where a part begins.
    package static func offset(of number: Int, first: Int64 = firstLength) -> Int64 {
        let before = Int64(min(max(number, 1), numbers.upperBound + 1) - 1)
        let (tiers, rest) = (before / Int64(tier), before % Int64(tier))
        return first * Int64(tier) * ((1 << tiers) - 1) + rest * (first << tiers)
    }

    /// The bytes of a part of a complete file of `size` bytes; empty when it has no such part.
    package static func range(of number: Int, size: Int64, first: Int64 = firstLength) -> Range<Int64> {
        let start = min(offset(of: number, first: first), max(0, size))
        let next = number < numbers.upperBound ? number &+ 1 : numbers.upperBound + 1
        return start..<max(start, min(offset(of: next, first: first), size))
    }

    /// How many parts a file has; an empty one has one, too.
    package static func count(size: Int64, first: Int64 = firstLength) -> Int {
        var (low, high) = (1, numbers.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if offset(of: middle + 1, first: first) >= size { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// A file that may still be written: its beginning may change until it is complete (a header with the duration, an index), the rest only grows.
package struct GrowingFile: Sendable, Equatable {
    /// Absolute.
    package var path: String
    /// Bytes that are durable and, but for the beginning, final.
    package var durableSize: Int64
    /// Bytes at the beginning that may still be rewritten.
    package var rewritable: Int64
    package var isComplete: Bool

    package init(path: String, durableSize: Int64, rewritable: Int64, isComplete: Bool) {
        self.path = path
        self.durableSize = durableSize
        self.rewritable = rewritable
        self.isComplete = isComplete
    }
}

/// Where a multipart upload stands: says what is to be sent next.
package struct MultipartPlan: Sendable, Equatable {
    /// What follows.
    package enum Step: Sendable, Equatable {
        /// Send these bytes as this part.
        case send(part: Int, range: Range<Int64>)
        /// Nothing can be sent before the file has grown.
        case wait
        /// All parts are there.
        case complete
    }

    /// What the store has, by number.
    package private(set) var stored: [Int: StoredPart] = [:]
    /// Bytes of the first parts.
    private let first: Int64

    /// `stored`: as the store lists them. `first`: bytes of the first parts.
    package init(stored: [StoredPart] = [], first: Int64 = PartLayout.firstLength) {
        self.first = first
        for part in stored where PartLayout.numbers.contains(part.number) { self.stored[part.number] = part }
    }

    /// A part has arrived.
    package mutating func finished(_ part: StoredPart) { stored[part.number] = part }

    /// A part that the store has is not the one of the file.
    package mutating func forget(_ number: Int) { stored[number] = nil }

    /// Parts that may still change are sent when the file is complete, the first one last.
    package func next(_ file: GrowingFile) -> Step {
        let count = PartLayout.count(size: file.durableSize, first: first)
        for number in (1...count).dropFirst() + [1] {
            let range = PartLayout.range(of: number, size: file.durableSize, first: first)
            guard stored[number]?.size != Int64(range.count) else { continue }
            if file.isComplete { return .send(part: number, range: range) }
            let isFull = range.upperBound == PartLayout.offset(of: number + 1, first: first)
            if isFull, range.lowerBound >= file.rewritable { return .send(part: number, range: range) }
        }
        return file.isComplete ? .complete : .wait
    }

    /// The parts that make the file, in order; nil when one is missing. Parts beyond its end are left out: the store drops them.
    package func parts(size: Int64) -> [StoredPart]? {
        var parts: [StoredPart] = []
        for number in 1...PartLayout.count(size: size, first: first) {
            let range = PartLayout.range(of: number, size: size, first: first)
            guard let part = stored[number], part.size == Int64(range.count) else { return nil }
            parts.append(part)
        }
        return parts
    }
}
