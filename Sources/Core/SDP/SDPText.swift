/// Reading of the grammar's small words. Everything here works on text that the parser has already found to be printable ASCII.
enum SDPText {
    /// A decimal number without sign (`1*DIGIT`); nil when it is anything else or does not fit.
    static func decimal<Number: FixedWidthInteger>(_ text: some StringProtocol, as type: Number.Type = Number.self) -> Number? {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Number(text)
    }

    /// A token of RFC 8866 section 9.
    static func isToken(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(isTokenByte)
    }

    /// `ice-char` of RFC 8839 section 5.1, `low` to `high` of them.
    static func isICEText(_ text: some StringProtocol, length: ClosedRange<Int>) -> Bool {
        length.contains(text.utf8.count)
            && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") }
    }

    /// Visible ASCII without spaces (`non-ws-string` without its 8-bit part).
    static func isVisible(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// The words between spaces, empty ones left out.
    static func words(_ text: some StringProtocol) -> [Substring] {
        split(text, at: UInt8(ascii: " "))
    }

    /// The parts between separators, empty ones left out unless they are kept. Byte by byte: splitting by characters costs several times as much, and the
    /// text is ASCII.
    static func split(
        _ text: some StringProtocol, at separator: UInt8, maxSplits: Int = .max, keepingEmpty: Bool = false
    ) -> [Substring] {
        let text = Substring(text)
        let utf8 = text.utf8
        let bytes = utf8.span
        var parts: [Substring] = []
        var start = 0
        func take(upTo end: Int) {
            guard keepingEmpty || start < end else { return }
            parts.append(text[utf8.index(utf8.startIndex, offsetBy: start)..<utf8.index(utf8.startIndex, offsetBy: end)])
        }
        for offset in bytes.indices where bytes[offset] == separator && parts.count < maxSplits {
            take(upTo: offset)
            start = offset + 1
        }
        take(upTo: bytes.count)
        return parts
    }

    /// Without spaces at both ends.
    static func trimmed(_ text: Substring) -> Substring {
        var bytes = text.utf8
        while bytes.first == UInt8(ascii: " ") { bytes.removeFirst() }
        while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
        return Substring(bytes)
    }

    /// ASCII letters and digits.
    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: false
        }
    }

    /// A character of a token.
    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21, 0x23...0x27, 0x2A...0x2B, 0x2D...0x2E, 0x30...0x39, 0x41...0x5A, 0x5E...0x7E: true
        default: false
        }
    }
}
