package import HTTPTypes
import Synchronization

/// Opens WebSockets to other servers, over `ws` and `wss`.
///
/// All clients of a process share one loop and thread, which is started with the first and stays.
package struct WebSocketClient: Sendable {
    /// Whose certificates a `wss` server may show.
    package enum Trust: Sendable, Hashable {
        /// The system's authorities.
        case system
        /// The authorities in this PEM file only.
        case authorities(path: String)
    }

    /// Connects and shakes hands (RFC 6455, 4.1). Pings, limits and closing are as on a server's side.
    ///
    /// - Parameters:
    ///   - url: `ws://` or `wss://`, a host, and perhaps a port, path and query.
    ///   - headers: added to the handshake, for example `Authorization`; those of the handshake itself are dropped.
    ///   - limits: as for a server; `connectTimeout` bounds the whole of this call.
    ///   - trust: for `wss`: who must have signed the server's certificate, which must also name the URL's host.
    package static func connect(
        url: String, headers: HTTPFields = [:], limits: WebServerLimits = WebServerLimits(), trust: Trust = .system
    ) async throws(WebServerError) -> WebSocket {
        guard let target = WebSocketURL(url) else { throw .invalidURL(url) }
        let host = try ClientLoop.shared(limits: limits)
        let result = await withCheckedContinuation { continuation in
            let role = ClientOpening(target: target, headers: headers, limits: limits, trust: trust, continuation: continuation)
            host.post { host in host.connect(role) }
        }
        return try result.get()
    }
}

/// The loops that clients share: one for each set of limits, which are few.
private enum ClientLoop {
    private static let hosts = Mutex<[(limits: WebServerLimits, host: SocketHost)]>([])

    static func shared(limits: WebServerLimits) throws(WebServerError) -> SocketHost {
        let host = hosts.withLock { hosts -> SocketHost? in
            if let known = hosts.first(where: { $0.limits == limits }) { return known.host }
            let host = SocketHost(limits: limits)
            guard host.startLoop() else { return nil }
            hosts.append((limits, host))
            return host
        }
        guard let host else { throw .libraryFailure("lws_create_context") }
        return host
    }
}

/// What a client needs of a URL (RFC 6455, 3).
struct WebSocketURL: Equatable, Sendable {
    let isSecure: Bool
    /// A name, or a numeric address without brackets.
    let host: String
    let port: Int
    /// Path and query, as they go into the request line.
    let target: String
    /// The value of `Host`.
    let authority: String

    init?(_ text: String) {
        guard text.utf8.allSatisfy({ $0.isVisible && $0 != Octet.numberSign }), let colon = text.firstRange(of: "://") else { return nil }
        switch text[..<colon.lowerBound].lowercased() {
        case "ws": isSecure = false
        case "wss": isSecure = true
        default: return nil
        }
        let rest = text[colon.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        authority = String(rest[..<end])
        guard let (host, port) = Self.split(authority) else { return nil }
        self.host = host
        self.port = port ?? (isSecure ? 443 : 80)
        target = rest[end...].hasPrefix("/") ? String(rest[end...]) : "/" + rest[end...]
    }

    private static func split(_ authority: String) -> (host: String, port: Int?)? {
        guard !authority.isEmpty, !authority.contains("@") else { return nil }
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else { return nil }
            let host = authority[authority.index(after: authority.startIndex)..<bracket]
            let rest = authority[authority.index(after: bracket)...]
            guard !rest.isEmpty else { return (String(host), nil) }
            return rest.hasPrefix(":") ? readPort(rest.dropFirst()).map { (String(host), $0) } : nil
        }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, !parts[0].isEmpty else { return nil }
        guard parts.count == 2 else { return (authority, nil) }
        return readPort(parts[1]).map { (String(parts[0]), $0) }
    }

    private static func readPort(_ text: Substring) -> Int? {
        text.utf8.decimalValue().flatMap { (1...65535).contains($0) ? $0 : nil }
    }
}
