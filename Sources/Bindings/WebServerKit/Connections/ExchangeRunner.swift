import HTTPTypes

/// Runs the handler for one request and sends what it answers. Off the loop, in a task of its own.
struct ExchangeRunner: Sendable {
    /// What is read of a file at once.
    private static let fileBlock = 64 * 1024

    let handler: any WebHandler
    let head: RequestHead
    let request: WebRequest
    let channel: ResponseChannel

    func run() async {
        guard head.isWebSocketUpgrade else { return await send(await handler.respond(to: request)) }
        switch WebSocketHandshake.key(of: head.request, framing: head.bodyFraming) {
        case .failure(let refusal): await send(refusal.response)
        case .success(let key):
            switch await handler.webSocketDecision(for: request) {
            case .refuse(let response): await send(response)
            case .accept(let serve):
                guard let socket = await channel.upgrade(key: key) else { return }
                await serve(socket)
                socket.close(code: WebSocketCloseCode.normal, reason: "")
            }
        }
    }

    private func send(_ response: WebResponse) async {
        // An interim or switching status would leave the client waiting for a response (RFC 9110, 15.2).
        guard response.head.status.code >= 200 else { return sendWhole(HTTPResponse(status: .internalServerError), []) }
        // Of the fields that only the connection may write, this is the one that a handler may wish for.
        if response.head.headerFields.listContains("close", in: .connection) { channel.closeWhenDone() }
        switch response.body {
        case .empty: sendWhole(response.head, [])
        case .bytes(let bytes): sendWhole(response.head, bytes)
        case .file(let path): await sendFile(path, head: response.head)
        case .stream(let parts): await sendStream(parts, head: response.head)
        }
    }

    private var isHead: Bool { head.request.method == .head }

    private func sendWhole(_ responseHead: HTTPResponse, _ body: [UInt8]) {
        let forbidsBody = responseHead.status.forbidsBody
        let framing = forbidsBody ? ResponseFraming.none : .length(body.count)
        let wire = ResponseEncoder.head(responseHead, framing: framing, date: HTTPDate.now())
        channel.send(head: wire, framing: framing, body: isHead || forbidsBody ? [] : body)
    }

    private func sendFile(_ path: String, head responseHead: HTTPResponse) async {
        guard let file = OpenFile(path: path) else { return sendWhole(HTTPResponse(status: .notFound), []) }
        var responseHead = responseHead
        var bytes = 0..<file.size
        if responseHead.status == .ok {
            let reply = FileReply(request: head.request, size: file.size, entityTag: file.entityTag, modified: file.modified)
            responseHead.status = reply.status
            for field in reply.fields { responseHead.headerFields[field.name] = field.value }
            bytes = reply.bytes
        }
        guard !isHead, bytes.count > Self.fileBlock else {
            return sendSmallFile(file, bytes, responseHead)
        }
        let framing = ResponseFraming.length(bytes.count)
        channel.begin(head: ResponseEncoder.head(responseHead, framing: framing, date: HTTPDate.now()), framing: framing)
        var offset = bytes.lowerBound
        while offset < bytes.upperBound {
            let block = file.read(at: offset, count: min(Self.fileBlock, bytes.upperBound - offset))
            // The file has become shorter than its promised length.
            guard !block.isEmpty else { return channel.abort() }
            offset += block.count
            guard await channel.write(block) else { return }
        }
        channel.finish()
    }

    private func sendSmallFile(_ file: borrowing OpenFile, _ bytes: Range<Int>, _ responseHead: HTTPResponse) {
        let framing = responseHead.status.forbidsBody ? ResponseFraming.none : .length(bytes.count)
        let content = isHead ? [] : file.read(at: bytes.lowerBound, count: bytes.count)
        guard isHead || content.count == bytes.count else { return sendWhole(HTTPResponse(status: .internalServerError), []) }
        channel.send(head: ResponseEncoder.head(responseHead, framing: framing, date: HTTPDate.now()), framing: framing, body: content)
    }

    private func sendStream(_ parts: AsyncStream<[UInt8]>, head responseHead: HTTPResponse) async {
        guard !responseHead.status.forbidsBody else { return sendWhole(responseHead, []) }
        let framing = head.isVersion11 ? ResponseFraming.chunked : .untilClose
        let wire = ResponseEncoder.head(responseHead, framing: framing, date: HTTPDate.now())
        guard !isHead else { return channel.send(head: wire, framing: framing, body: []) }
        channel.begin(head: wire, framing: framing)
        for await part in parts where !part.isEmpty {
            guard await channel.write(part) else { return }
        }
        // A cancelled task ends the loop early: then the body is not whole and must not look so.
        if Task.isCancelled { channel.abort() } else { channel.finish() }
    }
}
