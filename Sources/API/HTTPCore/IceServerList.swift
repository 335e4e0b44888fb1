package import BridgeModel
import FoundationEssentials

/// What clients are told about STUN and TURN, with time-limited credentials (coturn's `use-auth-secret`).
package struct IceServerList: Sendable {
    /// HMAC-SHA1 of a message under a key (RFC 2104); 20 bytes.
    package typealias MessageAuthentication = @Sendable (_ key: [UInt8], _ message: [UInt8]) -> [UInt8]

    private let settings: TurnSettings
    private let authenticate: MessageAuthentication

    package init(_ settings: TurnSettings, hmacSHA1: @escaping MessageAuthentication) {
        self.settings = settings
        authenticate = hmacSHA1
    }

    /// The servers for a client: the STUN entry with empty secrets, then the relay's, each only where it is configured.
    package func servers(for client: ClientID, at now: WallTime) -> [IceServer] {
        var servers: [IceServer] = []
        if !settings.stunURLs.isEmpty { servers.append(IceServer(urls: settings.stunURLs)) }
        guard !settings.urls.isEmpty, !settings.secret.revealed.isEmpty else { return servers }
        let username = Self.username(client, expiry: now.advanced(by: settings.lifetime))
        let code = authenticate(Array(settings.secret.revealed.utf8), Array(username.utf8))
        servers.append(IceServer(urls: settings.urls, username: username, credential: Redacted(Data(code).base64EncodedString())))
        return servers
    }

    /// `<expiry>:<client>`; every byte of the client outside 0x21...0x7E, and `%`, is percent-encoded.
    static func username(_ client: ClientID, expiry: WallTime) -> String {
        let name = PercentEncoding.encode(client.rawValue) { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "%") }
        return "\(expiry.seconds):\(name)"
    }
}

extension JSONText {
    /// An `RTCConfiguration` with these servers; secrets are strings even when empty (W3C WebRTC section 4.2.4).
    package static func iceCredentials(_ servers: [IceServer]) -> JSONText {
        let entries = servers.map { server in
            JSONText.object([
                .init("urls", .array(server.urls.map(JSONText.string))), .init("username", .string(server.username)),
                .init("credential", .string(server.credential.revealed)),
            ])
        }
        return .object([.init("iceServers", .array(entries))])
    }
}
