import BridgeModel
import Foundation

/// JSON text to values and back; what the values mean is `Signaling`'s.
enum RTMCodec {
    /// nil when the text is not JSON, or nested beyond Foundation's 512 levels. A leading byte order mark is skipped and of members with
    /// equal names the last wins (streamrec contract, section 2 rules 2 and 3), which `JSONDecoder` would not do.
    static func decode(_ text: String) -> JSONValue? {
        let body = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        guard let tree = try? JSONSerialization.jsonObject(with: Data(body.utf8), options: .fragmentsAllowed) else { return nil }
        return value(tree)
    }

    /// Compact JSON with sorted members, so that equal messages are equal bytes.
    static func encode(_ value: JSONValue) -> String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(value) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func value(_ node: Any) -> JSONValue? {
        switch node {
        case let text as String: return .string(text)
        case let number as NSNumber: return isBool(number) ? .bool(number.boolValue) : .number(number.doubleValue)
        case is NSNull: return .null
        case let items as [Any]:
            let values = items.compactMap(value)
            return values.count == items.count ? .array(values) : nil
        case let members as [String: Any]:
            let values = members.compactMapValues(value)
            return values.count == members.count ? .object(values) : nil
        default: return nil
        }
    }

    /// Foundation tells truth values from numbers only by their encoding, `c` for a C `char`; JSON's numbers come as `q`, `Q` and `d`.
    private static func isBool(_ number: NSNumber) -> Bool { number.objCType.pointee == CChar(bitPattern: UInt8(ascii: "c")) }
}
