/// A connection that is a WebSocket (RFC 6455, 5 to 7).
final class WebSocketRole: ConnectionRole {
    private enum Phase {
        case open
        /// Our close frame is sent; the peer's is awaited until then.
        case closeSent(code: UInt16, until: ContinuousClock.Instant)
        /// Nothing more is sent or heard.
        case ended
    }

    /// How much is handed to the socket at a time; the rest stays in the socket's own queue, where it is counted.
    private static let batchBytes = 64 * 1024

    private let socket: WebSocket
    private let side: WebSocketSide
    private var parser: WebSocketFrameParser
    private var phase = Phase.open
    private var lastHeard = ContinuousClock.now
    private var lastPing = ContinuousClock.now
    /// The payload of the latest ping that is not answered; earlier ones need no answer (RFC 6455, 5.5.3).
    private var owedPong: [UInt8]?

    private init(socket: WebSocket, side: WebSocketSide, limits: WebServerLimits) {
        self.socket = socket
        self.side = side
        parser = WebSocketFrameParser(side: side, messageLimit: limits.webSocketMessageBytes)
    }

    /// Makes a connection a WebSocket, whose first bytes may have been received already.
    static func take(over connection: Connection, side: WebSocketSide, early: [UInt8], of host: isolated SocketHost) -> WebSocket {
        let socket = WebSocket(host: host, id: connection.id, limits: host.limits)
        let role = WebSocketRole(socket: socket, side: side, limits: host.limits)
        connection.role = role
        connection.resumeReading()
        host.counters.countWebSocket(+1)
        early.withUnsafeBytes { role.received($0, on: connection, of: host) }
        if host.isWindingDown { role.windDown(on: connection, of: host) }
        return socket
    }

    var isBusy: Bool { false }

    func received(_ bytes: UnsafeRawBufferPointer, on connection: Connection, of host: isolated SocketHost) {
        if case .ended = phase { return }
        lastHeard = .now
        parser.append(bytes)
        do throws(WebSocketFault) {
            while let input = try parser.next() { handle(input, on: connection, of: host) }
        } catch {
            fail(error, on: connection)
        }
    }

    func drained(on connection: Connection, of host: isolated SocketHost) {
        guard case .open = phase else { return }
        var batch: [UInt8] = []
        if let payload = owedPong, connection.unwritten == 0 {
            append(.pong, payload, to: &batch)
            owedPong = nil
        }
        while case .open = phase {
            // The queue is told that nobody looks any more only when it was found empty; until then the next chance must come by itself.
            guard connection.unwritten + batch.count < Self.batchBytes else {
                connection.notifyWhenDrained()
                break
            }
            guard let frame = socket.takeFrame() else { break }
            append(frame.opcode, frame.payload, to: &batch)
            if let code = frame.closeCode { phase = .closeSent(code: code, until: .now + host.limits.closeTimeout) }
        }
        connection.write(batch)
    }

    func check(now: ContinuousClock.Instant, on connection: Connection, of host: isolated SocketHost) {
        switch phase {
        case .ended: break
        case .closeSent(_, let deadline): if now > deadline { connection.drop() }
        case .open:
            // A peer that we have stopped cannot be heard.
            if connection.isReadingPaused { lastHeard = now }
            if now - lastHeard > host.limits.silenceTimeout { return connection.drop() }
            guard now - lastPing >= host.limits.pingInterval, connection.unwritten == 0 else { return }
            lastPing = now
            var ping: [UInt8] = []
            append(.ping, [], to: &ping)
            connection.write(ping)
        }
    }

    func closed(by host: isolated SocketHost) {
        host.counters.countWebSocket(-1)
        switch phase {
        case .open: deliverEnd(WebSocketCloseCode.lost)
        case .closeSent(let code, _): deliverEnd(code)
        case .ended: break
        }
    }

    func windDown(on connection: Connection, of host: isolated SocketHost) {
        guard host.isClosingWebSockets else { return }
        socket.close(code: WebSocketCloseCode.goingAway, reason: "the server is going away")
    }

    private func handle(_ input: WebSocketInput, on connection: Connection, of host: isolated SocketHost) {
        switch (input, phase) {
        case (_, .ended), (.pong, _): break
        case (.text(let text), .open): deliver(.text(text), cost: text.utf8.count, on: connection)
        case (.binary(let bytes), .open): deliver(.binary(bytes), cost: bytes.count, on: connection)
        case (.ping(let payload), .open):
            owedPong = payload
            if connection.unwritten == 0 { drained(on: connection, of: host) }
        case (.close(let code), .open): answerClose(code, on: connection)
        case (.close, .closeSent(let code, _)):
            deliverEnd(code)
            connection.end(side == .server ? .close : .linger)
        case (.text, .closeSent), (.binary, .closeSent), (.ping, .closeSent): break
        }
    }

    /// A fixed part per event, so that a flood of empty messages counts too.
    private func deliver(_ event: WebSocketEvent, cost: Int, on connection: Connection) {
        if socket.inbox.push(event, cost: cost + 64) { connection.pauseReading() }
    }

    /// Echoes the peer's code and ends the connection (RFC 6455, 5.5.1). What was queued is not sent any more: the peer has left.
    private func answerClose(_ code: UInt16?, on connection: Connection) {
        sendLast(closePayload: code.map { WebSocketFrameEncoder.closePayload(code: $0, reason: "") } ?? [], on: connection)
        deliverEnd(code ?? WebSocketCloseCode.noStatus)
        connection.end(side == .server ? .close : .linger)
    }

    /// Says why and ends the connection (RFC 6455, 7.1.7).
    private func fail(_ fault: WebSocketFault, on connection: Connection) {
        if case .open = phase {
            sendLast(closePayload: WebSocketFrameEncoder.closePayload(code: fault.closeCode, reason: ""), on: connection)
        }
        deliverEnd(fault.closeCode)
        connection.end(.linger)
    }

    private func sendLast(closePayload: [UInt8], on connection: Connection) {
        socket.seal()
        var frame: [UInt8] = []
        append(.close, closePayload, to: &frame)
        connection.write(frame)
    }

    private func deliverEnd(_ code: UInt16) {
        phase = .ended
        socket.seal()
        _ = socket.inbox.push(.closed(code: code), cost: 0)
        socket.inbox.finish()
    }

    private func append(_ opcode: WebSocketOpcode, _ payload: [UInt8], to output: inout [UInt8]) {
        let mask = side == .client ? UInt32.random(in: .min ... .max) : nil
        WebSocketFrameEncoder.append(opcode, payload, mask: mask, to: &output)
    }
}
