/// What a product plugs into a `WebServer`: a reply to each request, and a decision on each WebSocket.
///
/// Both are called in a task of their own per request, off the server's loop: a slow handler delays nobody else. The task is
/// cancelled when the peer is lost.
package protocol WebHandler: Sendable {
    /// The reply to an ordinary request.
    func respond(to request: WebRequest) async -> WebResponse
    /// Whether a well-formed WebSocket handshake becomes a socket.
    func webSocketDecision(for request: WebRequest) async -> WebSocketDecision
}

/// The answer to a WebSocket handshake.
package enum WebSocketDecision: Sendable {
    /// An ordinary HTTP reply instead of 101.
    case refuse(WebResponse)
    /// 101; then `serve` runs with the open socket. When it returns, the socket is closed with 1000 unless it is closing already.
    case accept(serve: @Sendable (WebSocket) async -> Void)
}
