import DequeModule
import Synchronization

/// One open WebSocket, on the server's or the client's side alike. Safe from any thread.
package final class WebSocket: Sendable {
    /// What the peer sends, in order, and `.closed` last. For one reader; while it does not read, the peer is made to wait.
    package let events: AsyncStream<WebSocketEvent>
    let inbox: FlowQueue<WebSocketEvent>
    private let outbox: Mutex<WebSocketOutbox>
    private let host: SocketHost
    private let id: ConnectionID

    init(host: SocketHost, id: ConnectionID, limits: WebServerLimits) {
        self.host = host
        self.id = id
        outbox = Mutex(WebSocketOutbox(frameLimit: limits.webSocketQueueFrames, byteLimit: limits.webSocketQueueBytes))
        // Two whole messages may wait, so that one of the largest does not stop the socket by itself.
        let inbox = FlowQueue<WebSocketEvent>(highWater: 2 * limits.webSocketMessageBytes) {
            host.post { host in host.connection(id)?.resumeReading() }
        }
        self.inbox = inbox
        events = AsyncStream { await inbox.next() }
    }

    /// Queues a text message; false when the socket is closing or closed, or is closed now (1013) because too much is unsent.
    @discardableResult
    package func send(_ text: String) -> Bool { enqueue(.text, Array(text.utf8)) }

    /// Queues a binary message; false as for text.
    @discardableResult
    package func send(_ bytes: [UInt8]) -> Bool { enqueue(.binary, bytes) }

    /// Sends what is queued, then a close frame, and waits for the peer's for a limited time. Later calls do nothing.
    ///
    /// - Parameters:
    ///   - code: 1000 to 1014 without the reserved ones, or 3000 to 4999; anything else is sent as 1000.
    ///   - reason: for people; cut to 123 bytes of UTF-8.
    package func close(code: UInt16, reason: String) {
        let code = WebSocketCloseCode.isSendable(code) ? code : WebSocketCloseCode.normal
        if outbox.withLock({ $0.close(code, reason) }) { wake() }
    }

    private func enqueue(_ opcode: WebSocketOpcode, _ payload: [UInt8]) -> Bool {
        let (isAccepted, mustWake) = outbox.withLock { $0.append(opcode, payload) }
        if mustWake { wake() }
        return isAccepted
    }

    private func wake() {
        host.post { [id] host in
            guard let connection = host.connection(id), let role = connection.role as? WebSocketRole else { return }
            role.drained(on: connection, of: host)
        }
    }

    /// The next frame to send, for the loop; nil when there is none, after which the next frame queued wakes the loop.
    func takeFrame() -> WebSocketOutbox.Frame? { outbox.withLock { $0.take() } }

    /// Refuses all further frames and forgets those not sent.
    func seal() { outbox.withLock { $0.seal() } }
}

/// The frames that wait for one WebSocket.
struct WebSocketOutbox {
    struct Frame {
        let opcode: WebSocketOpcode
        let payload: [UInt8]
        /// The code, when this is a close frame.
        let closeCode: UInt16?
    }

    let frameLimit: Int
    let byteLimit: Int
    private var frames: Deque<Frame> = []
    private var byteCount = 0
    private var isClosing = false
    /// Whether the loop knows that there is something to send.
    private var isAwake = false

    init(frameLimit: Int, byteLimit: Int) {
        self.frameLimit = frameLimit
        self.byteLimit = byteLimit
    }

    /// Whether the frame was taken, and whether the loop must be woken. One too many turns into a close with 1013; a frame for which nothing waits is
    /// taken however long it is.
    mutating func append(_ opcode: WebSocketOpcode, _ payload: [UInt8]) -> (isAccepted: Bool, mustWake: Bool) {
        guard !isClosing else { return (false, false) }
        guard frames.count < frameLimit, frames.isEmpty || byteCount + payload.count <= byteLimit else {
            (frames, byteCount) = ([], 0)
            return (false, close(WebSocketCloseCode.tryAgainLater, "too slow"))
        }
        frames.append(Frame(opcode: opcode, payload: payload, closeCode: nil))
        byteCount += payload.count
        return (true, wake())
    }

    /// Queues the close frame behind what waits; true when the loop must be woken.
    mutating func close(_ code: UInt16, _ reason: String) -> Bool {
        guard !isClosing else { return false }
        isClosing = true
        frames.append(Frame(opcode: .close, payload: WebSocketFrameEncoder.closePayload(code: code, reason: reason), closeCode: code))
        return wake()
    }

    mutating func take() -> Frame? {
        guard let frame = frames.popFirst() else {
            isAwake = false
            return nil
        }
        if frame.closeCode == nil { byteCount -= frame.payload.count }
        return frame
    }

    mutating func seal() {
        isClosing = true
        (frames, byteCount) = ([], 0)
    }

    private mutating func wake() -> Bool {
        defer { isAwake = true }
        return !isAwake
    }
}
