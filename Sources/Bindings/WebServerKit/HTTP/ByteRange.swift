/// The one range of a file that a client asks for (RFC 9110, 14).
enum ByteRange: Equatable {
    /// All of it: no range, or one that may be ignored (another unit, bad syntax, several ranges).
    case whole
    /// These bytes.
    case part(Range<Int>)
    /// Nothing of it: 416.
    case unsatisfiable

    /// Reads a `Range` field against a file of `size` bytes.
    init(_ field: String?, size: Int) {
        guard let field, field.lowercased().hasPrefix("bytes=") else {
            self = .whole
            return
        }
        let spec = field.dropFirst(6).trimmingOptionalWhitespace()
        let bounds = spec.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard bounds.count == 2 else {
            self = .whole
            return
        }
        switch (bounds[0].utf8.decimalValue(), bounds[1].utf8.decimalValue(), bounds[0].isEmpty, bounds[1].isEmpty) {
        case (let first?, let last?, _, _) where first <= last: self = Self.clamp(first, last, size)
        case (let first?, nil, _, true): self = Self.clamp(first, size - 1, size)
        case (nil, let suffix?, true, _): self = suffix == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - suffix)..<size)
        default: self = .whole
        }
    }

    private static func clamp(_ first: Int, _ last: Int, _ size: Int) -> ByteRange {
        first < size ? .part(first..<min(last + 1, size)) : .unsatisfiable
    }
}
