internal import CWebSockets
import HTTPTypes

/// What a client wants to open, and who waits for it.
struct ClientOpening: Sendable {
    let target: WebSocketURL
    let headers: HTTPFields
    let limits: WebServerLimits
    let trust: WebSocketClient.Trust
    let continuation: CheckedContinuation<Result<WebSocket, WebServerError>, Never>
}

extension SocketHost {
    /// Begins a client's connection; its continuation is resumed exactly once.
    func connect(_ opening: ClientOpening) {
        let role = ClientHandshakeRole(opening)
        guard let vhost = clientVirtualHost(authorityPath: opening.trust.path) else {
            return role.fail(.libraryFailure("lws_create_vhost"))
        }
        let id = nextID()
        let target = opening.target
        // A failure inside the call has been reported by its callback before it returns nil.
        guard let socket = makeClientSocket(target, id: id, vhost: vhost) else {
            return role.fail(.connectFailed(reason: "no connection to \(target.host) port \(target.port)"))
        }
        add(Connection(id: id, socket: socket, remoteAddress: target.host, isSecure: target.isSecure, role: role))
    }

    private func makeClientSocket(_ target: WebSocketURL, id: ConnectionID, vhost: OpaquePointer) -> OpaquePointer? {
        target.host.withCString { host in
            "RAW".withCString { method in
                var info = lws_client_connect_info()
                info.context = context
                info.vhost = vhost
                info.address = host
                info.host = host
                info.origin = host
                info.path = VirtualHosts.protocolNamePointer
                info.port = Int32(target.port)
                info.ssl_connection = target.isSecure ? Int32(LCCSCF_USE_SSL.rawValue) : 0
                info.method = method
                info.local_protocol_name = VirtualHosts.protocolNamePointer
                info.opaque_user_data = id.opaquePointer
                return lws_client_connect_via_info(&info)
            }
        }
    }
}

extension WebSocketClient.Trust {
    fileprivate var path: String? {
        switch self {
        case .system: nil
        case .authorities(let path): path
        }
    }
}

/// A client's connection until the server has agreed to a WebSocket (RFC 6455, 4.1).
final class ClientHandshakeRole: ConnectionRole {
    /// Fields that the handshake itself writes or must not have.
    private static let ownFields: Set = [
        "host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "content-length",
        "transfer-encoding",
    ]

    private let opening: ClientOpening
    private let key = WebSocketHandshake.makeKey()
    private let deadline: ContinuousClock.Instant
    private var input: [UInt8] = []
    private var isAnswered = false

    init(_ opening: ClientOpening) {
        self.opening = opening
        deadline = .now + opening.limits.connectTimeout
    }

    var isBusy: Bool { false }

    /// The transport is there: sends the handshake.
    func connected(on connection: Connection) {
        var text =
            "GET \(opening.target.target) HTTP/1.1\r\nhost: \(opening.target.authority)\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        text += "sec-websocket-version: 13\r\nsec-websocket-key: \(key)\r\n"
        for field in opening.headers where !Self.ownFields.contains(field.name.canonicalName) {
            text += "\(field.name.rawName): \(field.value)\r\n"
        }
        connection.write(Array((text + "\r\n").utf8))
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection, of host: isolated SocketHost) {
        guard !isAnswered else { return }
        input.append(contentsOf: bytes)
        do throws(WebServerError) {
            guard let length = try HandshakeReply(limit: opening.limits.headerBytes).check(input, key: key) else { return }
            isAnswered = true
            let socket = WebSocketRole.take(over: connection, side: .client, early: Array(input[length...]), of: host)
            opening.continuation.resume(returning: .success(socket))
        } catch {
            fail(error)
            connection.drop()
        }
    }

    func drained(on connection: Connection, of host: isolated SocketHost) {}

    func check(now: ContinuousClock.Instant, on connection: Connection, of host: isolated SocketHost) {
        guard now > deadline else { return }
        fail(.timedOut)
        connection.drop()
    }

    func closed(by host: isolated SocketHost) { fail(.connectFailed(reason: "the server closed the connection")) }

    func windDown(on connection: Connection, of host: isolated SocketHost) { connection.drop() }

    /// Says so once.
    func fail(_ error: WebServerError) {
        guard !isAnswered else { return }
        isAnswered = true
        opening.continuation.resume(returning: .failure(error))
    }
}

/// Judges a server's answer to a handshake.
struct HandshakeReply {
    /// The longest head taken, in bytes.
    let limit: Int

    /// The length of the answer's head when it opens the WebSocket; nil while it is incomplete.
    func check(_ bytes: [UInt8], key: String) throws(WebServerError) -> Int? {
        let end: [UInt8] = [Octet.carriageReturn, Octet.lineFeed, Octet.carriageReturn, Octet.lineFeed]
        guard let range = bytes.firstRange(of: end), range.upperBound <= limit else {
            if bytes.count > limit { throw .invalidHandshake }
            return nil
        }
        let lines = String(decoding: bytes[..<range.lowerBound], as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false)
        guard let status = Self.status(lines[0]) else { throw .invalidHandshake }
        guard status == 101 else { throw .upgradeRefused(status: status) }
        let fields = try Self.fields(lines.dropFirst())
        guard fields.listContains("websocket", in: .upgrade), fields.listContains("upgrade", in: .connection),
            fields[.secWebSocketAccept] == WebSocketHandshake.accept(for: key), fields[.secWebSocketExtensions] == nil
        else { throw .invalidHandshake }
        return range.upperBound
    }

    private static func status(_ line: Substring) -> Int? {
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0] == "HTTP/1.1", words[1].utf8.count == 3 else { return nil }
        return words[1].utf8.decimalValue()
    }

    private static func fields(_ lines: ArraySlice<Substring>) throws(WebServerError) -> HTTPFields {
        var fields = HTTPFields()
        for line in lines {
            guard let colon = line.firstIndex(of: ":"), let name = HTTPField.Name(String(line[..<colon])) else { throw .invalidHandshake }
            fields.append(HTTPField(name: name, value: String(line[line.index(after: colon)...].trimmingOptionalWhitespace())))
        }
        return fields
    }
}
