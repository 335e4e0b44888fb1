package import BridgeModel
import FoundationEssentials

/// Why a request body is not what an operation takes.
package enum JSONBodyError: Error, Sendable, Equatable {
    /// Empty, or not JSON in UTF-8, or nested deeper than anything here.
    case malformed
    /// JSON, but no object.
    case notAnObject
}

/// Reads request bodies.
package enum JSONBody {
    /// Deeper than any document of ours; stops a body of brackets before it costs stack.
    private static let depthLimit = 32

    /// The body as an object, whatever its Content-Type said. A leading byte order mark is skipped; of members with one name the last counts.
    package static func object(_ bytes: [UInt8]) throws(JSONBodyError) -> JSONValue {
        let text = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes.dropFirst(3) : bytes[...]
        guard depth(of: text) <= depthLimit, let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text)) else {
            throw .malformed
        }
        guard case .object = value else { throw .notAnObject }
        return value
    }

    /// How deep brackets are nested outside of strings; exact for JSON, and enough for what is none.
    private static func depth(of text: ArraySlice<UInt8>) -> Int {
        var depth = 0
        var deepest = 0
        var isString = false
        var isEscaped = false
        for byte in text {
            if isEscaped {
                isEscaped = false
            } else if isString {
                isEscaped = byte == UInt8(ascii: "\\")
                isString = byte != UInt8(ascii: "\"")
            } else {
                switch byte {
                case UInt8(ascii: "\""): isString = true
                case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
                case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
                default: break
                }
                deepest = max(deepest, depth)
            }
        }
        return deepest
    }
}
