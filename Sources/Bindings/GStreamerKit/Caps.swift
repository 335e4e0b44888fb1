internal import CGStreamer

/// Media formats, in GStreamer's text form (`application/x-rtp,media=video,...`). Immutable; owns one reference.
package final class Caps: @unchecked Sendable {
    // Unchecked: GstCaps is never written after creation here, and its count is atomic.
    let handle: UnsafeMutablePointer<GstCaps>

    /// Reads GStreamer's caps text. Throws `caps`.
    package init(_ text: String) throws(GStreamerError) {
        guard let handle = gst_caps_from_string(text) else { throw GStreamerError(.caps, "unreadable caps: \(text)") }
        self.handle = handle
    }

    init(owning handle: UnsafeMutablePointer<GstCaps>) { self.handle = handle }

    deinit { gst_caps_unref(handle) }

    /// The caps as text.
    package var description: String {
        let text = gst_caps_to_string(handle)
        defer { g_free(text) }
        return text.map { String(cString: $0) } ?? ""
    }

    /// Quotes a value so that any text can stand in caps (GStreamer's own escaping of strings).
    package static func quoted(_ value: String) -> String {
        var result = "\""
        for character in value.unicodeScalars {
            if character == "\"" || character == "\\" { result += "\\" }
            result.unicodeScalars.append(character)
        }
        return result + "\""
    }
}
