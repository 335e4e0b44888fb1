package import WebServerKit

/// A WebSocket as signalling needs it; in tests, a pair of arrays.
package protocol RTMTransport: Sendable {
    /// Everything that arrives, in order; ends with `closed`.
    var events: AsyncStream<WebSocketEvent> { get }
    /// Queues a text frame; false when the queue is full or the socket is closed, and then nothing was queued. Thread-safe.
    func send(_ text: String) -> Bool
    /// Sends what is queued, then a close frame. Thread-safe; the second call does nothing.
    func close(code: UInt16, reason: String)
}

extension WebSocket: RTMTransport {}
