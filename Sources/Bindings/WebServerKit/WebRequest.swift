package import HTTPTypes

/// One request, as it arrived.
package struct WebRequest: Sendable {
    /// Method, scheme, authority, target and all header fields. `head.path` is the raw request target: visible ASCII with well-formed
    /// percent triplets, starting with `/` (or `*` for OPTIONS), but neither decoded nor normalised.
    package let head: HTTPRequest
    /// The peer's numeric IPv4 or IPv6 address, without a port. An IPv4 peer of an IPv6 listener has its IPv4 form.
    package let remoteAddress: String
    /// Whether the connection is TLS.
    package let isSecure: Bool
    /// What follows the head; read it once.
    package let body: WebBody

    /// A request; the server makes them, and so may the tests of a handler.
    package init(head: HTTPRequest, remoteAddress: String = "127.0.0.1", isSecure: Bool = false, body: WebBody = .empty) {
        self.head = head
        self.remoteAddress = remoteAddress
        self.isSecure = isSecure
        self.body = body
    }
}
