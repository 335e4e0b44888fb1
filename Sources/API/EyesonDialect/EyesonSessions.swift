import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// `POST /api/v2/session` and the socket that its reply names (contract sections 5.2 and 6.1).
struct EyesonSessions: Sendable {
    let authority: any TokenAuthority
    let directory: any SessionDirectory
    let iceServers: IceServerList
    let limits: RateLimits
    let clock: BridgeClock
    /// Origin that clients use; empty: the request's.
    let publicBase: String
    /// nil where a token may open several sockets.
    let singleUse: SingleUse?

    static let socketPath = "/api/v2/io"

    /// The checks stand in the order of contract section 4: size, token, account, rate, JSON, role, fields, identity, limits.
    func create(_ request: APIRequest) async throws(EyesonError) -> APIResponse {
        let bytes = try await request.readBody()
        let grant = try await grant(of: request)
        let wait = await limits.takeSession(of: grant, at: clock.now())
        guard wait == .zero else { throw .rateLimited(wait: wait) }
        let fields = RequestFields(try EyesonAuthentication.object(bytes))
        guard grant.role == .client else { throw .wrongRole(grant.role) }
        guard try fields.client("client_id") == grant.client else { throw .clientMismatch }
        guard let origin = PublicOrigin(base: publicBase, request: request) else { throw .internal }
        let context = try await createSession(for: grant)
        let servers = iceServers.servers(for: grant.client, at: clock.wall())
        let reply = JSONText.object([
            .init("ice_credentials", .iceCredentials(servers)), .init("session_id", .string(context.session.rawValue)),
            .init("ws_endpoint", .string(origin.webSocket + Self.socketPath)),
        ])
        return APIResponse.json(.created, reply).with(.cacheControl, "no-store")
    }

    /// A session's stream has the client's name unless the token gives another.
    private func createSession(for grant: Grant) async throws(EyesonError) -> SessionContext {
        do throws(BridgeError) {
            return try await directory.createSession(
                for: grant, direction: .publish, stream: grant.stream ?? StreamID(grant.client.rawValue))
        } catch {
            throw .session(error)
        }
    }

    private func grant(of request: APIRequest) async throws(EyesonError) -> Grant {
        switch request.bearer {
        case .missing: throw .token(.missing)
        case .malformed: throw .token(.invalid)
        case .token(let token): return try await verify(token)
        }
    }

    private func verify(_ token: Redacted<String>) async throws(EyesonError) -> Grant {
        do throws(AccessError) {
            return try await authority.verify(token)
        } catch {
            throw .token(error)
        }
    }

    /// Checks the token of an upgrade at `socketPath`.
    func admit(_ request: APIRequest) async throws(EyesonError) -> Grant {
        let token: Redacted<String>
        do throws(AccessError) {
            token = try SocketToken.read(request)
        } catch {
            throw .token(error)
        }
        let grant = try await verify(token)
        guard grant.role == .client else { throw .wrongRole(grant.role) }
        if let singleUse { try await burn(grant, singleUse) }
        return grant
    }

    private func burn(_ grant: Grant, _ singleUse: SingleUse) async throws(EyesonError) {
        guard singleUse.claim(grant, at: clock.wall()) else { throw .token(.revoked) }
        do throws(AccessError) {
            try await authority.revoke(tokenID: grant.tokenID, until: grant.expiresAt)
        } catch {
            throw .token(error)
        }
    }
}
