package import HTTPTypes

/// A request as the dialects see it: its parts decoded once, its body not yet read.
package struct APIRequest: Sendable {
    /// Reads the whole body up to a limit in bytes.
    package typealias BodyReader = @Sendable (_ limit: Int) async throws(APIBodyError) -> [UInt8]

    /// Method, target, authority and fields as they came.
    package let head: HTTPRequest
    /// The address of the TCP peer, without port.
    package let remoteAddress: String
    /// Came over TLS to this process.
    package let isSecure: Bool
    /// Names this request in the reply, in logs and in error bodies.
    package let requestID: String
    /// The path's segments, each percent-decoded once; nil when one is not decodable.
    package let segments: [String]?
    /// The query's members, decoded as a form.
    package let query: QueryParameters
    /// Values of the route's `{name}` segments; filled by the router.
    package internal(set) var parameters: [String: String] = [:]
    private let reader: BodyReader

    package init(head: HTTPRequest, remoteAddress: String, isSecure: Bool, requestID: String, body: @escaping BodyReader) {
        self.head = head
        self.remoteAddress = remoteAddress
        self.isSecure = isSecure
        self.requestID = requestID
        let target = RequestTarget(head.path ?? "/")
        segments = target.segments
        query = target.query
        reader = body
    }

    /// Reads the body; throws `tooLarge` above `limit` bytes.
    package func body(upTo limit: Int) async throws(APIBodyError) -> [UInt8] {
        try await reader(limit)
    }

    /// The bearer token of the `Authorization` field (RFC 6750 section 2.1).
    package var bearer: BearerToken { BearerToken(head.headerFields[.authorization]) }
}

/// Why a body could not be read.
package enum APIBodyError: Error, Sendable, Equatable {
    /// It is longer than the route allows.
    case tooLarge
    /// The peer went away or broke the transfer coding.
    case interrupted
}
