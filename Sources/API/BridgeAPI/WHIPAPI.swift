package import Bridge
package import BridgeModel
package import HTTPCore
import HTTPTypes

/// WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): `/whip/{stream}`, `/whep/{stream}` and the sessions below them
/// (`signaling/http/whip.openapi.yaml`). Errors are problem documents (RFC 9457). Pages of every origin may call it: what it does is decided by
/// a token that the page has to hold, never by a cookie.
package struct WHIPAPI: RouteGroup {
    private let endpoints: WHIPEndpoints
    private let resources: WHIPResources
    private let events: WHEPExtensions

    /// - Parameters:
    ///   - sessions: what carries the sessions.
    ///   - cameras: those that are told what to play; nil where there are none.
    ///   - iceServers: what clients are told about STUN and TURN.
    ///   - publicAccount: the account that anonymous viewers of public streams belong to; it must exist.
    package init(
        _ sessions: any WHIPSessions, authority: any TokenAuthority, cameras: (any DirectedCameras)? = nil, iceServers: IceServerList,
        clock: BridgeClock,
        settings: (bridge: Settings, publicAccount: AccountID)
    ) {
        let access = WHIPAccess(
            native: NativeAccess(authority: authority, streamsArePublic: settings.bridge.streamsPublic), sessions: sessions,
            cameras: cameras, publicAccount: settings.publicAccount)
        let addresses = WHIPAddresses(publicBase: settings.bridge.http.publicBase)
        endpoints = WHIPEndpoints(access: access, sessions: sessions, iceServers: iceServers, clock: clock, addresses: addresses)
        resources = WHIPResources(access: access, sessions: sessions)
        events = WHEPExtensions(access: access, sessions: sessions, addresses: addresses)
    }

    /// The operations of `RouteGroup`.
    package var routes: [Route] {
        let endpoint = WHIPAddresses.endpoint, session = WHIPAddresses.session
        let common = ["whip", "whep"].flatMap { root in
            [
                route(.post, "/\(root)\(endpoint)", endpoints.create), route(.get, "/\(root)\(endpoint)", endpoints.show),
                route(.get, "/\(root)\(session)", resources.show), route(.patch, "/\(root)\(session)", resources.patch),
                route(.delete, "/\(root)\(session)", resources.end),
            ]
        }
        return common + [
            route(.post, "/whep\(session)/sse", events.open), route(.get, "/whep\(session)/sse", events.read),
            route(.get, "/whep\(session)/sse/{events}", events.read), route(.delete, "/whep\(session)/sse/{events}", events.close),
            route(.post, "/whep\(session)/layer", events.selectLayer),
        ]
    }

    private func route(
        _ method: HTTPRequest.Method, _ pattern: String, _ operation: @escaping @Sendable (APIRequest) async throws(Problem) -> APIResponse
    ) -> Route {
        Route(method, pattern) { request in
            do throws(Problem) {
                return try await operation(request)
            } catch {
                return error.response(requestID: request.requestID)
            }
        }
    }
}

// MARK: - Manners

extension WHIPAPI {
    /// The paths of `RouteGroup`.
    package func owns(_ segments: [String]) -> Bool { segments.first == "whip" || segments.first == "whep" }

    /// The refusals of `RouteGroup`. PUT and what else may come is kept for later versions of the protocols (RFC 9725 section 4.1).
    package func refuse(_ refusal: RouteRefusal, of request: APIRequest) -> APIResponse {
        switch refusal {
        case .notFound: return Problem.noSuchPath.response(requestID: request.requestID)
        case .methodNotAllowed(let allowed):
            let problem = Problem(.methodNotAllowed, "method_not_allowed", "This path has other methods.")
            return problem.response(requestID: request.requestID).with(.allow, Self.list(allowed + [.options]))
        }
    }

    /// OPTIONS of a known path, as CORS preflights and as a question what it takes (RFC 9725 section 4.2); it needs no token. ICE servers are not
    /// told here: a client learns them with its 201 (section 4.6).
    package func preflight(_ request: APIRequest) -> APIResponse? {
        let segments = request.segments ?? []
        let methods = Self.methods(of: segments)
        var response = APIResponse(status: .ok).with(.allow, Self.list(methods + [.options]))
            .with(.accessControlAllowMethods, Self.list(methods + [.options]))
            .with(.accessControlAllowHeaders, "Authorization, Content-Type, If-Match, Accept, Last-Event-ID")
            .with(.accessControlMaxAge, "86400")
        if segments.count == 2 { response = response.with(.acceptPost, MediaType.sdp.name) }
        if segments.count == 3 { response = response.with(.acceptPatch, MediaType.sdpFragment.name) }
        if segments.count == 4 { response = response.with(.acceptPost, MediaType.json.name) }
        return response
    }

    private static func methods(of segments: [String]) -> [HTTPRequest.Method] {
        switch segments.count {
        case 2: [.post, .get, .head]
        case 3: [.patch, .delete, .get, .head]
        case 4: segments.last == "layer" ? [.post] : [.post, .get, .head]
        default: [.get, .head, .delete]
        }
    }

    private static func list(_ methods: [HTTPRequest.Method]) -> String { methods.map(\.rawValue).joined(separator: ", ") }

    /// Adds the request id, forbids caching, opens the reply to every origin, and says how to authenticate where that is missing (RFC 6750
    /// section 3).
    package func finish(_ response: APIResponse, to request: APIRequest) -> APIResponse {
        var response = response.with(.requestID, request.requestID).with(.accessControlAllowOrigin, "*")
            .with(.accessControlExposeHeaders, Self.exposed)
        if response.head.headerFields[.cacheControl] == nil { response.head.headerFields[.cacheControl] = "no-store" }
        guard let challenge = Self.challenge(response.head.status, request) else { return response }
        return response.with(.wwwAuthenticate, challenge)
    }

    private static let exposed = "Location, Link, ETag, Accept-Patch, Accept-Post, Allow, Retry-After, WWW-Authenticate, X-Request-Id"

    private static func challenge(_ status: HTTPResponse.Status, _ request: APIRequest) -> String? {
        switch status {
        case .unauthorized where request.bearer == .missing: #"Bearer realm="viaduct""#
        case .unauthorized: #"Bearer realm="viaduct", error="invalid_token""#
        case .forbidden: #"Bearer realm="viaduct", error="insufficient_scope""#
        default: nil
        }
    }
}

extension MediaType {
    static let sdp = MediaType("application/sdp")
    /// RFC 8840 section 9.
    static let sdpFragment = MediaType("application/trickle-ice-sdpfrag")
    static let json = MediaType("application/json")
}

/// The paths of endpoints, sessions and what belongs to them.
struct WHIPAddresses: Sendable {
    /// Origin that clients use; empty: paths alone are told, which the client joins to the URL that it knows.
    let publicBase: String

    static let endpoint = "/{stream}"
    static let session = "/{stream}/{session}"

    /// Where a session is, and what is below it.
    func session(_ context: SessionContext, _ rest: String = "") -> String {
        var base = publicBase
        while base.hasSuffix("/") { base.removeLast() }
        let root = context.direction == .publish ? "whip" : "whep"
        let stream = PercentEncoding.encode(context.stream.rawValue, where: PercentEncoding.isUnreserved)
        return "\(base)/\(root)/\(stream)/\(context.session.rawValue)\(rest)"
    }
}
