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
    private var arrival: BodyArrival
    private var response = ResponseProgress.pending
    private var writer: CheckedContinuation<Bool, Never>?

    private enum ResponseProgress {
        case pending
        case begun(ResponseFraming, isLast: Bool)
    }

    init(number: UInt, head: RequestHead, channel: ResponseChannel, limits: WebServerLimits) {
        self.number = number
        self.head = head
        arrival = BodyArrival(head, channel: channel, limits: limits)
        body = WebBody(source: arrival.source, defaultLimit: limits.bodyBytesDefault)
    }

    /// Whether the whole body has arrived.
    var isBodyDone: Bool { arrival.isDone }

    /// Whether the connection cannot be used after this exchange.
    var isLast: Bool {
        if case .begun(_, let isLast) = response { isLast } else { false }
    }

    /// Takes body bytes; true when the peer has to wait for the reader.
    func receive(_ input: inout ArraySlice<UInt8>) -> Bool { arrival.receive(&input) }

    /// Gives up on a body that has stopped coming.
    func checkBody(now: ContinuousClock.Instant, timeout: Duration) { arrival.check(now: now, timeout: timeout) }

    /// The interim response, if this is the moment for it.
    func takeContinue() -> [UInt8]? {
        guard case .pending = response else { return nil }
        return arrival.takeContinue()
    }

    /// Starts the response: completes its head. Nil when it has been started before.
    func begin(head responseHead: [UInt8], framing: ResponseFraming) -> [UInt8]? {
        guard case .pending = response else { return nil }
        let isLast = mustClose || !head.wantsKeepAlive || !isBodyDone || framing == .untilClose
        response = .begun(framing, isLast: isLast)
        return responseHead + ResponseEncoder.endOfHead(isLast ? .close : (head.isVersion11 ? .byDefault : .keepAlive))
    }

    /// A part of the body as it goes over the wire.
    func frame(_ content: [UInt8]) -> [UInt8] {
        guard case .begun(.chunked, _) = response else { return content }
        return ResponseEncoder.chunk(content)
    }

    /// What ends the body over the wire.
    func frameEnd() -> [UInt8] {
        guard case .begun(.chunked, _) = response else { return [] }
        return ResponseEncoder.lastChunk
    }

    /// Lets the handler go on, now or when the connection has drained.
    func suspendWriter(_ continuation: CheckedContinuation<Bool, Never>, unwritten: Int) {
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
        arrival.abandon()
        task?.cancel()
    }
}
