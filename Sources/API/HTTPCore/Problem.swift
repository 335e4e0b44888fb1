package import BridgeModel
package import HTTPTypes

/// An error body of the native API (RFC 9457), with the stable code as its own member.
package struct Problem: Error, Sendable, Equatable {
    /// The status line, and the member `status`.
    package var status: HTTPResponse.Status
    /// Stable, from `signaling/errors.json`.
    package var code: String
    /// For people; holds no secret.
    package var detail: String
    /// The member of the request that is at fault, if one is.
    package var field: String?
    /// Seconds after which a repeat makes sense.
    package var retryAfter: Int?
    /// What programs may want to know besides, by its code.
    package var members: [JSONText.Member] = []

    package init(_ status: HTTPResponse.Status, _ code: String, _ detail: String, field: String? = nil, retryAfter: Int? = nil) {
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field
        self.retryAfter = retryAfter
    }

    /// The reply to the request of this id.
    package func response(requestID: String) -> APIResponse {
        var members: [JSONText.Member] = [
            .init("type", .string("about:blank")), .init("title", .string(status.reasonPhrase)),
            .init("status", .integer(Int64(status.code))),
            .init("code", .string(code)), .init("detail", .string(detail)),
        ]
        if let field { members.append(.init("field", .string(field))) }
        members += self.members
        members.append(.init("request_id", .string(requestID)))
        let response = APIResponse.json(status, .object(members), type: "application/problem+json")
        guard let retryAfter else { return response }
        return response.with(.retryAfter, String(retryAfter))
    }
}

extension Problem {
    /// A failure of the bridge, put into HTTP.
    package init(_ error: BridgeError) {
        let status: HTTPResponse.Status
        var retryAfter: Int?
        switch error.code {
        case .unacceptableOffer, .invalidURL, .invalidField: status = .badRequest
        case .notFound: status = .notFound
        case .forbidden: status = .forbidden
        case .recordingHeld, .recordingInUse, .recordingGone, .destinationKeeps, .backgroundInUse: status = .conflict
        case .limitReached:
            status = .tooManyRequests
            retryAfter = 5
        case .unavailable, .pipelineUnavailable:
            status = .serviceUnavailable
            retryAfter = 5
        case .storageFull: status = .insufficientStorage
        case .fingerprintMismatch, .connectionTimeout, .connectionLost, .pipelineCrashed, .pipelineHung, .pipelineOverLimit,
            .pipelineFailed,
            .noMedia, .recordingUnreadable, .conferenceRefused, .conferenceUnavailable, .conferenceAnswerInvalid, .pushRefused,
            .pushUnavailable, .backgroundUnreadable, .internal:
            status = .internalServerError
        }
        self.init(status, error.code.rawValue, error.message, retryAfter: retryAfter)
    }
}

extension HTTPResponse.Status {
    /// 507 (RFC 4918 section 11.5).
    fileprivate static let insufficientStorage = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
}
