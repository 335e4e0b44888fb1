import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// Sessions and the links that lead to them.
struct SessionOperations: Sendable {
    let access: NativeAccess
    let directory: any SessionDirectory
    let iceServers: IceServerList
    let clock: BridgeClock
    /// Origin that clients use; empty: the request's.
    let publicBase: String
    let publicAccount: AccountID

    /// How long an anonymous viewer's token opens sockets; the session itself goes on after it.
    private static let anonymousLifetime: Duration = .seconds(3600)

    /// `POST /sessions`: a grant for the stream, or none where streams are public, becomes a session. The reply is the Eyeson dialect's with
    /// `stream`, `client_id` and, for anonymous viewers, the `auth_token` of their socket.
    @Sendable func create(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let grant = try await access.grant(request)
        let body = try await request.object()
        let direction = try Self.direction(body)
        let named = try body.optionalStream("stream")
        guard let stream = named ?? grant?.stream else { throw .missingField("stream") }
        var token: Redacted<String>?
        let holder: Grant
        if let grant {
            holder = grant
        } else {
            guard access.streamsArePublic, direction == .watch else { throw .token(.missing) }
            (holder, token) = try await anonymousViewer(of: stream)
        }
        try access.check(holder, direction, stream)
        let context = try await createSession(holder, direction, stream)
        return try reply(context, token: token, request: request)
    }

    private static func direction(_ body: JSONValue) throws(Problem) -> SessionContext.Direction {
        guard let text = try body.optionalText("direction") else { return .watch }
        guard let direction = SessionContext.Direction(rawValue: text) else { throw .invalidField("direction", "\"watch\" or \"publish\"") }
        return direction
    }

    private func anonymousViewer(of stream: StreamID) async throws(Problem) -> (Grant, Redacted<String>) {
        let client = ClientID("viewer-" + String(UInt64.random(in: .min ... .max), radix: 36))
        let token = try await access.issue(
            GrantRequest(account: publicAccount, client: client, role: .watch, stream: stream, lifetime: Self.anonymousLifetime))
        return (try await access.verify(token), token)
    }

    private func createSession(_ grant: Grant, _ direction: SessionContext.Direction, _ stream: StreamID) async throws(Problem)
        -> SessionContext
    {
        do throws(BridgeError) {
            return try await directory.createSession(for: grant, direction: direction, stream: stream)
        } catch {
            throw Problem(error)
        }
    }

    private func reply(_ context: SessionContext, token: Redacted<String>?, request: APIRequest) throws(Problem) -> APIResponse {
        let origin = try origin(of: request)
        var members: [JSONText.Member] = [
            .init("ice_credentials", .iceCredentials(iceServers.servers(for: context.client, at: clock.wall()))),
            .init("session_id", .string(context.session.rawValue)), .init("ws_endpoint", .string(origin.webSocket + "/bridge/v1/io")),
            .init("client_id", .string(context.client.rawValue)), .init("stream", .string(context.stream.rawValue)),
        ]
        if let token { members.append(.init("auth_token", .string(token.revealed))) }
        return .json(.created, .object(members))
    }

    private func origin(of request: APIRequest) throws(Problem) -> PublicOrigin {
        guard let origin = PublicOrigin(base: publicBase, request: request) else {
            throw Problem(.badRequest, "invalid_field", "The Host field names no host.", field: "host")
        }
        return origin
    }

    /// `POST /watch-links`: the operator gets a link to the watch page that carries a signed, expiring grant. The token stands in the
    /// fragment, which browsers never send.
    @Sendable func makeWatchLink(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let grant = try await access.operatorGrant(request)
        let body = try await request.object()
        guard let stream = try body.optionalStream("stream") else { throw .missingField("stream") }
        let seconds = try Self.lifetime(body)
        let token = try await access.issue(
            GrantRequest(account: grant.account, client: ClientID("watch-link"), role: .watch, stream: stream, lifetime: .seconds(seconds)))
        let page = PercentEncoding.encode(stream.rawValue, where: PercentEncoding.isUnreserved)
        let url = try origin(of: request).http + "/watch/\(page)#token=\(token.revealed)"
        return .json(
            .created,
            .object([
                .init("url", .string(url)), .init("stream", .string(stream.rawValue)), .init("auth_token", .string(token.revealed)),
                .init("expires_at", .string(clock.wall().advanced(by: .seconds(seconds)).iso8601)),
            ]))
    }

    /// `ttl_s`: an hour when it is absent, a week at most.
    private static func lifetime(_ body: JSONValue) throws(Problem) -> Int {
        guard let value = body["ttl_s"], !value.isNull else { return 3600 }
        guard let seconds = value.integer, (60...604_800).contains(seconds) else {
            throw .invalidField("ttl_s", "an integer from 60 to 604800")
        }
        return seconds
    }
}
