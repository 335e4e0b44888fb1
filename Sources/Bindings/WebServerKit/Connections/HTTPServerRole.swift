import HTTPTypes

/// A connection that serves HTTP/1.1: one exchange after the other, in the order of the requests.
final class HTTPServerRole: ConnectionRole {
    private enum Phase {
        /// Between requests, since then.
        case waiting(since: ContinuousClock.Instant)
        /// Part of a head is there, since then.
        case readingHead(since: ContinuousClock.Instant)
        /// A handler is at work, or its response is being sent.
        case exchange(HTTPExchange)
        /// The last response is on its way.
        case closing
    }

    /// What a client may send ahead while a response is being made, before it has to wait.
    private static let pipelineLimit = 64 * 1024

    private let handler: any WebHandler
    private var parser: RequestHeadParser
    private var phase = Phase.waiting(since: .now)
    private var input: [UInt8] = []
    private var consumed = 0
    private var exchangeCount: UInt = 0
    private var isWindingDown = false

    init(handler: any WebHandler, limits: WebServerLimits, isSecure: Bool) {
        self.handler = handler
        parser = RequestHeadParser(limits: limits, isSecure: isSecure)
    }

    var isBusy: Bool {
        switch phase {
        case .exchange, .closing: true
        case .waiting, .readingHead: false
        }
    }

    /// The exchange of that number, while it lasts. What a handler says after its exchange has ended is not heard.
    func exchange(_ number: UInt) -> HTTPExchange? {
        guard case .exchange(let exchange) = phase, exchange.number == number else { return nil }
        return exchange
    }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection, of host: isolated SocketHost) {
        if case .closing = phase { return }
        input.append(contentsOf: bytes)
        process(on: connection, of: host)
        if case .exchange(let exchange) = phase, exchange.isBodyDone, input.count - consumed > Self.pipelineLimit {
            connection.pauseReading()
        }
    }

    func drained(on connection: Connection, of host: isolated SocketHost) {
        if case .exchange(let exchange) = phase { exchange.resumeWriter() }
    }

    func check(now: ContinuousClock.Instant, on connection: Connection, of host: isolated SocketHost) {
        switch phase {
        case .waiting(let since): if now - since > host.limits.idleTimeout { connection.drop() }
        case .readingHead(let since): if now - since > host.limits.requestTimeout { refuse(.requestTimedOut, on: connection) }
        case .exchange(let exchange):
            if !connection.isReadingPaused { exchange.checkBody(now: now, timeout: host.limits.requestTimeout) }
        case .closing: break
        }
    }

    func closed(by host: isolated SocketHost) {
        if case .exchange(let exchange) = phase { exchange.abandon() }
        phase = .closing
    }

    func windDown(on connection: Connection, of host: isolated SocketHost) {
        isWindingDown = true
        if !isBusy { connection.drop() }
    }

    /// The response of the exchange has been written whole; goes on with the next request, or ends the connection.
    func completed(_ exchange: HTTPExchange, on connection: Connection, of host: isolated SocketHost) {
        guard !exchange.isLast else {
            phase = .closing
            let isClean = exchange.isBodyDone && consumed == input.count
            connection.end(isClean ? .close : .linger)
            return
        }
        phase = .waiting(since: .now)
        connection.resumeReading()
        if isWindingDown { return connection.end(.close) }
        process(on: connection, of: host)
    }

    /// The connection becomes a WebSocket: hands out what was received after the handshake.
    func upgrade() -> [UInt8] {
        phase = .closing
        return Array(input[consumed...])
    }

    private func process(on connection: Connection, of host: isolated SocketHost) {
        do throws(RequestFault) {
            switch phase {
            case .closing: break
            case .exchange(let exchange): feed(exchange, on: connection)
            case .waiting, .readingHead:
                guard let (head, length) = try parser.parse(input[consumed...]) else { return awaitHead() }
                consumed += length
                start(head, on: connection, of: host)
            }
        } catch {
            refuse(error, on: connection)
        }
        compact()
    }

    private func awaitHead() {
        if case .waiting = phase, consumed < input.count { phase = .readingHead(since: .now) }
        compact()
    }

    private func start(_ head: RequestHead, on connection: Connection, of host: isolated SocketHost) {
        exchangeCount += 1
        let channel = ResponseChannel(host: host, connection: connection.id, number: exchangeCount)
        let exchange = HTTPExchange(number: exchangeCount, head: head, channel: channel, limits: host.limits)
        exchange.mustClose = isWindingDown
        phase = .exchange(exchange)
        host.counters.countRequest()
        feed(exchange, on: connection)
        let request = WebRequest(
            head: head.request, remoteAddress: connection.remoteAddress, isSecure: connection.isSecure, body: exchange.body)
        let runner = ExchangeRunner(handler: handler, head: head, request: request, channel: channel)
        exchange.task = Task { @concurrent in await runner.run() }
    }

    private func feed(_ exchange: HTTPExchange, on connection: Connection) {
        guard !exchange.isBodyDone else { return }
        var rest = input[consumed...]
        if exchange.receive(&rest) { connection.pauseReading() }
        consumed = rest.startIndex
    }

    private func refuse(_ fault: RequestFault, on connection: Connection) {
        phase = .closing
        var response = ResponseEncoder.head(.init(status: fault.status), framing: .length(0), date: HTTPDate.now())
        response += ResponseEncoder.endOfHead(.close)
        connection.write(response)
        connection.end(.linger)
    }

    private func compact() {
        guard consumed > 0 else { return }
        if consumed == input.count {
            input.removeAll(keepingCapacity: input.capacity <= Self.pipelineLimit)
            consumed = 0
        } else if consumed > Self.pipelineLimit {
            input.removeFirst(consumed)
            consumed = 0
        }
    }
}
