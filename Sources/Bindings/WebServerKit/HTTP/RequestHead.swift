import HTTPTypes

/// A request head that was understood, with what its fields say about the message and the connection (RFC 9112).
struct RequestHead: Sendable {
    let request: HTTPRequest
    /// Whether the request line said HTTP/1.1, not 1.0.
    let isVersion11: Bool
    /// How the body ends (RFC 9112, 6.3).
    let bodyFraming: BodyFraming
    /// Whether the client lets the connection live (RFC 9112, 9.3).
    let wantsKeepAlive: Bool
    /// Whether the client waits for 100 before it sends the body (RFC 9110, 10.1.1).
    let expectsContinue: Bool

    /// Whether the client asks for a WebSocket (RFC 6455, 4.2.1); the handshake may still be wrong.
    var isWebSocketUpgrade: Bool {
        request.method == .get && isVersion11 && request.headerFields.listContains("websocket", in: .upgrade)
            && request.headerFields.listContains("upgrade", in: .connection)
    }
}

/// How the end of a request's body is found.
enum BodyFraming: Sendable, Equatable {
    case none
    case length(Int)
    case chunked
}

/// Why bytes are not a request, as the status that says so.
enum RequestFault: Error, Equatable {
    case badRequest
    case targetTooLong
    case headersTooLarge
    case expectationFailed
    case transferCodingUnknown
    case versionNotSupported
    case requestTimedOut
    case contentTooLarge

    var status: HTTPResponse.Status {
        switch self {
        case .badRequest: .badRequest
        case .targetTooLong: .uriTooLong
        case .headersTooLarge: .requestHeaderFieldsTooLarge
        case .expectationFailed: .expectationFailed
        case .transferCodingUnknown: .notImplemented
        case .versionNotSupported: .httpVersionNotSupported
        case .requestTimedOut: .requestTimeout
        case .contentTooLarge: .contentTooLarge
        }
    }
}

extension HTTPFields {
    /// Whether a comma-separated field has this token, in any case (RFC 9110, 5.6.1).
    func listContains(_ token: String, in name: HTTPField.Name) -> Bool {
        self[values: name].contains { value in
            value.split(separator: ",").contains { $0.trimmingOptionalWhitespace().lowercased() == token }
        }
    }
}

extension Substring {
    /// Without the spaces and tabs around it (OWS, RFC 9110, 5.6.3).
    func trimmingOptionalWhitespace() -> Substring {
        var trimmed = self
        while let first = trimmed.first, first == " " || first == "\t" { trimmed.removeFirst() }
        while let last = trimmed.last, last == " " || last == "\t" { trimmed.removeLast() }
        return trimmed
    }
}
