extension JSONValue {
    /// Why text is no JSON that we read.
    package enum ReadError: Error, Sendable, Equatable {
        /// Not of the grammar of RFC 8259, or not UTF-8.
        case malformed
        /// Nested deeper than `depthLimit`.
        case tooDeep
    }

    /// Deeper than any message of ours; a text of brackets is refused before it costs stack.
    package static let depthLimit = 32

    /// Reads a whole text in UTF-8 (RFC 8259). A byte order mark before it is skipped and of members with one name the last counts (streamrec
    /// contract, section 2 rules 2 and 3), which Foundation's decoder does not promise. Numbers beyond a double are malformed.
    package static func read(_ bytes: some Sequence<UInt8>) throws(ReadError) -> JSONValue {
        var bytes = Array(bytes)
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
        guard String(validating: bytes, as: UTF8.self) != nil else { throw .malformed }
        var reader = JSONReader(bytes)
        return try reader.readDocument()
    }
}

/// One pass over a text that is known to be UTF-8.
private struct JSONReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func readDocument() throws(JSONValue.ReadError) -> JSONValue {
        let value = try readValue(depth: 0)
        skipSpace()
        guard place == bytes.count else { throw .malformed }
        return value
    }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { place += 1 }
    }

    /// Passes over `byte` if it comes next, after white space.
    private mutating func take(_ byte: Character) -> Bool {
        skipSpace()
        guard next == byte.asciiValue else { return false }
        place += 1
        return true
    }

    private mutating func takeWord(_ word: StaticString, _ value: JSONValue) throws(JSONValue.ReadError) -> JSONValue {
        let end = place + word.utf8CodeUnitCount
        guard end <= bytes.count, String(decoding: bytes[place..<end], as: UTF8.self) == "\(word)" else { throw .malformed }
        place = end
        return value
    }

    private mutating func readValue(depth: Int) throws(JSONValue.ReadError) -> JSONValue {
        guard depth <= JSONValue.depthLimit else { throw .tooDeep }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try readObject(depth: depth + 1)
        case UInt8(ascii: "["): return try readArray(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try readString())
        case UInt8(ascii: "t"): return try takeWord("true", .bool(true))
        case UInt8(ascii: "f"): return try takeWord("false", .bool(false))
        case UInt8(ascii: "n"): return try takeWord("null", .null)
        default: return .number(try readNumber())
        }
    }

    private mutating func readObject(depth: Int) throws(JSONValue.ReadError) -> JSONValue {
        place += 1
        var members: [String: JSONValue] = [:]
        if take("}") { return .object(members) }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw .malformed }
            let name = try readString()
            guard take(":") else { throw .malformed }
            members[name] = try readValue(depth: depth)
        } while take(",")
        guard take("}") else { throw .malformed }
        return .object(members)
    }

    private mutating func readArray(depth: Int) throws(JSONValue.ReadError) -> JSONValue {
        place += 1
        var items: [JSONValue] = []
        if take("]") { return .array(items) }
        repeat {
            items.append(try readValue(depth: depth))
        } while take(",")
        guard take("]") else { throw .malformed }
        return .array(items)
    }

    /// RFC 8259 section 6: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
    private mutating func readNumber() throws(JSONValue.ReadError) -> Double {
        let start = place
        if next == UInt8(ascii: "-") { place += 1 }
        let isZero = next == UInt8(ascii: "0")
        let digits = takeDigits()
        guard digits == 1 || (digits > 1 && !isZero) else { throw .malformed }
        if next == UInt8(ascii: ".") {
            place += 1
            guard takeDigits() > 0 else { throw .malformed }
        }
        if let byte = next, byte | 0x20 == UInt8(ascii: "e") {
            place += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { place += 1 }
            guard takeDigits() > 0 else { throw .malformed }
        }
        guard let value = Double(String(decoding: bytes[start..<place], as: UTF8.self)), value.isFinite else { throw .malformed }
        return value
    }

    private mutating func takeDigits() -> Int {
        let start = place
        while let byte = next, (0x30...0x39).contains(byte) { place += 1 }
        return place - start
    }
}

// MARK: Strings

extension JSONReader {
    private mutating func readString() throws(JSONValue.ReadError) -> String {
        place += 1
        var text: [UInt8] = []
        while let byte = next {
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text += try readEscape()
            case 0x00..<0x20: throw .malformed
            default: text.append(byte)
            }
        }
        throw .malformed
    }

    private mutating func readEscape() throws(JSONValue.ReadError) -> [UInt8] {
        guard let byte = next else { throw .malformed }
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return Array(String(Character(try readScalar())).utf8)
        default: throw .malformed
        }
    }

    /// The digits of `\uXXXX`, and of the low half that must follow a high surrogate. A lone half is no character.
    private mutating func readScalar() throws(JSONValue.ReadError) -> Unicode.Scalar {
        let first = try readCodeUnit()
        guard (0xD800...0xDBFF).contains(first) else {
            guard let scalar = Unicode.Scalar(first) else { throw .malformed }
            return scalar
        }
        guard next == UInt8(ascii: "\\"), place + 1 < bytes.count, bytes[place + 1] == UInt8(ascii: "u") else { throw .malformed }
        place += 2
        let second = try readCodeUnit()
        guard (0xDC00...0xDFFF).contains(second) else { throw .malformed }
        guard let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) else { throw .malformed }
        return scalar
    }

    private mutating func readCodeUnit() throws(JSONValue.ReadError) -> UInt32 {
        guard place + 4 <= bytes.count else { throw .malformed }
        let digits = bytes[place..<place + 4]
        let isHex = digits.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x46).contains($0) || (0x61...0x66).contains($0) }
        guard isHex, let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16) else { throw .malformed }
        place += 4
        return value
    }
}
