package import BridgeModel
package import HTTPTypes

/// A reply that the front door sends.
package struct APIResponse: Sendable {
    /// What follows the head.
    package enum Body: Sendable, Equatable {
        case empty
        case bytes([UInt8])
        /// A file by its absolute path; the front door answers ranges and conditions.
        case file(path: String)
        /// Parts as they come, for as long as they come; one stream is read once.
        case stream(AsyncStream<[UInt8]>)

        /// A stream equals nothing: what it will bring is not known.
        package static func == (left: Body, right: Body) -> Bool {
            switch (left, right) {
            case (.empty, .empty): true
            case (.bytes(let left), .bytes(let right)): left == right
            case (.file(let left), .file(let right)): left == right
            case (.empty, _), (.bytes, _), (.file, _), (.stream, _): false
            }
        }
    }

    /// Status and fields.
    package var head: HTTPResponse
    /// What follows them.
    package var body: Body

    package init(status: HTTPResponse.Status, fields: HTTPFields = [:], body: Body = .empty) {
        head = HTTPResponse(status: status, headerFields: fields)
        self.body = body
    }

    /// A JSON document in UTF-8.
    package static func json(_ status: HTTPResponse.Status, _ document: JSONText, type: String = "application/json; charset=utf-8")
        -> APIResponse
    {
        APIResponse(status: status, fields: [.contentType: type], body: .bytes(Array(document.text.utf8)))
    }

    /// Plain text in UTF-8.
    package static func text(_ status: HTTPResponse.Status, _ text: String, type: String = "text/plain; charset=utf-8") -> APIResponse {
        APIResponse(status: status, fields: [.contentType: type], body: .bytes(Array(text.utf8)))
    }

    /// With a field set, replacing earlier ones of this name.
    package func with(_ name: HTTPField.Name, _ value: String) -> APIResponse {
        var copy = self
        copy.head.headerFields[name] = value
        return copy
    }
}

extension HTTPField.Name {
    /// `X-Request-Id`: names the request in replies and logs.
    package static let requestID = Self.known("X-Request-Id")
    /// `Host`, which HTTP/1.1 front doors may leave among the fields.
    package static let host = Self.known("Host")
    /// `Accept-Patch` (RFC 5789 section 3.1).
    package static let acceptPatch = Self.known("Accept-Patch")
    /// `Accept-Post` (Linked Data Platform 1.0, section 7.1).
    package static let acceptPost = Self.known("Accept-Post")
    /// `Link` (RFC 8288 section 3).
    package static let links = Self.known("Link")
    /// `Referrer-Policy`.
    package static let referrerPolicy = Self.known("Referrer-Policy")

    /// A name that is a token by its spelling here.
    private static func known(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else { preconditionFailure("\(name) is no field name") }
        return field
    }
}
