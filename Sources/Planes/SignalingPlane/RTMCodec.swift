import BridgeModel
import Foundation

/// JSON text to values and back; what the values mean is `Signaling`'s.
enum RTMCodec {
    /// nil when the text is not JSON, or nested deeper than any message. Strict, as Foundation's reader is not: it takes a comma at the end.
    static func decode(_ text: String) -> JSONValue? { try? JSONValue.read(text.utf8) }

    /// Compact JSON with sorted members, so that equal messages are equal bytes.
    static func encode(_ value: JSONValue) -> String? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(value) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}
