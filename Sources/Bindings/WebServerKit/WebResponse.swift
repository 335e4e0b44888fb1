package import HTTPTypes

/// The reply to one request.
///
/// The server adds `Date`, `Content-Length` or `Transfer-Encoding`, and `Connection`; a handler's own values of the last three are dropped.
package struct WebResponse: Sendable {
    /// Status and header fields.
    package var head: HTTPResponse
    /// What follows the head. It is left out for HEAD, 204 and 304.
    package var body: Body

    /// A reply.
    package init(head: HTTPResponse, body: Body = .empty) {
        self.head = head
        self.body = body
    }

    /// A reply made of a status, fields and a body.
    package init(status: HTTPResponse.Status, headerFields: HTTPFields = [:], body: Body = .empty) {
        self.init(head: HTTPResponse(status: status, headerFields: headerFields), body: body)
    }

    /// Where the bytes of a reply come from.
    package enum Body: Sendable {
        /// No content.
        case empty
        /// These bytes.
        case bytes([UInt8])
        /// The regular file at this path. With status 200 the server adds `ETag`, `Last-Modified` and `Accept-Ranges`, and answers
        /// conditional and range requests itself (206, 304, 412, 416; RFC 9110, 13 and 14); a path that cannot be opened is answered with 404.
        case file(path: String)
        /// Parts as they come, sent in chunks; the stream is read only as fast as the peer takes them.
        case stream(AsyncStream<[UInt8]>)
    }
}
