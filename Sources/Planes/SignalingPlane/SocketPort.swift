import BridgeModel
import Signaling

/// The writing end of one RTM socket, shared by its connection and its session.
final class SocketPort: Sendable {
    let id: SocketID
    private let client: ClientID
    private let writer: SocketWriter

    init(id: SocketID, client: ClientID, transport: any RTMTransport) {
        self.id = id
        self.client = client
        writer = SocketWriter(transport)
    }

    /// True once this side has closed it: what still arrives is not to be acted on.
    var isClosed: Bool { writer.isClosed }

    /// Queues a frame. A reader so slow that the queue is full is closed with 1013 (6.5); its session may be taken up again.
    func send(_ reply: RTMReply, session: SessionID?) {
        guard !isClosed else { return }
        if !writer.send(reply.frame(client: client, session: session)) { close(.tryAgainLater) }
    }

    /// Closes the socket; only the first call counts.
    func close(_ code: CloseCode) { writer.close(code, reason: code.reason) }
}
