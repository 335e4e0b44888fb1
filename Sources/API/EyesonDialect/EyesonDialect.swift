package import Bridge
package import BridgeModel
package import HTTPCore
import HTTPTypes

/// The REST side of the Eyeson stream recording API, client part: tokens and sessions (contract `signaling/http/eyeson.openapi.yaml`).
package struct EyesonDialect: RouteGroup {
    /// What the dialect stands on.
    package struct Ports: Sendable {
        /// Verifies and signs tokens.
        package var authority: any TokenAuthority
        /// Creates sessions.
        package var directory: any SessionDirectory
        /// What clients are told about STUN and TURN.
        package var iceServers: IceServerList
        /// Monotonic time for rates, wall time for credentials.
        package var clock: BridgeClock

        package init(
            authority: any TokenAuthority, directory: any SessionDirectory, iceServers: IceServerList, clock: BridgeClock
        ) {
            self.authority = authority
            self.directory = directory
            self.iceServers = iceServers
            self.clock = clock
        }
    }

    private let settings: Settings
    private let authentication: EyesonAuthentication
    private let sessions: EyesonSessions

    package init(_ ports: Ports, settings: Settings) {
        let limits = RateLimits()
        let base = settings.streamrec.publicBase.isEmpty ? settings.http.publicBase : settings.streamrec.publicBase
        self.settings = settings
        authentication = EyesonAuthentication(authority: ports.authority, limits: limits, clock: ports.clock)
        sessions = EyesonSessions(
            authority: ports.authority, directory: ports.directory, iceServers: ports.iceServers, limits: limits, clock: ports.clock,
            publicBase: base, singleUse: settings.streamrec.singleUseSocket ? SingleUse() : nil)
    }

    /// The operations of `RouteGroup`.
    package var routes: [Route] {
        [
            route(.post, "/auth_v2/client") { [authentication] request async throws(EyesonError) in
                try await authentication.mint(.client, request)
            },
            route(.post, "/auth_v2/supervisor") { [authentication] request async throws(EyesonError) in
                try await authentication.mint(.supervisor, request)
            },
            route(.post, "/auth_v2/stats") { [authentication] request async throws(EyesonError) in
                try await authentication.mint(.stats, request)
            },
            route(.post, "/api/v2/session") { [sessions] request async throws(EyesonError) in try await sessions.create(request) },
            route(.get, EyesonSessions.socketPath) { _ async throws(EyesonError) in throw .upgradeRequired },
        ]
    }

    /// A route that answers failures in the dialect's words, and plain HTTP only where that is allowed.
    private func route(
        _ method: HTTPRequest.Method, _ pattern: String,
        operation: @escaping @Sendable (APIRequest) async throws(EyesonError) -> APIResponse
    ) -> Route {
        let allowsPlain = allowsPlainHTTP
        return Route(method, pattern) { request in
            guard request.isSecure || allowsPlain else { return EyesonError.insecure.response(requestID: request.requestID) }
            do throws(EyesonError) {
                return try await operation(request)
            } catch {
                return error.response(requestID: request.requestID)
            }
        }
    }

    /// Contract section 2 rule 7: plain HTTP by setting, or on a loopback listener.
    private var allowsPlainHTTP: Bool {
        settings.streamrec.insecureHTTP || ["127.0.0.1", "::1", "localhost"].contains(settings.http.bind)
    }

    /// Decides an upgrade; nil when its path is not the dialect's. Supervisor sockets come with supervision.
    package func admitSocket(_ request: APIRequest) async -> SocketAdmission? {
        guard settings.streamrec.enabled, let segments = request.segments, owns(segments) else { return nil }
        do throws(EyesonError) {
            guard segments == ["api", "v2", "io"] else { throw .notFound }
            guard request.isSecure || allowsPlainHTTP else { throw .insecure }
            return .admit(try await sessions.admit(request))
        } catch {
            return .refuse(finish(error.response(requestID: request.requestID), to: request))
        }
    }
}

// MARK: Manners of the dialect

extension EyesonDialect {
    /// The paths of `RouteGroup`.
    package func owns(_ segments: [String]) -> Bool {
        settings.streamrec.enabled && ["auth_v2", "auth", "api"].contains(segments.first)
    }

    /// The refusals of `RouteGroup`, as error bodies of this API.
    package func refuse(_ refusal: RouteRefusal, of request: APIRequest) -> APIResponse {
        switch refusal {
        case .notFound: EyesonError.notFound.response(requestID: request.requestID)
        case .methodNotAllowed(let allowed): EyesonError.methodNotAllowed(allowed).response(requestID: request.requestID)
        }
    }

    /// Contract section 2 rule 5. The master key belongs on a server, so `/auth` paths have no CORS unless old demos need it.
    package func preflight(_ request: APIRequest) -> APIResponse? {
        guard hasCORS(request) else { return nil }
        return APIResponse(
            status: .noContent,
            fields: [
                .accessControlAllowMethods: "GET, POST, DELETE, OPTIONS", .accessControlAllowHeaders: "authorization, content-type",
                .accessControlMaxAge: "600",
            ])
    }

    /// Adds the request id and forbids caching.
    package func finish(_ response: APIResponse, to request: APIRequest) -> APIResponse {
        var response = response.with(.requestID, request.requestID).with(.referrerPolicy, "no-referrer")
        if response.head.headerFields[.cacheControl] == nil { response.head.headerFields[.cacheControl] = "no-store" }
        return hasCORS(request) ? response.with(.accessControlAllowOrigin, "*") : response
    }

    private func hasCORS(_ request: APIRequest) -> Bool {
        // Also of paths that cannot be decoded: every reply under /api carries the field.
        let path = request.head.path ?? ""
        return path == "/api" || path.hasPrefix("/api/") || settings.streamrec.v1AuthCORS
    }
}
