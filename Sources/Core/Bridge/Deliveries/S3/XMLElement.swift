/// An element of the small XML that S3 stores and WebDAV servers answer with: names without prefix, text and children, no attributes. There are no
/// entities but the five of XML and characters by number, and no document type: what could grow by itself is refused.
package struct XMLElement: Sendable, Equatable {
    /// Why bytes are no such document.
    package enum ReadError: Error, Sendable, Equatable {
        case malformed
        /// Too deep, too long or too many elements.
        case tooLarge
    }

    package static let depthLimit = 16
    package static let elementLimit = 50_000
    package static let byteLimit = 8 << 20

    /// Without its namespace's prefix.
    package var name: String
    /// All character data directly inside, without white space at its ends.
    package var text = ""
    package var children: [XMLElement] = []

    package init(name: String) { self.name = name }

    /// The first child of this name.
    package subscript(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    /// All children of this name.
    package func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

    /// Reads a whole document in UTF-8.
    package static func read(_ bytes: some Sequence<UInt8>) throws(ReadError) -> XMLElement {
        let bytes = Array(bytes)
        guard bytes.count <= byteLimit else { throw .tooLarge }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw .malformed }
        var reader = XMLReader(bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...])
        return try reader.readDocument()
    }
}

/// One pass over a text that is known to be UTF-8, with a stack of its own instead of the thread's.
private struct XMLReader {
    private var rest: ArraySlice<UInt8>
    private var open: [XMLElement] = []
    private var root: XMLElement?
    private var count = 0

    init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    mutating func readDocument() throws(XMLElement.ReadError) -> XMLElement {
        while let byte = rest.first {
            if byte == UInt8(ascii: "<") { try readMarkup() } else { try readText() }
        }
        guard open.isEmpty, let root else { throw .malformed }
        return root
    }

    private mutating func readText() throws(XMLElement.ReadError) {
        let end = rest.firstIndex(of: UInt8(ascii: "<")) ?? rest.endIndex
        let text = try Self.unescaped(rest[..<end])
        rest = rest[end...]
        try append(text)
    }

    private mutating func append(_ text: String) throws(XMLElement.ReadError) {
        guard !open.isEmpty else {
            guard text.utf8.allSatisfy(\.isXMLSpace) else { throw .malformed }
            return
        }
        open[open.count - 1].text += text
    }

    private mutating func readMarkup() throws(XMLElement.ReadError) {
        if skip("<?") { return try skip(past: "?>") }
        if skip("<!--") { return try skip(past: "-->") }
        if skip("<![CDATA[") {
            guard let end = find("]]>") else { throw .malformed }
            let text = String(decoding: rest[..<end], as: UTF8.self)
            rest = rest[(end + 3)...]
            return try append(text)
        }
        if skip("</") { return try closeElement() }
        rest.removeFirst()
        try openElement()
    }

    private mutating func openElement() throws(XMLElement.ReadError) {
        guard root == nil else { throw .malformed }
        count += 1
        guard open.count < XMLElement.depthLimit, count <= XMLElement.elementLimit else { throw .tooLarge }
        let name = try readName()
        let isEmpty = try skipAttributes()
        open.append(XMLElement(name: name))
        if isEmpty { try close() }
    }

    private mutating func closeElement() throws(XMLElement.ReadError) {
        let name = try readName()
        rest = rest.drop(while: \.isXMLSpace)
        guard open.last?.name == name, skip(">") else { throw .malformed }
        try close()
    }

    private mutating func close() throws(XMLElement.ReadError) {
        guard var element = open.popLast() else { throw .malformed }
        element.trim()
        if open.isEmpty { root = element } else { open[open.count - 1].children.append(element) }
    }

    /// The local name, after the last colon.
    private mutating func readName() throws(XMLElement.ReadError) -> String {
        let name = rest.prefix { !$0.isXMLSpace && !">/<=\"'&".utf8.contains($0) }
        rest = rest[name.endIndex...]
        let local = name.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).last ?? name
        guard !local.isEmpty else { throw .malformed }
        return String(decoding: local, as: UTF8.self)
    }

    /// Passes over attributes to the tag's end; true for `/>`.
    private mutating func skipAttributes() throws(XMLElement.ReadError) -> Bool {
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: ">"): return false
            case UInt8(ascii: "/"):
                guard skip(">") else { throw .malformed }
                return true
            case UInt8(ascii: "\""), UInt8(ascii: "'"):
                guard let end = rest.firstIndex(of: byte) else { throw .malformed }
                rest = rest[(end + 1)...]
            case UInt8(ascii: "<"): throw .malformed
            default: break
            }
        }
        throw .malformed
    }

    private mutating func skip(_ text: String) -> Bool {
        guard rest.starts(with: text.utf8) else { return false }
        rest = rest.dropFirst(text.utf8.count)
        return true
    }

    private mutating func skip(past end: String) throws(XMLElement.ReadError) {
        guard let place = find(end) else { throw .malformed }
        rest = rest[(place + end.utf8.count)...]
    }

    private func find(_ text: String) -> Int? {
        let wanted = Array(text.utf8)
        guard rest.count >= wanted.count else { return nil }
        return (rest.startIndex...(rest.endIndex - wanted.count)).first { rest[$0..<($0 + wanted.count)].elementsEqual(wanted) }
    }

    // XML 1.0 section 4.6: the predefined entities.
    private static let entities: [String: Unicode.Scalar] = ["lt": "<", "gt": ">", "amp": "&", "quot": "\"", "apos": "'"]

    private static func unescaped(_ bytes: ArraySlice<UInt8>) throws(XMLElement.ReadError) -> String {
        guard bytes.contains(UInt8(ascii: "&")) else { return String(decoding: bytes, as: UTF8.self) }
        var text = ""
        for (index, piece) in bytes.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false).enumerated() {
            guard index > 0 else {
                text += String(decoding: piece, as: UTF8.self)
                continue
            }
            guard let end = piece.firstIndex(of: UInt8(ascii: ";")), end - piece.startIndex <= 10,
                let scalar = scalar(String(decoding: piece[..<end], as: UTF8.self))
            else { throw .malformed }
            text.unicodeScalars.append(scalar)
            text += String(decoding: piece[(end + 1)...], as: UTF8.self)
        }
        return text
    }

    private static func scalar(_ name: String) -> Unicode.Scalar? {
        if let known = entities[name] { return known }
        guard name.hasPrefix("#") else { return nil }
        let number = name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : UInt32(name.dropFirst())
        return number.flatMap(Unicode.Scalar.init)
    }
}

extension XMLElement {
    fileprivate mutating func trim() {
        let bytes = text.utf8.drop(while: \.isXMLSpace).reversed().drop(while: \.isXMLSpace).reversed()
        text = String(decoding: Array(bytes), as: UTF8.self)
    }
}

extension UInt8 {
    fileprivate var isXMLSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}
