package import BridgeModel

extension CapturePlan.Source {
    /// Reads what an operator gives: `pattern`, `file:PATH`, `v4l2:DEVICE` or the URL of an RTSP camera.
    package init(parsing text: String) throws(BridgeError) {
        let lowered = text.lowercased()
        if lowered == "pattern" {
            self = .test
        } else if lowered.hasPrefix("rtsp://") || lowered.hasPrefix("rtsps://") {
            let rest = text[text.index(after: text.firstIndex(of: ":") ?? text.startIndex)...].dropFirst(2)
            let authority = rest.prefix { !"/?#".contains($0) }
            guard text.isOneLine, !authority.isEmpty, authority.last != "@" else {
                throw BridgeError(.invalidURL, "The RTSP camera's URL names no host; give rtsp://HOST:PORT/PATH.")
            }
            self = .rtsp(url: Redacted(text))
        } else if let path = Self.rest(of: text, after: "file:") {
            self = .file(path: path)
        } else if let device = Self.rest(of: text, after: "v4l2:") {
            self = .v4l2(device: device)
        } else {
            throw BridgeError(.invalidField, "A source is pattern, file:PATH, v4l2:/dev/video0 or rtsp://HOST/PATH, and not \"\(text)\".")
        }
    }

    private static func rest(of text: String, after prefix: String) -> String? {
        guard text.hasPrefix(prefix), text.utf8.count > prefix.utf8.count, text.isOneLine else { return nil }
        return String(text.dropFirst(prefix.count))
    }
}
