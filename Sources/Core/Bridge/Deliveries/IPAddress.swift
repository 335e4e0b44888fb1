/// An IPv4 or IPv6 address as a number, so that rules compare bits and never text.
package enum IPAddress: Hashable, Sendable {
    /// 32 bits in host order: 127.0.0.1 is 0x7F000001.
    case v4(UInt32)
    /// 128 bits in host order: ::1 is 1.
    case v6(UInt128)

    /// Reads an address literal: a dotted quad of four decimal numbers without leading zeros, or IPv6 text (RFC 4291 section 2.2) without brackets
    /// and zone. The short, octal and hexadecimal forms of inet_aton(3) are nil.
    package init?(parsing text: String) {
        if let value = Self.dottedQuad(text[...]) {
            self = .v4(value)
        } else if let value = Self.groups(text[...]) {
            self = .v6(value)
        } else {
            return nil
        }
    }

    /// From network order: 4 bytes are IPv4, 16 are IPv6, anything else is nil.
    package init?(networkBytes bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .v4(bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16: self = .v6(bytes.reduce(0) { $0 << 8 | UInt128($1) })
        default: return nil
        }
    }

    /// The address as text that `init(parsing:)` reads back; IPv6 in eight groups, without brackets.
    package var text: String {
        switch self {
        case .v4(let value):
            stride(from: 24, through: 0, by: -8).map { String(value >> UInt32($0) & 0xFF) }.joined(separator: ".")
        case .v6(let value):
            stride(from: 112, through: 0, by: -16).map { String(value >> UInt128($0) & 0xFFFF, radix: 16) }.joined(separator: ":")
        }
    }

    /// Bytes of the longest IPv6 text: six words of four digits and a dotted quad.
    private static let longestText = 45

    private static func dottedQuad(_ text: Substring) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.utf8.count), part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let byte = UInt8(part) else {
                return nil
            }
            guard part.utf8.count == 1 || part.utf8.first != UInt8(ascii: "0") else { return nil }
            value = value << 8 | UInt32(byte)
        }
        return value
    }

    private static func groups(_ text: Substring) -> UInt128? {
        guard text.utf8.count <= longestText else { return nil }
        guard let gap = text.firstRange(of: "::") else {
            guard let words = words(text), words.count == 8 else { return nil }
            return words.reduce(0) { $0 << 16 | UInt128($1) }
        }
        // Words before and after the gap; the gap stands for at least one word of zeros.
        guard let head = words(text[..<gap.lowerBound]), let tail = words(text[gap.upperBound...]) else { return nil }
        guard head.count + tail.count <= 7, !Self.hasDot(text[..<gap.lowerBound]) else { return nil }
        let zeros = [UInt16](repeating: 0, count: 8 - head.count - tail.count)
        return (head + zeros + tail).reduce(0) { $0 << 16 | UInt128($1) }
    }

    /// Words of a run without gap; the last may be a dotted quad, which counts as two.
    private static func words(_ text: Substring) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var words: [UInt16] = []
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, let quad = dottedQuad(part) {
                words += [UInt16(quad >> 16), UInt16(quad & 0xFFFF)]
            } else if (1...4).contains(part.utf8.count), part.utf8.allSatisfy({ $0.isHexDigit }), let word = UInt16(part, radix: 16) {
                words.append(word)
            } else {
                return nil
            }
        }
        return words
    }

    private static func hasDot(_ text: Substring) -> Bool { text.utf8.contains(UInt8(ascii: ".")) }
}

extension UInt8 {
    /// True for ASCII 0-9, a-f and A-F.
    var isHexDigit: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
        default: false
        }
    }
}
