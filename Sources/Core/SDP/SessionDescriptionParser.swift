/// Reads a description line by line. It holds what was read so far; one parser reads one text.
struct SessionDescriptionParser {
    private var origin: (id: UInt64, version: UInt64)?
    private var attributes: [SDPAttribute] = []
    private var sections: [MediaSection] = []

    mutating func parse(_ text: String) throws(SDPError) -> SessionDescription {
        guard text.utf8.count <= SessionDescription.Limits.bytes else { throw .tooLarge }
        var number = 0
        for line in Self.lines(of: text) {
            number += 1
            guard line.count <= SessionDescription.Limits.lineBytes else { throw .lineTooLong(line: number) }
            try take(line, number: number)
        }
        guard let origin, !sections.isEmpty else { throw .incomplete }
        return SessionDescription(sessionID: origin.id, sessionVersion: origin.version, attributes: attributes, sections: sections)
    }

    /// Bytes of each line without LF or CRLF; the end of the last line may be missing, blank lines at the end do not count.
    private static func lines(of text: String) -> [Substring.UTF8View] {
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        }
        while let last = lines.last, last.isEmpty { lines.removeLast() }
        return lines
    }

    private mutating func take(_ line: Substring.UTF8View, number: Int) throws(SDPError) {
        let isText = line.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
        guard isText, line.count >= 2, let type = line.first, line.dropFirst().first == UInt8(ascii: "=") else {
            throw .malformedLine(number)
        }
        let value = Substring(line.dropFirst(2))
        guard number > 1 || (type == UInt8(ascii: "v") && value == "0") else { throw .malformedLine(number) }
        let isTaken: Bool
        switch type {
        case UInt8(ascii: "o"): isTaken = takeOrigin(value)
        case UInt8(ascii: "m"): isTaken = try takeMedia(value)
        case UInt8(ascii: "a"): isTaken = takeAttribute(value)
        case UInt8(ascii: "v"): isTaken = number == 1
        default: isTaken = Self.isIgnored(type)
        }
        guard isTaken else { throw .malformedLine(number) }
    }

    /// `s i u e p c b t r z k`: known to RFC 8866, without meaning here.
    private static func isIgnored(_ type: UInt8) -> Bool {
        "siuepcbtrzk".utf8.contains(type)
    }

    /// `o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address>`.
    private mutating func takeOrigin(_ value: Substring) -> Bool {
        let words = SDPText.words(value)
        guard origin == nil, sections.isEmpty, words.count == 6 else { return false }
        guard let id = SDPText.decimal(words[1], as: UInt64.self), let version = SDPText.decimal(words[2], as: UInt64.self) else {
            return false
        }
        origin = (id, version)
        return true
    }

    /// `m=<media> <port>[/<number>] <proto> <fmt> ...`; a port count makes no sense in WebRTC and is refused.
    private mutating func takeMedia(_ value: Substring) throws(SDPError) -> Bool {
        guard sections.count < SessionDescription.Limits.sections else { throw .tooManySections }
        let words = SDPText.words(value)
        guard words.count >= 4, words.count - 3 <= SessionDescription.Limits.formats else { return false }
        guard SDPText.isToken(words[0]), let port = SDPText.decimal(words[1], as: UInt16.self) else { return false }
        let transport = SDPText.split(words[2], at: UInt8(ascii: "/"), keepingEmpty: true)
        guard transport.allSatisfy({ SDPText.isToken($0) }), words.dropFirst(3).allSatisfy({ SDPText.isToken($0) }) else { return false }
        sections.append(
            MediaSection(media: String(words[0]), port: port, transport: String(words[2]), formats: words.dropFirst(3).map(String.init)))
        return true
    }

    /// `a=<name>` or `a=<name>:<value>`, printable ASCII. A value of nothing but spaces is none.
    private mutating func takeAttribute(_ value: Substring) -> Bool {
        guard value.utf8.allSatisfy({ $0 < 0x80 && $0 != 0x09 }) else { return false }
        let parts = SDPText.split(value, at: UInt8(ascii: ":"), maxSplits: 1, keepingEmpty: true)
        guard let name = parts.first, SDPText.isToken(name) else { return false }
        let text = parts.count == 2 ? SDPText.trimmed(parts[1]) : ""
        let attribute = SDPAttribute(String(name), text.isEmpty ? nil : String(text))
        if sections.isEmpty {
            attributes.append(attribute)
        } else {
            sections[sections.count - 1].attributes.append(attribute)
        }
        return true
    }
}
