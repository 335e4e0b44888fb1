import HTTPTypes

/// Finds and reads one request head in the bytes received so far (RFC 9112, 2 to 6).
///
/// Strict where leniency has led to request smuggling: lines end in CRLF only, no folded lines, no space before a colon, one framing.
struct RequestHeadParser {
    let limits: WebServerLimits
    /// What the connection is, for `:scheme`.
    let isSecure: Bool
    /// How far earlier calls have looked for the end, so that a head that drips in is not scanned again and again.
    private var scanned = 0

    init(limits: WebServerLimits, isSecure: Bool) {
        self.limits = limits
        self.isSecure = isSecure
    }

    /// The head at the start of `bytes` and its length there; nil when its end has not come yet.
    mutating func parse(_ bytes: ArraySlice<UInt8>) throws(RequestFault) -> (head: RequestHead, length: Int)? {
        let start = skipEmptyLines(bytes)
        guard let end = findEnd(in: bytes, from: start) else {
            if bytes.endIndex - start > limits.headerBytes {
                throw bytes[start...].contains(Octet.lineFeed) ? .headersTooLarge : .targetTooLong
            }
            return nil
        }
        scanned = 0
        guard end - start <= limits.headerBytes else { throw .headersTooLarge }
        let head = try readHead(bytes[start..<end])
        return (head, end - bytes.startIndex)
    }

    /// A client may send an empty line before a request (RFC 9112, 2.2).
    private func skipEmptyLines(_ bytes: ArraySlice<UInt8>) -> Int {
        var start = bytes.startIndex
        while start + 1 < bytes.endIndex, bytes[start] == Octet.carriageReturn, bytes[start + 1] == Octet.lineFeed { start += 2 }
        return start
    }

    private mutating func findEnd(in bytes: ArraySlice<UInt8>, from start: Int) -> Int? {
        var index = max(start, bytes.startIndex + scanned)
        while index + 3 < bytes.endIndex {
            if bytes[index + 3] != Octet.lineFeed {
                index += bytes[index + 3] == Octet.carriageReturn ? 1 : (bytes[index + 3] > Octet.carriageReturn ? 4 : 1)
                continue
            }
            if bytes[index] == Octet.carriageReturn, bytes[index + 1] == Octet.lineFeed, bytes[index + 2] == Octet.carriageReturn {
                return index + 4
            }
            index += 1
        }
        scanned = max(0, index - bytes.startIndex)
        return nil
    }

    private func readHead(_ bytes: ArraySlice<UInt8>) throws(RequestFault) -> RequestHead {
        var rest = bytes
        let line = try RequestLine(Self.takeLine(from: &rest))
        var fields = HTTPFields()
        while true {
            let text = try Self.takeLine(from: &rest)
            if text.isEmpty { break }
            guard fields.count < limits.headerFields else { throw .headersTooLarge }
            fields.append(try Self.readField(text))
        }
        return try MessageRules(line: line, fields: fields, isSecure: isSecure).head()
    }

    /// The bytes up to the next CRLF. A CR or LF alone is refused (RFC 9112, 2.2).
    private static func takeLine(from rest: inout ArraySlice<UInt8>) throws(RequestFault) -> ArraySlice<UInt8> {
        guard let feed = rest.firstIndex(of: Octet.lineFeed), feed > rest.startIndex, rest[feed - 1] == Octet.carriageReturn else {
            throw .badRequest
        }
        let line = rest[rest.startIndex..<(feed - 1)]
        rest = rest[(feed + 1)...]
        return line
    }

    private static func readField(_ line: ArraySlice<UInt8>) throws(RequestFault) -> HTTPField {
        guard let colon = line.firstIndex(of: Octet.colon), let name = HTTPField.Name(String(decoding: line[..<colon], as: UTF8.self))
        else {
            throw .badRequest
        }
        var value = line[(colon + 1)...]
        while let first = value.first, first == Octet.space || first == Octet.tab { value.removeFirst() }
        while let last = value.last, last == Octet.space || last == Octet.tab { value.removeLast() }
        guard value.allSatisfy(\.isFieldContent), line[..<colon].allSatisfy(\.isToken) else { throw .badRequest }
        return HTTPField(name: name, value: value)
    }
}

/// The first line of a request (RFC 9112, 3).
struct RequestLine {
    let method: HTTPRequest.Method
    let target: String
    let isVersion11: Bool

    init(_ line: ArraySlice<UInt8>) throws(RequestFault) {
        let parts = line.split(separator: Octet.space, omittingEmptySubsequences: false)
        guard parts.count == 3, let method = HTTPRequest.Method(String(decoding: parts[0], as: UTF8.self)) else { throw .badRequest }
        guard Self.isWellFormed(target: parts[1]) else { throw .badRequest }
        self.method = method
        target = String(decoding: parts[1], as: UTF8.self)
        isVersion11 = try Self.readVersion(parts[2])
    }

    /// Visible ASCII without a fragment, percent signs followed by two hexadecimal digits (RFC 3986, 2.1).
    private static func isWellFormed(target: ArraySlice<UInt8>) -> Bool {
        guard !target.isEmpty else { return false }
        for (index, octet) in zip(target.indices, target) {
            guard octet.isVisible, octet != Octet.numberSign else { return false }
            guard octet == Octet.percent else { continue }
            guard index + 2 < target.endIndex, target[index + 1].hexValue != nil, target[index + 2].hexValue != nil else { return false }
        }
        return true
    }

    private static func readVersion(_ version: ArraySlice<UInt8>) throws(RequestFault) -> Bool {
        let digits = version.dropFirst(5)
        guard version.starts(with: Array("HTTP/".utf8)), digits.count == 3, digits[digits.startIndex + 1] == UInt8(ascii: ".") else {
            throw .badRequest
        }
        guard let major = digits.first, let minor = digits.last, major.isDigit, minor.isDigit else { throw .badRequest }
        guard major == UInt8(ascii: "1") else { throw .versionNotSupported }
        return minor != UInt8(ascii: "0")
    }
}
