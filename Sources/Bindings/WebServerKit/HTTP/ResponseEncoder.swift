import HTTPTypes

/// How the end of a response's body is shown to the client (RFC 9112, 6.3).
enum ResponseFraming: Equatable {
    /// No body, and no length to tell: 1xx, 204, 304, 101.
    case none
    /// `Content-Length`; a HEAD response tells it without a body.
    case length(Int)
    /// Chunks, for HTTP/1.1 clients.
    case chunked
    /// The end of the connection, for HTTP/1.0 clients.
    case untilClose
}

/// What a response says about the connection's life (RFC 9112, 9.3).
enum Persistence {
    /// Nothing: an HTTP/1.1 connection goes on.
    case byDefault
    /// An HTTP/1.0 connection goes on.
    case keepAlive
    case close
}

/// Writes the parts of a response (RFC 9112, 4 to 7).
enum ResponseEncoder {
    /// Status line and fields, without the empty line at the end, so that the connection can add its own last field.
    static func head(_ head: HTTPResponse, framing: ResponseFraming, date: String) -> [UInt8] {
        var text = "HTTP/1.1 \(head.status.code) \(reason(of: head.status))\r\ndate: \(date)\r\n"
        for field in head.headerFields where !isFraming(field.name) {
            text += field.name.rawName
            text += ": "
            text += field.value
            text += "\r\n"
        }
        // An Upgrade field is the connection's own matter (RFC 9110, 7.8); 101 is not made here.
        if head.headerFields[.upgrade] != nil { text += "connection: upgrade\r\n" }
        switch framing {
        case .none, .untilClose: break
        case .length(let length): text += "content-length: \(length)\r\n"
        case .chunked: text += "transfer-encoding: chunked\r\n"
        }
        return Array(text.utf8)
    }

    /// What ends a head: the field that says whether the connection lives, where the default of the client's version does not say it.
    static func endOfHead(_ persistence: Persistence) -> [UInt8] {
        switch persistence {
        case .byDefault: [Octet.carriageReturn, Octet.lineFeed]
        case .keepAlive: Array("connection: keep-alive\r\n\r\n".utf8)
        case .close: Array("connection: close\r\n\r\n".utf8)
        }
    }

    /// One chunk; an empty part is left out, because it would end the body.
    static func chunk(_ content: [UInt8]) -> [UInt8] {
        guard !content.isEmpty else { return [] }
        var chunk = Array(String(content.count, radix: 16).utf8)
        chunk.reserveCapacity(chunk.count + content.count + 4)
        chunk += [Octet.carriageReturn, Octet.lineFeed]
        chunk += content
        chunk += [Octet.carriageReturn, Octet.lineFeed]
        return chunk
    }

    /// The last chunk and the empty trailer section.
    static let lastChunk = Array("0\r\n\r\n".utf8)

    /// The interim response that lets a client send its body (RFC 9110, 15.2.1).
    static let continueResponse = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    private static func reason(of status: HTTPResponse.Status) -> String {
        status.reasonPhrase.isEmpty ? "Status" : status.reasonPhrase
    }

    /// Fields that only the connection may write.
    private static func isFraming(_ name: HTTPField.Name) -> Bool {
        name == .contentLength || name == .transferEncoding || name == .connection || name == .date
    }
}

extension HTTPResponse.Status {
    /// Whether a response of this status never has a body (RFC 9110, 6.4.1).
    var forbidsBody: Bool { code == 204 || code == 304 || code < 200 }
}
