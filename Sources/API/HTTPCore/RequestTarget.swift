/// A request target in origin form (RFC 9112 section 3.2.1), taken apart before it is decoded, so that `%2F` stays inside its segment.
struct RequestTarget {
    /// Decoded segments without the empty one that a trailing slash makes; nil when one of them is no text.
    let segments: [String]?
    let query: QueryParameters

    init(_ target: String) {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        query = QueryParameters(parts.count == 2 ? parts[1] : "")
        segments = Self.segments(parts.first ?? "")
    }

    private static func segments(_ path: Substring) -> [String]? {
        guard path.hasPrefix("/") else { return nil }
        var raw = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        if raw.last?.isEmpty == true { raw.removeLast() }
        var result: [String] = []
        for segment in raw {
            // A dot segment or NUL is never the name of anything here.
            guard let text = PercentEncoding.decode(segment), !text.isEmpty, text != ".", text != "..", !text.utf8.contains(0) else {
                return nil
            }
            result.append(text)
        }
        return result
    }
}

/// The members of a query, as forms encode them; of several of one name the last counts.
package struct QueryParameters: Sendable, Equatable {
    private var values: [String: String] = [:]

    /// Reads `name=value&...`; members that are not decodable are left out.
    package init(_ text: some StringProtocol) {
        for member in text.split(separator: "&") {
            let pair = member.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = pair.map { PercentEncoding.decode(Substring($0.map { $0 == "+" ? " " : $0 })) }
            guard let name = decoded.first.flatMap({ $0 }) else { continue }
            if decoded.count == 1 {
                values[name] = ""
            } else if let value = decoded[1] {
                values[name] = value
            }
        }
    }

    /// The value of a member; nil when it is absent.
    package subscript(_ name: String) -> String? { values[name] }
}

/// Percent-encoding of RFC 3986 section 2.1.
package enum PercentEncoding {
    /// Decodes once; nil for a broken escape or a result that is no UTF-8.
    package static func decode(_ text: Substring) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Encodes every byte that `isPlain` does not let stand, with upper-case digits.
    package static func encode(_ text: String, where isPlain: (UInt8) -> Bool) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if isPlain(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// RFC 3986 section 2.3: what may stand in a path segment as it is.
    package static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "-._~".utf8.contains(byte)
        }
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
