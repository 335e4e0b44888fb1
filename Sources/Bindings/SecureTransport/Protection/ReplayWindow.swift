/// Which of the last packets of a source were seen (RFC 3711 section 3.3.2), for `64 * wordCount` packets back from the highest.
struct ReplayWindow<let wordCount: Int> {
    /// The highest index that was accepted; 0 at first.
    private(set) var highest: UInt64 = 0
    /// Bit `index mod size` belongs to `index`, for those in the window; the others are clear.
    private var seen = InlineArray<wordCount, UInt64>(repeating: 0)

    private static var size: UInt64 { UInt64(wordCount) * 64 }

    /// Whether a packet of this index was not seen, and is young enough to know.
    func admits(_ index: UInt64) -> Bool {
        if index > highest { return true }
        guard highest - index < Self.size else { return false }
        return seen[word(of: index)] & bit(of: index) == 0
    }

    /// Remembers an index that was admitted, and authenticated since.
    mutating func insert(_ index: UInt64) {
        if index > highest {
            forgetSeen(from: highest + 1, through: index)
            highest = index
        }
        seen[word(of: index)] |= bit(of: index)
    }

    /// Clears the bits of indices that were not in the window, and that were used for those that leave it.
    private mutating func forgetSeen(from first: UInt64, through last: UInt64) {
        if last - first >= Self.size {
            seen = InlineArray(repeating: 0)
        } else {
            for index in first...last { seen[word(of: index)] &= ~bit(of: index) }
        }
    }

    private func word(of index: UInt64) -> Int { Int(truncatingIfNeeded: index / 64 % UInt64(wordCount)) }
    private func bit(of index: UInt64) -> UInt64 { 1 << (index % 64) }
}
