import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// An error of the dialect's REST side (contract section 4).
struct EyesonError: Error, Sendable, Equatable {
    let status: HTTPResponse.Status
    /// `error`: stable.
    let code: String
    /// `msg`: for people.
    let message: String
    /// `field`: only of `missing_field` and `invalid_field`.
    var field: String?
    /// Fields beside the common ones.
    var headers: HTTPFields = [:]

    init(_ status: HTTPResponse.Status, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    func response(requestID: String) -> APIResponse {
        var members: [JSONText.Member] = [.init("error", .string(code)), .init("msg", .string(message))]
        if let field { members.append(.init("field", .string(field))) }
        members.append(.init("request_id", .string(requestID)))
        var response = APIResponse.json(status, .object(members))
        for field in headers { response.head.headerFields[field.name] = field.value }
        return response
    }
}

extension EyesonError {
    static let malformedJSON = EyesonError(.badRequest, "malformed_json", "the body is empty or not JSON")
    static let notAnObject = EyesonError(.badRequest, "not_an_object", "the body is JSON, but no object")

    static func missingField(_ name: String) -> EyesonError {
        var error = EyesonError(.badRequest, "missing_field", "\(name) is required")
        error.field = name
        return error
    }

    static func invalidField(_ name: String, _ rule: String) -> EyesonError {
        var error = EyesonError(.badRequest, "invalid_field", "\(name) must be \(rule)")
        error.field = name
        return error
    }

    static let invalidMasterKey = EyesonError(.unauthorized, "invalid_master_key", "the master key is unknown, revoked or of another kind")
    static let accountSuspended = EyesonError(.forbidden, "account_suspended", "the operator has disabled this account")
    static let clientMismatch = EyesonError(.forbidden, "client_mismatch", "client_id is not the one of the token")
    static let notFound = EyesonError(.notFound, "not_found", "there is nothing at this path")
    static let insecure = EyesonError(
        .notFound, "not_found", "this service is not offered over plain HTTP: use https, or set streamrec.insecure-http")
    static let `internal` = EyesonError(.internalServerError, "internal", "the bridge failed; nothing was created")

    static func wrongRole(_ role: Grant.Role) -> EyesonError {
        EyesonError(.forbidden, "wrong_role", "a token of role \(role.rawValue) does not allow this")
    }

    static func methodNotAllowed(_ allowed: [HTTPRequest.Method]) -> EyesonError {
        var error = EyesonError(.methodNotAllowed, "method_not_allowed", "this path has other methods")
        error.headers[.allow] = allowed.map(\.rawValue).joined(separator: ", ")
        return error
    }

    static func bodyTooLarge(limit: Int) -> EyesonError {
        var error = EyesonError(.contentTooLarge, "body_too_large", "the body is longer than \(limit) bytes")
        error.headers[.connection] = "close"
        return error
    }

    /// `wait` is rounded up to whole seconds, at least one.
    static func rateLimited(wait: Duration) -> EyesonError {
        var error = EyesonError(.tooManyRequests, "rate_limited", "too many requests; try again later")
        error.headers[.retryAfter] = String(max(1, (wait.wholeMilliseconds + 999) / 1000))
        return error
    }

    static var sessionLimit: EyesonError {
        var error = EyesonError(.tooManyRequests, "session_limit", "this account has as many running sessions as it may")
        error.headers[.retryAfter] = "5"
        return error
    }

    static var unavailable: EyesonError {
        var error = EyesonError(.serviceUnavailable, "unavailable", "the bridge is draining or overloaded; try again")
        error.headers[.retryAfter] = "5"
        return error
    }

    static var upgradeRequired: EyesonError {
        var error = EyesonError(.upgradeRequired, "upgrade_required", "this path is a WebSocket")
        error.headers[.upgrade] = "websocket"
        error.headers[.connection] = "Upgrade"
        return error
    }

    /// A token that is refused; `invalid_token` is RFC 6750's word for all of them.
    static func token(_ error: AccessError) -> EyesonError {
        switch error {
        case .missing: unauthorized("token_missing", "a bearer token is required", challenge: nil)
        case .invalid: unauthorized("token_invalid", "the token is not valid here", challenge: "invalid_token")
        case .expired: unauthorized("token_expired", "the token has expired", challenge: "invalid_token")
        case .revoked: unauthorized("token_revoked", "the token was revoked", challenge: "invalid_token")
        case .suspended: accountSuspended
        case .unavailable: unavailable
        }
    }

    private static func unauthorized(_ code: String, _ message: String, challenge: String?) -> EyesonError {
        var error = EyesonError(.unauthorized, code, message)
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
