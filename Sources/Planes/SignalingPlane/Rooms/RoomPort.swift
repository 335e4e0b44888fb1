import Bridge
import BridgeModel
import Signaling
import Synchronization

/// The writing end of one room socket: puts what the room tells into frames, and knows which frame of the client is being answered.
final class RoomPort: Sendable {
    private struct State {
        /// The frame that the room has in hand.
        var current: RoomFrame.Name?
        /// The socket has come in, or waits to be let in.
        var hasJoined = false
        /// The room has said that it is done with the socket.
        var isDismissed = false
    }

    private let writer: SocketWriter
    private let state = Mutex(State())

    init(_ transport: any RTMTransport) { writer = SocketWriter(transport) }

    var isClosed: Bool { writer.isClosed }
    var hasJoined: Bool { state.withLock { $0.hasJoined } }
    var isDismissed: Bool { state.withLock { $0.isDismissed } }

    // MARK: What the room tells

    /// Puts an event into a frame; in the order of the calls.
    func tell(_ event: RoomSocketEvent) {
        switch event {
        case .notice(.refused(let error)): refuse(RoomRefusal(error), takeCurrent())
        case .failed(let error): refuse(RoomRefusal(error), takeCurrent())
        case .notice(let notice):
            if notice.letsIn { state.withLock { $0.hasJoined = true } }
            send(RoomMessage.frame(notice))
        case .publishAnswer(let sdp): send(RoomMessage.answer(sdp))
        case .subscribeOffer(let sdp, let tracks): send(RoomMessage.offer(sdp, tracks: tracks))
        case .peer(let kind, let peerState): send(RoomMessage.peer(kind, peerState))
        case .closed(let end):
            state.withLock { $0.isDismissed = true }
            close(CloseCode(end))
        }
    }

    // MARK: Replies to frames

    /// The room has this frame in hand: a refusal that it tells from now on is this frame's.
    func begin(_ name: RoomFrame.Name) { state.withLock { $0.current = name } }

    /// The room is through with the frame.
    func finish() {
        guard let name = takeCurrent(), name.reference != nil else { return }
        send(RoomMessage.done(name))
    }

    /// What became of a frame that others did not wait for; nil: it is done.
    func settle(_ name: RoomFrame.Name, _ event: RoomSocketEvent?) {
        switch event {
        case .notice(.refused(let error)): refuse(RoomRefusal(error), name)
        case .failed(let error): refuse(RoomRefusal(error), name)
        case nil: if name.reference != nil { send(RoomMessage.done(name)) }
        case let event?: tell(event)
        }
    }

    /// Tells that something was refused; without a name, nothing in particular.
    func refuse(_ refusal: RoomRefusal, _ name: RoomFrame.Name?) { send(RoomMessage.frame(refusal, of: name ?? RoomFrame.Name())) }

    /// Closes the socket; only the first call counts.
    func close(_ code: CloseCode) { writer.close(code, reason: code.reasonInRoom) }

    private func takeCurrent() -> RoomFrame.Name? {
        state.withLock { state in
            defer { state.current = nil }
            return state.current
        }
    }

    /// A reader so slow that the queue is full is closed with 1013; it may come again and keeps its place meanwhile.
    private func send(_ frame: JSONValue) {
        if !writer.send(frame) { close(.tryAgainLater) }
    }
}

extension RoomNotice {
    fileprivate var letsIn: Bool {
        switch self {
        case .welcome, .waiting: true
        default: false
        }
    }
}
