import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// Who may do what in the native API. An `admin` grant is the operator's and covers every account.
struct NativeAccess: Sendable {
    let authority: any TokenAuthority
    let streamsArePublic: Bool

    /// The grant of the request's token; nil when it has none.
    func grant(_ request: APIRequest) async throws(Problem) -> Grant? {
        switch request.bearer {
        case .missing: return nil
        case .malformed: throw .token(.invalid)
        case .token(let token): return try await verify(token)
        }
    }

    /// The grant, which must be the operator's.
    @discardableResult
    func operatorGrant(_ request: APIRequest) async throws(Problem) -> Grant {
        guard let grant = try await grant(request) else { throw .token(.missing) }
        guard grant.role == .admin else { throw .wrongRole(grant.role) }
        return grant
    }

    /// Whether this grant (or none) may see this stream.
    func mayWatch(_ stream: StreamID, _ grant: Grant?) -> Bool {
        guard let grant else { return streamsArePublic }
        switch grant.role {
        case .admin: return true
        case .watch, .publish: return grant.stream == stream || streamsArePublic
        case .client, .supervisor, .stats: return streamsArePublic
        }
    }

    /// A grant of one direction never opens the other, and never another stream.
    func check(_ grant: Grant, _ direction: SessionContext.Direction, _ stream: StreamID) throws(Problem) {
        switch (grant.role, direction) {
        case (.admin, _): return
        case (.watch, .watch), (.publish, .publish):
            guard grant.stream == stream else { throw Problem(.forbidden, "forbidden", "The token is for another stream.") }
        case (.watch, .publish), (.publish, .watch), (.client, _), (.supervisor, _), (.stats, _): throw .wrongRole(grant.role)
        }
    }

    /// The grant of a socket on the native path: any role whose sessions are created here.
    func socketGrant(_ request: APIRequest) async throws(Problem) -> Grant {
        let grant = try await verify(Self.socketToken(request))
        guard [.admin, .watch, .publish].contains(grant.role) else { throw .wrongRole(grant.role) }
        return grant
    }

    static func socketToken(_ request: APIRequest) throws(Problem) -> Redacted<String> {
        do throws(AccessError) {
            return try SocketToken.read(request)
        } catch {
            throw .token(error)
        }
    }

    func verify(_ token: Redacted<String>) async throws(Problem) -> Grant {
        do throws(AccessError) {
            return try await authority.verify(token)
        } catch {
            throw .token(error)
        }
    }

    func issue(_ request: GrantRequest) async throws(Problem) -> Redacted<String> {
        do throws(AccessError) {
            return try await authority.issue(request)
        } catch {
            throw .token(error)
        }
    }
}

extension Problem {
    static let noSuchPath = Problem(.notFound, "not_found", "There is nothing at this path.")

    static func noSuchStream(_ id: String) -> Problem {
        Problem(.notFound, "not_found", "There is no such stream, or it is not yours to see.")
    }

    static let noSuchRecording = Problem(.notFound, "not_found", "There is no such recording.")

    static func missingField(_ name: String) -> Problem { Problem(.badRequest, "missing_field", "\(name) is required.", field: name) }

    static func invalidField(_ name: String, _ rule: String) -> Problem {
        Problem(.badRequest, "invalid_field", "\(name) must be \(rule).", field: name)
    }

    /// What is wrong with a part of the request.
    init(_ fault: FieldFault) {
        self = fault.isMissing ? .missingField(fault.field) : .invalidField(fault.field, fault.rule)
    }

    /// Reads a part of the request.
    static func reading<Value>(_ operation: () throws(FieldFault) -> Value) throws(Problem) -> Value {
        do throws(FieldFault) {
            return try operation()
        } catch {
            throw Problem(error)
        }
    }

    static func wrongRole(_ role: Grant.Role) -> Problem {
        Problem(.forbidden, "wrong_role", "A token of role \(role.rawValue) does not allow this.")
    }

    static func token(_ error: AccessError) -> Problem {
        switch error {
        case .missing: Problem(.unauthorized, "token_missing", "A bearer token is required.")
        case .invalid: Problem(.unauthorized, "token_invalid", "The token is not valid here.")
        case .expired: Problem(.unauthorized, "token_expired", "The token has expired; ask for another.")
        case .revoked: Problem(.unauthorized, "token_revoked", "The token was revoked; ask for another.")
        case .suspended: Problem(.forbidden, "account_suspended", "The operator has disabled this account.")
        case .unavailable: Problem(.serviceUnavailable, "unavailable", "Tokens cannot be checked now; try again.", retryAfter: 5)
        }
    }
}

extension APIRequest {
    /// JSON bodies of the native API.
    private static let bodyLimit = 64 * 1024

    /// The body as an object; an empty one counts as `{}` when `emptyIsObject`.
    func object(emptyIsObject: Bool = false) async throws(Problem) -> JSONValue {
        let bytes: [UInt8]
        do throws(APIBodyError) {
            bytes = try await body(upTo: Self.bodyLimit)
        } catch {
            throw error == .tooLarge
                ? Problem(.contentTooLarge, "body_too_large", "The body is longer than \(Self.bodyLimit) bytes.")
                : Problem(.badRequest, "malformed_json", "The body broke off.")
        }
        if bytes.isEmpty, emptyIsObject { return .object([:]) }
        do throws(JSONBodyError) {
            return try JSONBody.object(bytes)
        } catch {
            throw error == .malformed
                ? Problem(.badRequest, "malformed_json", "The body is empty or not JSON.")
                : Problem(.badRequest, "not_an_object", "The body is JSON, but no object.")
        }
    }
}

extension JSONValue {
    /// An optional string member; null counts as absent.
    func optionalText(_ name: String) throws(Problem) -> String? {
        guard let value = self[name], !value.isNull else { return nil }
        guard let text = value.string else { throw .invalidField(name, "a string") }
        return text
    }

    /// An optional stream id: 1 to 128 bytes without control characters, as dialect clients name theirs.
    func optionalStream(_ name: String) throws(Problem) -> StreamID? {
        guard let text = try optionalText(name) else { return nil }
        guard let stream = StreamID(named: text) else {
            throw .invalidField(name, StreamID.rule)
        }
        return stream
    }
}
