import HTTPTypes

/// The origin under which clients reach the bridge.
package struct PublicOrigin: Sendable, Equatable {
    /// `scheme://host[:port]` for HTTP.
    package let http: String

    /// The configured base if there is one; else what the request came to. nil when neither names a host.
    package init?(base: String, request: APIRequest) {
        if base.hasPrefix("https://") || base.hasPrefix("http://") {
            var base = base
            while base.hasSuffix("/") { base.removeLast() }
            http = base
            return
        }
        guard let host = request.head.authority ?? request.head.headerFields[.host], Self.isHost(host) else { return nil }
        http = (request.isSecure ? "https://" : "http://") + host
    }

    /// The same with `wss` for `https` and `ws` for `http`.
    package var webSocket: String { "ws" + http.dropFirst("http".count) }

    /// Names, addresses and a port; nothing that could change the meaning of a URL.
    private static func isHost(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: "-._:[]".utf8.contains(byte)
                }
            }
    }
}
