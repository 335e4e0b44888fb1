/// One request and its response, seen from the loop.
final class HTTPExchange {
    /// What may wait for a slow reader of the response before the handler has to wait.
    private static let highWater = 256 * 1024

    let number: UInt
    let body: WebBody
    /// The handler's task; cancelled when the peer is lost.
    var task: Task<Void, Never>?
    /// The connection ends after this response, whatever the client wants.
    var mustClose = false
    private let head: RequestHead
    private let source: BodySource
    private var decoder: BodyDecoder
    private var hasBodyFailed = false
    private var lastBodyBytes = ContinuousClock.now
    private var response = ResponseProgress.pending
    private var writer: CheckedContinuation<Bool, Never>?

    private enum ResponseProgress {
        case pending
        case begun(ResponseFraming)
    }

    init(number: UInt, head: RequestHead, channel: ResponseChannel, limits: WebServerLimits) {
        self.number = number
        self.head = head
        decoder = BodyDecoder(head.bodyFraming, trailerBytes: limits.headerBytes)
        if head.bodyFraming == .none {
            source = BodySource(declaredLength: 0, onDrained: {}, onFirstRead: {})
            source.finish(nil)
        } else {
            let expectsContinue = head.expectsContinue
            source = BodySource(declaredLength: head.declaredLength) {
                channel.resumeBody()
            } onFirstRead: {
                if expectsContinue { channel.sendContinue() }
            }
        }
        body = WebBody(source: source, defaultLimit: limits.bodyBytesDefault)
    }

    /// Whether the whole body has arrived.
    var isBodyDone: Bool { decoder.isDone }

    /// Whether the connection cannot be used after this exchange.
    private(set) var isLast = false

    /// Takes body bytes; true when the peer has to wait for the reader. After a failure the rest is thrown away.
    func receive(_ input: inout ArraySlice<UInt8>) -> Bool {
        guard !hasBodyFailed else {
            input = input[input.endIndex...]
            return false
        }
        lastBodyBytes = .now
        do throws(RequestFault) {
            let content = try decoder.decode(&input)
            let mustPause = content.isEmpty ? false : source.push(content)
            if decoder.isDone { source.finish(nil) }
            return mustPause && !decoder.isDone
        } catch {
            failBody(.malformed)
            return false
        }
    }

    /// Gives up on a body that has stopped coming, except while the client waits for our 100.
    func checkBody(now: ContinuousClock.Instant, timeout: Duration) {
        guard !isBodyDone, !hasBodyFailed, now - lastBodyBytes > timeout else { return }
        failBody(.lost)
    }

    /// The interim response, if this is the moment for it (RFC 9110, 10.1.1).
    func takeContinue() -> [UInt8]? {
        guard head.expectsContinue, !hasSentContinue, !isBodyDone, case .pending = response else { return nil }
        hasSentContinue = true
        lastBodyBytes = .now
        return ResponseEncoder.continueResponse
    }

    private var hasSentContinue = false

    /// Starts the response: completes its head. Nil when it has been started before.
    func begin(head responseHead: [UInt8], framing: ResponseFraming) -> [UInt8]? {
        guard case .pending = response else { return nil }
        response = .begun(framing)
        isLast = mustClose || !head.wantsKeepAlive || !isBodyDone || framing == .untilClose
        return responseHead + ResponseEncoder.endOfHead(isLast ? .close : (head.isVersion11 ? .byDefault : .keepAlive))
    }

    /// A part of the body as it goes over the wire.
    func frame(_ content: [UInt8]) -> [UInt8] {
        guard case .begun(.chunked) = response else { return content }
        return ResponseEncoder.chunk(content)
    }

    /// What ends the body over the wire.
    func frameEnd() -> [UInt8] {
        guard case .begun(.chunked) = response else { return [] }
        return ResponseEncoder.lastChunk
    }

    /// Lets the handler go on, now or when the connection has drained.
    func await(_ continuation: CheckedContinuation<Bool, Never>, unwritten: Int) {
        guard unwritten > Self.highWater, writer == nil else { return continuation.resume(returning: true) }
        writer = continuation
    }

    /// The connection has drained.
    func resumeWriter() {
        writer?.resume(returning: true)
        writer = nil
    }

    /// The peer is lost.
    func abandon() {
        writer?.resume(returning: false)
        writer = nil
        if !isBodyDone, !hasBodyFailed { failBody(.lost) }
        task?.cancel()
    }

    private func failBody(_ error: WebBodyError) {
        hasBodyFailed = true
        source.finish(error)
    }
}

extension RequestHead {
    /// The length of the body where it is known beforehand.
    fileprivate var declaredLength: Int? {
        switch bodyFraming {
        case .none: 0
        case .length(let length): length
        case .chunked: nil
        }
    }
}
