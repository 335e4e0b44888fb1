import BridgeModel
import FoundationEssentials

/// JSON text to values and back; what the values mean is `Signaling`'s.
enum RTMCodec {
    /// nil when the text is not JSON. A leading byte order mark is skipped (streamrec contract, section 2 rule 2).
    static func decode(_ text: String) -> JSONValue? {
        let body = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        return try? JSONDecoder().decode(JSONValue.self, from: Data(body.utf8))
    }

    /// Compact JSON with sorted members, so that equal messages are equal bytes.
    static func encode(_ value: JSONValue) -> String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(value) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
