import HTTPTypes

/// What the fields of a request must and must not say together (RFC 9112, 3.2 and 6; RFC 9110, 7.2).
struct MessageRules {
    let line: RequestLine
    let fields: HTTPFields
    let isSecure: Bool

    /// The head, or why the fields contradict each other.
    func head() throws(RequestFault) -> RequestHead {
        let (authority, path) = try splitTarget(host: try host())
        let expectsContinue = try self.expectsContinue()
        return RequestHead(
            request: HTTPRequest(
                method: line.method, scheme: isSecure ? "https" : "http", authority: authority, path: path, headerFields: fields),
            isVersion11: line.isVersion11, bodyFraming: try framing(), wantsKeepAlive: wantsKeepAlive, expectsContinue: expectsContinue)
    }

    /// Exactly one Host, which only HTTP/1.0 may leave out (RFC 9112, 3.2).
    private func host() throws(RequestFault) -> String? {
        let hosts = fields.filter { $0.name.canonicalName == "host" }
        guard hosts.count <= 1 else { throw .badRequest }
        guard let host = hosts.first?.value else {
            if line.isVersion11 { throw .badRequest }
            return nil
        }
        guard host.utf8.allSatisfy({ $0.isVisible && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "@") }) else { throw .badRequest }
        return host
    }

    /// Origin form, absolute form, or `*` for OPTIONS (RFC 9112, 3.2). A target in absolute form replaces Host.
    private func splitTarget(host: String?) throws(RequestFault) -> (authority: String?, path: String) {
        let target = line.target
        if target.hasPrefix("/") || (target == "*" && line.method == .options) { return (host, target) }
        for scheme in ["http://", "https://"] where target.lowercased().hasPrefix(scheme) {
            let rest = target.dropFirst(scheme.count)
            let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
            guard end > rest.startIndex, !rest[..<end].contains("@") else { throw .badRequest }
            let path = rest[end...]
            return (String(rest[..<end]), path.hasPrefix("/") ? String(path) : "/" + path)
        }
        throw .badRequest
    }

    /// Length or chunks, never both, never two lengths (RFC 9112, 6.3).
    private func framing() throws(RequestFault) -> BodyFraming {
        let codings = fields[values: .transferEncoding]
        let lengths = fields[values: .contentLength]
        guard codings.isEmpty else {
            guard line.isVersion11, lengths.isEmpty, codings.count == 1 else { throw .badRequest }
            guard codings[0].lowercased() == "chunked" else { throw .transferCodingUnknown }
            return .chunked
        }
        guard let first = lengths.first else { return .none }
        guard lengths.count == 1, let length = first.utf8.decimalValue() else { throw .badRequest }
        return length == 0 ? .none : .length(length)
    }

    private var wantsKeepAlive: Bool {
        if fields.listContains("close", in: .connection) { return false }
        return line.isVersion11 || fields.listContains("keep-alive", in: .connection)
    }

    private func expectsContinue() throws(RequestFault) -> Bool {
        guard let expectation = fields[.expect], line.isVersion11 else { return false }
        guard expectation.lowercased() == "100-continue" else { throw .expectationFailed }
        return true
    }
}
