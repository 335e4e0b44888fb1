/// Literal addresses, checked without a resolver.
package enum IPAddressText {
    /// Dotted IPv4, or IPv6 without a zone (RFC 4291 section 2.2).
    package static func isAddress(_ text: Substring) -> Bool {
        isIPv4(text) || isIPv6(text)
    }

    /// Four numbers 0...255 without leading zeros, which some readers take as octal.
    package static func isIPv4(_ text: Substring) -> Bool {
        let parts = SDPText.split(text, at: UInt8(ascii: "."), keepingEmpty: true)
        return parts.count == 4
            && parts.allSatisfy { part in
                guard part.utf8.count <= 3, let value = SDPText.decimal(part, as: UInt16.self), value <= 255 else { return false }
                return part.utf8.count == 1 || part.utf8.first != UInt8(ascii: "0")
            }
    }

    /// Eight groups, or fewer around one `::`; the last two may be written as IPv4.
    package static func isIPv6(_ text: Substring) -> Bool {
        guard (2...45).contains(text.utf8.count), text.contains(":") else { return false }
        guard let gap = firstGap(in: text) else { return groups(text) == 8 }
        let tail = text[gap.upperBound...]
        guard firstGap(in: tail) == nil, !tail.hasPrefix(":") else { return false }
        let before = gap.lowerBound == text.startIndex ? 0 : groups(text[..<gap.lowerBound], mayEndInIPv4: false)
        let after = tail.isEmpty ? 0 : groups(tail)
        guard let before, let after else { return false }
        return before + after <= 7
    }

    private static func firstGap(in text: Substring) -> Range<Substring.Index>? {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if next < text.endIndex, text[index] == ":", text[next] == ":" { return index..<text.index(after: next) }
            index = next
        }
        return nil
    }

    /// How many 16-bit groups the text is; nil when one of them is none.
    private static func groups(_ text: Substring, mayEndInIPv4: Bool = true) -> Int? {
        let parts = SDPText.split(text, at: UInt8(ascii: ":"), keepingEmpty: true)
        var count = 0
        for (index, part) in parts.enumerated() {
            if mayEndInIPv4, index == parts.count - 1, isIPv4(part) {
                count += 2
            } else if (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexDigit) {
                count += 1
            } else {
                return nil
            }
        }
        return count
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }
}
