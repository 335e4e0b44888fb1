import BridgeModel
import BridgeTesting
import HTTPTypes
import Synchronization
import WebServerKit

/// A bridge of one test: the REST calls and the socket of the Eyeson dialect, with the replies that the test wants.
final class TestBridge: WebHandler {
    /// What was asked of it, in order: path, body and bearer token.
    struct Call: Equatable {
        var path: String
        var body: JSONValue
        var bearer: String?
    }

    private struct State {
        var replies: [String: (status: Int, body: String)] = [:]
        var socket: WebSocket?
    }

    private let state = Mutex(State())
    let calls = Journal<Call>()
    /// What the camera said on its sockets, in order.
    let messages = Journal<JSONValue>()
    /// Sockets that were opened, by their request's path and query.
    let sockets = Journal<String>()

    /// Runs `body` against a bridge on a loopback port of the system's choice.
    static func run(_ body: (TestBridge, _ origin: String) async throws -> Void) async throws {
        let bridge = TestBridge()
        let server = WebServer(configuration: WebServerConfiguration(), handler: bridge)
        let port = try await server.start()
        bridge.reply("/auth_v2/client", 201, #"{"auth_token":"T"}"#)
        bridge.reply(
            "/api/v2/session", 201,
            """
            {"session_id":"S","ws_endpoint":"ws://127.0.0.1:\(port)/api/v2/io","ice_credentials":{"iceServers":[
              {"urls":["stun:t.example:3478"],"username":"","credential":""},
              {"urls":["turn:t.example:3478"],"username":"u","credential":"p"}]}}
            """)
        do {
            try await body(bridge, "http://127.0.0.1:\(port)")
        } catch {
            await server.shutdown(grace: .zero)
            throw error
        }
        await server.shutdown(grace: .zero)
    }

    func reply(_ path: String, _ status: Int, _ body: String) { state.withLock { $0.replies[path] = (status, body) } }

    /// Sends a message on the open socket.
    func say(_ type: String, _ data: JSONValue = [:]) {
        let frame: JSONValue = ["type": .string(type), "client_id": "camera", "session_id": "S", "data": data]
        say(text: frame.text)
    }

    /// Sends this text on the open socket.
    func say(text: String) { state.withLock { $0.socket }?.send(text) }

    /// Closes the open socket.
    func hangUp() { state.withLock { $0.socket }?.close(code: 1000, reason: "") }

    /// The messages of this type.
    func messages(_ type: String) -> [JSONValue] { messages.all.filter { $0["type"]?.string == type } }

    func respond(to request: WebRequest) async -> WebResponse {
        let bytes = (try? await request.body.collect(upTo: 65_536)) ?? []
        let path = request.head.path ?? ""
        let body = (try? JSONValue.read(bytes)) ?? .null
        let bearer = request.head.headerFields[.authorization].map { String($0.dropFirst("Bearer ".count)) }
        calls.note(Call(path: path, body: body, bearer: bearer))
        guard let reply = state.withLock({ $0.replies[path] }) else { return WebResponse(status: .notFound) }
        return WebResponse(status: .init(code: reply.status), body: .bytes(Array(reply.body.utf8)))
    }

    func webSocketDecision(for request: WebRequest) async -> WebSocketDecision {
        sockets.note(request.head.path ?? "")
        return .accept { socket in
            self.state.withLock { $0.socket = socket }
            for await event in socket.events {
                guard case .text(let text) = event else { continue }
                guard let message = try? JSONValue.read(text.utf8) else { continue }
                self.messages.note(message)
            }
        }
    }
}
