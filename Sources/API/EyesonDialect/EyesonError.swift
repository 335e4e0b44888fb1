import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// An error of the dialect's REST side (contract section 4).
struct EyesonError: Error, Sendable, Equatable {
    /// `error`.
    let code: Code
    /// `msg`: for people.
    let message: String
    /// `field`: only of `missing_field` and `invalid_field`.
    var field: String?
    /// Fields beside the common ones.
    var headers: HTTPFields = [:]

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Stable codes: `rest` of `signaling/errors.json`, those of parts of the contract that are not served yet included.
    enum Code: String, Sendable, CaseIterable {
        case malformedJSON = "malformed_json"
        case notAnObject = "not_an_object"
        case missingField = "missing_field"
        case invalidField = "invalid_field"
        case invalidMasterKey = "invalid_master_key"
        case tokenMissing = "token_missing"
        case tokenInvalid = "token_invalid"
        case tokenExpired = "token_expired"
        case tokenRevoked = "token_revoked"
        case wrongRole = "wrong_role"
        case clientMismatch = "client_mismatch"
        case monitorMismatch = "monitor_mismatch"
        case accountMismatch = "account_mismatch"
        case accountSuspended = "account_suspended"
        case notFound = "not_found"
        case sessionNotFound = "session_not_found"
        case noActiveSession = "no_active_session"
        case methodNotAllowed = "method_not_allowed"
        case supervisorLimit = "supervisor_limit"
        case bodyTooLarge = "body_too_large"
        case upgradeRequired = "upgrade_required"
        case rateLimited = "rate_limited"
        case sessionLimit = "session_limit"
        case `internal`
        case unavailable

        /// The status that goes with it, always the same.
        var status: HTTPResponse.Status {
            switch self {
            case .malformedJSON, .notAnObject, .missingField, .invalidField: .badRequest
            case .invalidMasterKey, .tokenMissing, .tokenInvalid, .tokenExpired, .tokenRevoked: .unauthorized
            case .wrongRole, .clientMismatch, .monitorMismatch, .accountMismatch, .accountSuspended: .forbidden
            case .notFound, .sessionNotFound, .noActiveSession: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .supervisorLimit: .conflict
            case .bodyTooLarge: .contentTooLarge
            case .upgradeRequired: .upgradeRequired
            case .rateLimited, .sessionLimit: .tooManyRequests
            case .internal: .internalServerError
            case .unavailable: .serviceUnavailable
            }
        }
    }

    func response(requestID: String) -> APIResponse {
        var members: [JSONText.Member] = [.init("error", .string(code.rawValue)), .init("msg", .string(message))]
        if let field { members.append(.init("field", .string(field))) }
        members.append(.init("request_id", .string(requestID)))
        var response = APIResponse.json(code.status, .object(members))
        for field in headers { response.head.headerFields[field.name] = field.value }
        return response
    }
}

extension EyesonError {
    static let malformedJSON = EyesonError(.malformedJSON, "the body is empty or not JSON")
    static let notAnObject = EyesonError(.notAnObject, "the body is JSON, but no object")

    static func missingField(_ name: String) -> EyesonError {
        var error = EyesonError(.missingField, "\(name) is required")
        error.field = name
        return error
    }

    static func invalidField(_ name: String, _ rule: String) -> EyesonError {
        var error = EyesonError(.invalidField, "\(name) must be \(rule)")
        error.field = name
        return error
    }

    static let invalidMasterKey = EyesonError(.invalidMasterKey, "the master key is unknown, revoked or of another kind")
    static let accountSuspended = EyesonError(.accountSuspended, "the operator has disabled this account")
    static let clientMismatch = EyesonError(.clientMismatch, "client_id is not the one of the token")
    static let notFound = EyesonError(.notFound, "there is nothing at this path")
    static let insecure = EyesonError(
        .notFound, "this service is not offered over plain HTTP: use https, or set streamrec.insecure-http")
    static let `internal` = EyesonError(.internal, "the bridge failed; nothing was created")

    static func wrongRole(_ role: Grant.Role) -> EyesonError {
        EyesonError(.wrongRole, "a token of role \(role.rawValue) does not allow this")
    }

    static func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> EyesonError {
        var error = EyesonError(.methodNotAllowed, "this path has other methods")
        error.headers[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
        return error
    }

    static func bodyTooLarge(limit: Int) -> EyesonError {
        var error = EyesonError(.bodyTooLarge, "the body is longer than \(limit) bytes")
        error.headers[.connection] = "close"
        return error
    }

    /// `wait` is rounded up to whole seconds, at least one.
    static func rateLimited(wait: Duration) -> EyesonError {
        var error = EyesonError(.rateLimited, "too many requests; try again later")
        error.headers[.retryAfter] = String(max(1, (wait.wholeMilliseconds + 999) / 1000))
        return error
    }

    static var sessionLimit: EyesonError {
        var error = EyesonError(.sessionLimit, "this account has as many running sessions as it may")
        error.headers[.retryAfter] = "5"
        return error
    }

    static var unavailable: EyesonError {
        var error = EyesonError(.unavailable, "the bridge is draining or overloaded; try again")
        error.headers[.retryAfter] = "5"
        return error
    }

    static var upgradeRequired: EyesonError {
        var error = EyesonError(.upgradeRequired, "this path is a WebSocket")
        error.headers[.upgrade] = "websocket"
        error.headers[.connection] = "Upgrade"
        return error
    }

    /// A token that is refused; `invalid_token` is RFC 6750's word for all of them.
    static func token(_ error: AccessError) -> EyesonError {
        switch error {
        case .missing: unauthorized(.tokenMissing, "a bearer token is required", challenge: nil)
        case .invalid: unauthorized(.tokenInvalid, "the token is not valid here", challenge: "invalid_token")
        case .expired: unauthorized(.tokenExpired, "the token has expired", challenge: "invalid_token")
        case .revoked: unauthorized(.tokenRevoked, "the token was revoked", challenge: "invalid_token")
        case .suspended: accountSuspended
        case .unavailable: unavailable
        }
    }

    private static func unauthorized(_ code: Code, _ message: String, challenge: String?) -> EyesonError {
        var error = EyesonError(code, message)
        error.headers[.wwwAuthenticate] = "Bearer realm=\"streamrec\"" + (challenge.map { ", error=\"\($0)\"" } ?? "")
        return error
    }

    /// A failure behind the ports when a session is created.
    static func session(_ error: BridgeError) -> EyesonError {
        switch error.code {
        case .limitReached: sessionLimit
        case .unavailable, .pipelineUnavailable: unavailable
        default: .internal
        }
    }
}
