package import Bridge
package import BridgeModel

/// One session's signalling life (streamrec contract, 6.3 and 6.4), for both directions: inputs in, effects out, time as a parameter.
///
/// Contract with the shell: inputs come one at a time; service calls are made one after another in the order of their effects and every
/// call but `closePeer` is answered by exactly one outcome; `Input.time` is given when `deadline` is reached. In return `endSession` is
/// called exactly once for a session that was recorded, never for another, and after TERMINATED only latecomers' sockets are closed.
package struct SessionMachine: Sendable {
    package let context: SessionContext
    let limits: SessionLimits
    var state: State
    var line: MessageLine
    /// The socket that replies go to; nil while there is none.
    package internal(set) var owner: SocketID?
    /// The socket that asked for `layers` messages.
    var layerReader: SocketID?
    /// Candidates of the client so far.
    var candidateCount = 0
    private var lastSlot = 0
    private var effects: [Effect] = []

    /// A session in NEW, to which nothing has come yet.
    package init(context: SessionContext, limits: SessionLimits, now: MonotonicTime) {
        self.context = context
        self.limits = limits
        state = .unstarted(Unstarted(expiresAt: now.advanced(by: limits.unstarted)))
        line = MessageLine(capacity: limits.heldMessages)
    }

    /// Takes one input and says what is to be done, in order.
    package mutating func handle(_ input: Input, now: MonotonicTime) -> [Effect] {
        switch input {
        case .request(let request, let socket): receive(request, from: socket, now: now)
        case .fault(let fault, let socket): receive(fault, from: socket, now: now)
        case .socketClosed(let socket, let end): socketClosed(socket, end, now: now)
        case .peer(let slot, let event): peer(slot, event, now: now)
        case .recording(let update): recordingChanged(update)
        case .outcome(let outcome): finish(outcome, now: now)
        case .end(let cause): end(cause, now: now)
        case .time: expire(now: now)
        }
        while let item = line.next() { process(item, now: now) }
        defer { effects.removeAll(keepingCapacity: true) }
        return effects
    }

    /// The state in the contract's words.
    package var phase: SessionPhase {
        switch state {
        case .unstarted: .new
        case .running(let running) where running.detachedAt != nil: .detached
        case .running(let running): running.current.isConnected ? .active : .negotiating
        case .ending: .ending
        case .terminated: .terminated
        }
    }

    /// When `Input.time` is due; nil when nothing is waited for.
    package var deadline: MonotonicTime? {
        switch state {
        case .unstarted(let unstarted): unstarted.opening == nil ? unstarted.expiresAt : nil
        case .running(let running): deadlines(of: running).values.min()
        case .ending(let ending): ending.giveUpAt
        case .terminated: nil
        }
    }

    // MARK: Effects

    /// Sends to the session's socket, if it has one.
    mutating func send(_ reply: RTMReply) {
        guard let owner else { return }
        effects.append(.send(reply, to: owner))
    }

    /// Sends to the socket that a message has just come by, whether or not the session is its.
    mutating func send(_ reply: RTMReply, backTo socket: SocketID) { effects.append(.send(reply, to: socket)) }

    mutating func call(_ call: ServiceCall) { effects.append(.call(call)) }

    mutating func closePeer(_ peer: Peer) {
        guard let id = peer.id else { return }  // its outcome finds no slot, and closes it then
        call(.closePeer(id))
    }

    /// Refuses a message in its turn. While it waited its socket may have gone: then nobody is left to tell.
    mutating func refuse(_ error: RTMError, to kind: RTMRequest.Kind, from socket: SocketID?) {
        guard socket == nil || socket == owner else { return }
        send(.error(error, inReplyTo: kind.rawValue))
    }

    /// Closes a socket; when it was the owner, the session is without one from now on.
    mutating func close(_ socket: SocketID, _ code: CloseCode, now: MonotonicTime) {
        effects.append(.close(socket, code))
        if socket == owner { detach(now: now) }
    }

    /// Closes the owner's socket, where there is one, at or on the way to the end.
    mutating func closeOwner(_ code: CloseCode) {
        guard let owner else { return }
        effects.append(.close(owner, code))
        self.owner = nil
    }

    mutating func detach(now: MonotonicTime) {
        owner = nil
        guard case .running(var running) = state else { return }
        running.detachedAt = now
        state = .running(running)
    }

    /// The last effect of every life.
    mutating func retire(_ retirement: Retirement) {
        state = .terminated
        line.clear()
        effects.append(.retire(retirement))
    }

    mutating func makeSlot() -> PeerSlot {
        lastSlot += 1
        return PeerSlot(lastSlot)
    }
}
