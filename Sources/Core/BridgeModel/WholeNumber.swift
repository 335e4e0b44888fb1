/// Whole numbers as queries have them: decimal digits of ASCII and nothing else, neither sign nor space.
package enum WholeNumber {
    /// Leading zeros included; the digits of `Int64.max`.
    private static let longest = 19

    /// The number that `text` is; nil when it is none, or not in `range`.
    package static func read(_ text: some StringProtocol, in range: ClosedRange<Int64>) -> Int64? {
        let digits = text.utf8
        guard (1...longest).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(text),
            range.contains(number)
        else { return nil }
        return number
    }
}
