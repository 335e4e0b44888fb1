internal import AsyncHTTPClient
internal import Bridge
internal import BridgeModel
internal import NIOCore
internal import NIOHTTP1

/// The REST half of the Eyeson dialect, from a client's side: a token, then a session.
struct SessionClient: Sendable {
    /// What the bridge said about a new session.
    struct Opened: Sendable, Equatable {
        var session: SessionID
        var webSocketURL: Redacted<String>
        var iceServers: [IceServer]
    }

    /// Origin of the bridge, for instance `http://127.0.0.1:8080`.
    let base: String
    let masterKey: Redacted<String>
    let client: ClientID

    private static let timeout = TimeAmount.seconds(5)
    private static let replyLimit = 64 * 1024

    /// Asks for a token and opens a session with it. Throws `forbidden` for a wrong key and `unavailable` for everything that may pass.
    func open() async throws(BridgeError) -> Opened {
        let authentication = try await post(
            "/auth_v2/client",
            body: ["master_key": .string(masterKey.revealed), "client_id": .string(client.rawValue), "token_ttl_s": 3600],
            token: nil)
        guard let token = authentication["auth_token"]?.string else { throw Self.unexpected("/auth_v2/client") }
        let reply = try await post("/api/v2/session", body: ["client_id": .string(client.rawValue)], token: token)
        guard let session = reply["session_id"]?.string, let endpoint = reply["ws_endpoint"]?.string else {
            throw Self.unexpected("/api/v2/session")
        }
        return Opened(
            session: SessionID(session), webSocketURL: Redacted("\(endpoint)?auth_token=\(token)"),
            iceServers: Self.iceServers(reply["ice_credentials"]?["iceServers"]))
    }

    private func post(_ path: String, body: JSONValue, token: String?) async throws(BridgeError) -> JSONValue {
        do {
            var request = HTTPClientRequest(url: base + path)
            request.method = .POST
            request.headers.add(name: "content-type", value: "application/json")
            if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
            request.body = .bytes(ByteBuffer(string: body.text))
            let reply = try await HTTPClient.shared.execute(request, timeout: Self.timeout)
            let bytes = try await reply.body.collect(upTo: Self.replyLimit)
            guard (200...299).contains(reply.status.code) else { throw Self.refusal(path, status: reply.status.code) }
            return try JSONValue.read(bytes.readableBytesView)
        } catch let error as BridgeError {
            throw error
        } catch {
            throw BridgeError(.unavailable, "\(path) of the bridge could not be reached; the camera tries again.")
        }
    }

    private static func refusal(_ path: String, status: UInt) -> BridgeError {
        let code: BridgeError.Code = status == 401 || status == 403 ? .forbidden : .unavailable
        return BridgeError(code, "\(path) of the bridge answered \(status); check the camera's key and id.")
    }

    private static func unexpected(_ path: String) -> BridgeError {
        BridgeError(.unavailable, "\(path) of the bridge answered without the members that it must have.")
    }

    private static func iceServers(_ list: JSONValue?) -> [IceServer] {
        guard case .array(let entries)? = list else { return [] }
        return entries.compactMap { entry in
            guard case .array(let urls)? = entry["urls"] else { return nil }
            return IceServer(
                urls: urls.compactMap(\.string), username: entry["username"]?.string ?? "",
                credential: Redacted(entry["credential"]?.string ?? ""))
        }
    }
}
