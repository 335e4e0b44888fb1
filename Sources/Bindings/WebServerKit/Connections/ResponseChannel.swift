/// A handler's way back to its exchange on the loop. All calls are void once the exchange is over.
struct ResponseChannel: Sendable {
    let host: SocketHost
    let connection: ConnectionID
    let number: UInt

    /// Ends the connection after the response that follows, whatever the client wants.
    func closeWhenDone() {
        withExchange { exchange, _, _, _ in exchange.mustClose = true }
    }

    /// Sends a whole response: its head without the empty line, and its body.
    func send(head: [UInt8], framing: ResponseFraming, body: [UInt8]) {
        withExchange { exchange, role, connection, host in
            guard var wire = exchange.begin(head: head, framing: framing) else { return }
            wire += body
            connection.write(wire)
            role.completed(exchange, on: connection, of: host)
        }
    }

    /// Sends the head of a response whose body follows in parts.
    func begin(head: [UInt8], framing: ResponseFraming) {
        withExchange { exchange, _, connection, _ in
            if let wire = exchange.begin(head: head, framing: framing) { connection.write(wire) }
        }
    }

    /// Sends a part of the body and waits until there is room for another; false when the peer is gone.
    func write(_ content: [UInt8]) async -> Bool {
        await withCheckedContinuation { continuation in
            host.post { host in
                guard let (exchange, _, connection) = find(in: host) else { return continuation.resume(returning: false) }
                connection.write(exchange.frame(content))
                exchange.suspendWriter(continuation, unwritten: connection.unwritten)
            }
        }
    }

    /// Ends a response that was sent in parts.
    func finish() {
        withExchange { exchange, role, connection, host in
            connection.write(exchange.frameEnd())
            role.completed(exchange, on: connection, of: host)
        }
    }

    /// Breaks the connection off, because the body cannot be sent as its head has promised.
    func abort() {
        withExchange { _, _, connection, _ in connection.drop() }
    }

    /// Lets the client send its body.
    func sendContinue() {
        withExchange { exchange, _, connection, _ in
            if let wire = exchange.takeContinue() { connection.write(wire) }
        }
    }

    /// The reader of the body has caught up.
    func resumeBody() {
        withExchange { _, _, connection, _ in connection.resumeReading() }
    }

    /// Turns the connection into a WebSocket; nil when the peer is gone.
    func upgrade(key: String) async -> WebSocket? {
        await withCheckedContinuation { continuation in
            host.post { host in
                guard let (_, role, connection) = find(in: host) else { return continuation.resume(returning: nil) }
                let early = role.upgrade()
                connection.write(WebSocketHandshake.response(for: key))
                continuation.resume(returning: WebSocketRole.take(over: connection, side: .server, early: early, of: host))
            }
        }
    }

    private func withExchange(_ body: @escaping @Sendable (HTTPExchange, HTTPServerRole, Connection, isolated SocketHost) -> Void) {
        host.post { host in
            if let (exchange, role, connection) = find(in: host) { body(exchange, role, connection, host) }
        }
    }

    private func find(in host: isolated SocketHost) -> (HTTPExchange, HTTPServerRole, Connection)? {
        guard let connection = host.connection(connection), let role = connection.role as? HTTPServerRole else { return nil }
        return role.exchange(number).map { ($0, role, connection) }
    }
}
