import BridgeModel
import Signaling
import Synchronization

/// The writing end of one RTM socket, shared by its connection and its session.
final class SocketPort: Sendable {
    let id: SocketID
    private let client: ClientID
    private let transport: any RTMTransport
    private let closed = Mutex(false)

    init(id: SocketID, client: ClientID, transport: any RTMTransport) {
        self.id = id
        self.client = client
        self.transport = transport
    }

    /// True once this side has closed it: what still arrives is not to be acted on.
    var isClosed: Bool { closed.withLock { $0 } }

    /// Queues a frame. A reader so slow that the queue is full is closed with 1013 (6.5); its session may be taken up again.
    func send(_ reply: RTMReply, session: SessionID?) {
        guard !isClosed else { return }
        if !transport.send(reply.frame(client: client, session: session).text) { close(.tryAgainLater) }
    }

    /// Closes the socket; only the first call counts.
    func close(_ code: CloseCode) {
        let isFirst = closed.withLock { closed in
            defer { closed = true }
            return !closed
        }
        guard isFirst else { return }
        transport.close(code: code.rawValue, reason: code.reason)
    }
}
