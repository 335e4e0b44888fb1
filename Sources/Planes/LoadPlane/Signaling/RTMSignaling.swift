package import BridgeModel
package import LoadGeneration
internal import NIOHTTP1
internal import WebServerKit

/// RTM: a session by REST, then its socket, of the native API or of the Eyeson dialect (signaling/asyncapi.yaml).
package struct RTMSignaling: LoadSignaling {
    /// Which API the session is made with.
    package enum Dialect: Sendable {
        /// `POST /bridge/v1/sessions` with a bearer token.
        case native(stream: NumberedText, token: Redacted<NumberedText>?, isPublisher: Bool)
        /// `POST /auth_v2/client` and `POST /api/v2/session` with a master key.
        case eyeson(client: NumberedText, masterKey: Redacted<String>)
    }

    /// What a socket is opened with.
    private struct Ticket {
        var session: String
        var client: String
        var endpoint: String
        var token: String?
    }

    private let http: LoadHTTP
    private let origin: String
    private let dialect: Dialect

    /// `origin` without a path, for instance `http://127.0.0.1:8080`.
    package init(_ http: LoadHTTP, origin: String, dialect: Dialect) {
        self.http = http
        self.origin = origin.hasSuffix("/") ? String(origin.dropLast()) : origin
        self.dialect = dialect
    }

    package func open(_ offer: String, stream index: Int) async throws(JoinFailure) -> OpenSession {
        let ticket = try await ticket(index)
        let query = ticket.token.map { "?auth_token=\($0)" } ?? ""
        let socket: WebSocket
        do {
            socket = try await WebSocketClient.connect(url: ticket.endpoint + query)
        } catch {
            throw .unreachable
        }
        var messages = socket.events.makeAsyncIterator()
        do throws(JoinFailure) {
            Self.say("session_start", ["sdp": ["type": "offer", "sdp": .string(offer)]], of: ticket, to: socket)
            let answer = try await Self.answer(&messages)
            return OpenSession(answer: answer, isToldOfEnd: true) {
                Self.say("session_stop", [:], of: ticket, to: socket)
                await Self.waitForEnd(of: socket)
            }
        } catch {
            socket.close(code: 1000, reason: "")
            throw error
        }
    }

    // MARK: REST

    private func ticket(_ index: Int) async throws(JoinFailure) -> Ticket {
        switch dialect {
        case .native(let stream, let token, let isPublisher):
            let token = token?.revealed.text(for: index)
            let body: JSONValue = ["stream": .string(stream.text(for: index)), "direction": isPublisher ? "publish" : "watch"]
            let reply = try await post("/bridge/v1/sessions", body, token: token)
            return try Self.ticket(reply, client: reply["client_id"]?.string, token: reply["auth_token"]?.string ?? token)
        case .eyeson(let client, let masterKey):
            let client = client.text(for: index)
            let body: JSONValue = ["master_key": .string(masterKey.revealed), "client_id": .string(client), "token_ttl_s": 3600]
            guard let token = try await post("/auth_v2/client", body, token: nil)["auth_token"]?.string else { throw .badAnswer }
            let reply = try await post("/api/v2/session", ["client_id": .string(client)], token: token)
            return try Self.ticket(reply, client: client, token: token)
        }
    }

    private static func ticket(_ reply: JSONValue, client: String?, token: String?) throws(JoinFailure) -> Ticket {
        guard let session = reply["session_id"]?.string, let endpoint = reply["ws_endpoint"]?.string, let client else { throw .badAnswer }
        return Ticket(session: session, client: client, endpoint: endpoint, token: token)
    }

    private func post(_ path: String, _ body: JSONValue, token: String?) async throws(JoinFailure) -> JSONValue {
        let reply = try await http.request(.POST, origin + path, token: token, content: ("application/json", body.text))
        guard let document = try? JSONValue.read(Array(reply.body.utf8)) else { throw .badAnswer }
        return document
    }

    // MARK: Socket

    private static func say(_ type: String, _ data: JSONValue, of ticket: Ticket, to socket: WebSocket) {
        let message: JSONValue = [
            "type": .string(type), "client_id": .string(ticket.client), "session_id": .string(ticket.session), "data": data,
        ]
        socket.send(message.text)
    }

    /// The SDP of `sdp_update`. An answer without candidates waits for the first that is trickled.
    private static func answer(_ messages: inout AsyncStream<WebSocketEvent>.Iterator) async throws(JoinFailure) -> String {
        var answer: String?
        while let event = await messages.next(isolation: nil) {
            guard case .text(let text) = event else {
                if case .closed = event { break }
                continue
            }
            guard let message = try? JSONValue.read(Array(text.utf8)) else { throw .badAnswer }
            let data = message["data"] ?? .null
            switch message["type"]?.string {
            case "sdp_update":
                guard let sdp = data["sdp"]?["sdp"]?.string else { throw .badAnswer }
                if sdp.contains("a=candidate:") { return sdp }
                answer = sdp
            case "candidate":
                guard let sdp = answer, let candidate = data["candidate"]?["candidate"]?.string, !candidate.isEmpty else { continue }
                return sdp + "a=\(candidate)\r\n"
            case "error": throw failure(data["code"]?.string)
            case "session_terminated": throw failure(data["termination_cause"]?.string)
            default: continue
            }
        }
        throw .unreachable
    }

    private static func failure(_ code: String?) -> JoinFailure {
        switch code {
        case "unavailable", "limit_reached": .refused(retryAfter: nil)
        case let code?: .signaling(code)
        case nil: .badAnswer
        }
    }

    private static func waitForEnd(of socket: WebSocket) async {
        for await event in socket.events {
            if case .closed = event { return }
        }
    }
}
