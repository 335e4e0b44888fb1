import BridgeModel
import Signaling
import Synchronization

/// What goes out by one socket, whoever sends it.
final class SocketWriter: Sendable {
    private let transport: any RTMTransport
    private let closed = Mutex(false)

    init(_ transport: any RTMTransport) { self.transport = transport }

    /// True once this side has closed it: what still arrives is not to be acted on.
    var isClosed: Bool { closed.withLock { $0 } }

    /// Queues a frame; false when the queue is full.
    func send(_ frame: JSONValue) -> Bool { isClosed || transport.send(frame.text) }

    /// Closes the socket; only the first call counts.
    func close(_ code: CloseCode, reason: String) {
        let isFirst = closed.withLock { closed in
            defer { closed = true }
            return !closed
        }
        guard isFirst else { return }
        transport.close(code: code.rawValue, reason: reason)
    }
}
