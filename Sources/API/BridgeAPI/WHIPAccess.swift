import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// Who may open a WHIP or WHEP session, and who may command one that is there.
struct WHIPAccess: Sendable {
    let native: NativeAccess
    let sessions: any WHIPSessions
    /// Cameras that are told what to play; nil where there are none.
    let cameras: (any DirectedCameras)?
    /// Of those who watch public streams without a token.
    let publicAccount: AccountID

    /// What a path is about.
    func target(_ request: APIRequest) throws(Problem) -> (direction: SessionContext.Direction, stream: StreamID) {
        guard let stream = StreamID(named: request.parameters["stream"] ?? "") else { throw .noSuchPath }
        return (request.segments?.first == "whip" ? .publish : .watch, stream)
    }

    /// The grant under which a session begins; where streams are public, whoever has no token watches all the same.
    func grant(_ request: APIRequest, at now: WallTime) async throws(Problem) -> Grant {
        let (direction, stream) = try target(request)
        if let grant = try await native.grant(request) {
            if native.streamsArePublic, direction == .watch { return grant }
            try await check(grant, direction, stream)
            return grant
        }
        guard native.streamsArePublic, direction == .watch else { throw .token(.missing) }
        return Grant(
            account: publicAccount, client: ClientID("viewer"), role: .watch, stream: stream, issuedAt: now, expiresAt: now, tokenID: "")
    }

    /// The session of the path, which the caller may command: with a token that would let it begin, or without one when it began without.
    func session(_ request: APIRequest) async throws(Problem) -> WHIPSessionSummary {
        let (direction, stream) = try target(request)
        guard let session = await named(request), session.context.direction == direction, session.context.stream == stream else {
            throw .noSuchSession
        }
        guard session.context.account != publicAccount else { return session }
        guard let grant = try await native.grant(request) else { throw .token(.missing) }
        guard grant.role == .admin || grant.account == session.context.account else {
            throw Problem(.forbidden, "forbidden", "The session is another account's.")
        }
        if !(native.streamsArePublic && direction == .watch) { try await check(grant, direction, stream) }
        return session
    }

    /// As all of the native API, save that a camera hears what it is told to play.
    private func check(_ grant: Grant, _ direction: SessionContext.Direction, _ stream: StreamID) async throws(Problem) {
        if direction == .watch, grant.role == .publish, let camera = grant.stream,
            await cameras?.spoken(to: ClientID(camera.rawValue), of: grant.account) == stream
        {
            return
        }
        try native.check(grant, direction, stream)
    }

    /// The watching session of the path, whoever asks: a browser's EventSource cannot show a token, so that the session's own URL, which only
    /// its owner was told, has to do.
    func listener(_ request: APIRequest) async throws(Problem) -> WHIPSessionSummary {
        let (direction, stream) = try target(request)
        guard let session = await named(request), session.context.direction == direction, session.context.stream == stream, !session.isOver
        else { throw .noSuchSession }
        return session
    }

    private func named(_ request: APIRequest) async -> WHIPSessionSummary? {
        await sessions.session(SessionID(request.parameters["session"] ?? ""))
    }
}

extension Problem {
    static let noSuchSession = Problem(.notFound, "session_not_found", "There is no such session, or it is over.")

    /// What a session refuses, in the words of RFC 9725 and the WHEP draft.
    init(_ error: WHIPError) {
        switch error {
        case .notFound: self = .noSuchSession
        case .malformed(let detail): self = Problem(.badRequest, "malformed_sdp", Self.sentence(detail))
        case .unacceptable(let detail): self = Problem(.unprocessableContent, "unacceptable_offer", Self.sentence(detail))
        case .unacceptableAnswer(let detail):
            self = Problem(.unprocessableContent, "unacceptable_answer", Self.sentence(detail))
        case .occupied:
            self = Problem(.conflict, "stream_occupied", "Another client publishes this stream.", retryAfter: 10)
        case .notPublished:
            self = Problem(.conflict, "stream_not_published", "Nobody publishes this stream now.", retryAfter: 2)
        case .stale: self = Problem(.preconditionFailed, "precondition_failed", "If-Match names another ICE session.")
        case .unconditional:
            self = Problem(.preconditionRequired, "precondition_required", "If-Match has to name the ICE session, or * for a restart.")
        case .unsupported(let detail): self = Problem(.unprocessableContent, "unsupported", Self.sentence(detail))
        case .tooMany(let detail): self = Problem(.tooManyRequests, "limit_reached", Self.sentence(detail), retryAfter: 5)
        case .bridge(let error): self.init(error)
        }
    }

    private static func sentence(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst() + (text.hasSuffix(".") ? "" : ".")
    }
}

extension APIRequest {
    /// The body as text, when it is of this type, uncompressed, and UTF-8. `accepts` names the field that says so in a refusal.
    func text(of type: MediaType, upTo limit: Int, accepts: HTTPField.Name) async throws(WHIPBodyRefusal) -> String {
        let coding = head.headerFields[.contentEncoding]?.lowercased() ?? "identity"
        guard MediaType(field: head.headerFields[.contentType]) == type, coding == "identity" else {
            let problem = Problem(.unsupportedMediaType, "unsupported_media_type", "The body must be \(type.name).")
            throw WHIPBodyRefusal(problem: problem, field: (accepts, type.name))
        }
        do throws(APIBodyError) {
            guard let text = String(validating: try await body(upTo: limit), as: UTF8.self), !text.isEmpty else {
                throw .interrupted
            }
            return text
        } catch {
            throw WHIPBodyRefusal(
                problem: error == .tooLarge
                    ? Problem(.contentTooLarge, "body_too_large", "The body is longer than \(limit) bytes.")
                    : Problem(.badRequest, "malformed_sdp", "The body is empty, no UTF-8, or broke off."),
                field: nil)
        }
    }
}

/// Why a body is not read, and the field that tells what would be.
struct WHIPBodyRefusal: Error {
    let problem: Problem
    let field: (name: HTTPField.Name, value: String)?

    func response(requestID: String) -> APIResponse {
        let response = problem.response(requestID: requestID)
        return field.map { response.with($0.name, $0.value) } ?? response
    }
}
