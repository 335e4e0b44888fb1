/// Reads a description line by line. It holds what was read so far; one parser reads one text.
///
/// It works on bytes, and makes a string only of what is kept: descriptions are read for every peer that joins.
struct SessionDescriptionParser {
    private var origin: (id: UInt64, version: UInt64)?
    private var attributes: [SDPAttribute] = []
    private var sections: [MediaSection] = []

    mutating func parse(_ text: String) throws(SDPError) -> SessionDescription {
        guard text.utf8.count <= SessionDescription.Limits.bytes else { throw .tooLarge }
        let bytes = text.utf8Span.span
        let end = Self.endOfText(bytes)
        var start = 0
        var number = 0
        while start < end {
            var stop = start
            while stop < end, bytes[stop] != Byte.lineFeed { stop += 1 }
            let endsWithCR = stop > start && bytes[stop - 1] == Byte.carriageReturn
            number += 1
            try take(bytes.extracting(start..<(endsWithCR ? stop - 1 : stop)), number: number)
            start = stop + 1
        }
        guard let origin, !sections.isEmpty else { throw .incomplete }
        return SessionDescription(sessionID: origin.id, sessionVersion: origin.version, attributes: attributes, sections: sections)
    }

    private enum Byte {
        static let tab: UInt8 = 0x09
        static let lineFeed: UInt8 = 0x0A
        static let carriageReturn: UInt8 = 0x0D
        static let space: UInt8 = 0x20
        static let delete: UInt8 = 0x7F
    }

    /// Where the last line ends: the end of the last line may be missing, and blank lines behind it do not count.
    private static func endOfText(_ bytes: Span<UInt8>) -> Int {
        var end = bytes.count
        while end > 0 {
            if bytes[end - 1] == Byte.lineFeed {
                end -= 1
            } else if bytes[end - 1] == Byte.carriageReturn, end == 1 || bytes[end - 2] == Byte.lineFeed {
                end = max(0, end - 2)
            } else {
                break
            }
        }
        return end
    }

    private mutating func take(_ line: Span<UInt8>, number: Int) throws(SDPError) {
        guard line.count <= SessionDescription.Limits.lineBytes else { throw .lineTooLong(line: number) }
        guard Self.isText(line), line.count >= 2, line[1] == UInt8(ascii: "=") else { throw .malformedLine(number) }
        let type = line[0]
        let value = line.extracting(droppingFirst: 2)
        let isVersion = type == UInt8(ascii: "v") && value.count == 1 && value[0] == UInt8(ascii: "0")
        guard (number == 1) == (type == UInt8(ascii: "v")), number > 1 || isVersion else { throw .malformedLine(number) }
        let isTaken: Bool
        switch type {
        case UInt8(ascii: "o"): isTaken = takeOrigin(Self.text(value))
        case UInt8(ascii: "m"): isTaken = try takeMedia(Self.text(value))
        case UInt8(ascii: "a"): isTaken = takeAttribute(value)
        default: isTaken = isVersion || Self.isIgnored(type)
        }
        guard isTaken else { throw .malformedLine(number) }
    }

    private static func isText(_ line: Span<UInt8>) -> Bool {
        for index in line.indices where line[index] < Byte.space && line[index] != Byte.tab || line[index] == Byte.delete { return false }
        return true
    }

    /// A part of the text that was cut at ASCII characters is UTF-8 like the whole.
    private static func text(_ bytes: Span<UInt8>) -> Substring {
        guard let utf8 = try? UTF8Span(validating: bytes) else { return "" }
        return Substring(String(copying: utf8))
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
    private mutating func takeAttribute(_ value: Span<UInt8>) -> Bool {
        var nameEnd = 0
        while nameEnd < value.count, value[nameEnd] != UInt8(ascii: ":") {
            guard SDPText.isTokenByte(value[nameEnd]) else { return false }
            nameEnd += 1
        }
        guard nameEnd > 0 else { return false }
        var first = min(nameEnd + 1, value.count)
        var last = value.count
        while first < last, value[first] == Byte.space { first += 1 }
        while first < last, value[last - 1] == Byte.space { last -= 1 }
        for index in first..<last where value[index] >= 0x80 || value[index] == Byte.tab { return false }
        let name = String(Self.text(value.extracting(first: nameEnd)))
        let attribute = SDPAttribute(name, first < last ? String(Self.text(value.extracting(first..<last))) : nil)
        if sections.isEmpty {
            attributes.append(attribute)
        } else {
            sections[sections.count - 1].attributes.append(attribute)
        }
        return true
    }
}
