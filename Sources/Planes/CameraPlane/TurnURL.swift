internal import BridgeModel

/// Puts `RTCIceServer` entries into the form that the pipeline's engine takes: `turn://user:password@host:port?transport=udp`.
enum TurnURL {
    static func engineURLs(of server: IceServer) -> [Redacted<String>] {
        server.urls.compactMap { url in
            for scheme in ["turn:", "turns:"] where url.hasPrefix(scheme) {
                let user = encoded(server.username)
                let password = encoded(server.credential.revealed)
                return Redacted("\(scheme)//\(user):\(password)@\(url.dropFirst(scheme.count))")
            }
            return nil
        }
    }

    /// Percent-encodes all that is not unreserved (RFC 3986 section 2.3).
    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isUnreserved = byte < 128 && (UnicodeScalar(byte).properties.isAlphabetic || (48...57).contains(byte) || [45, 46, 95, 126].contains(byte))
            if isUnreserved { return String(UnicodeScalar(byte)) }
            let hex = String(byte, radix: 16, uppercase: true)
            return "%" + (hex.count == 1 ? "0" : "") + hex
        }.joined()
    }
}
