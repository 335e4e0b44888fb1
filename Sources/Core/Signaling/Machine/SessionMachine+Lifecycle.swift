import Bridge
import BridgeModel

/// Sockets that go, deadlines, and the way to TERMINATED (6.4).
extension SessionMachine {
    mutating func socketClosed(_ socket: SocketID, _ end: SocketEnd, now: MonotonicTime) {
        guard socket == owner else { return }
        detach(now: now)
        guard end == .byClient else { return }
        if case .unstarted(let unstarted) = state, unstarted.opening == nil { return }  // it may still come back within its 120 s
        self.end(.clientStop, now: now)
    }

    /// Ends the session for `cause`, unless it is ending already.
    mutating func end(_ cause: TerminationCause, now: MonotonicTime) {
        switch state {
        case .unstarted(var unstarted):
            unstarted.endRequested = unstarted.endRequested ?? cause
            state = .unstarted(unstarted)
            if unstarted.opening == nil { abandon(unstarted) }
        case .running: beginEnding(cause, message: cause.sentence, now: now)
        case .ending, .terminated: return
        }
    }

    /// ENDING: the socket hears of the end when it is durable (6.4 rule 7).
    mutating func beginEnding(_ cause: TerminationCause, message: String, now: MonotonicTime) {
        guard case .running(let running) = state else { return }
        let peers = [running.current.id, running.successor?.id].compactMap { $0 }
        line.clear()
        state = .ending(Ending(cause: cause, message: message, peers: peers, giveUpAt: now.advanced(by: limits.ending)))
        call(.endSession(cause))
    }

    mutating func sessionEnded() {
        guard case .ending(let ending) = state else { return }
        terminate(ending.cause, message: ending.message)
        for peer in ending.peers { call(.closePeer(peer)) }
        retire(.ended)
    }

    /// The end of a session that nobody outside knew of: no row, no webhook.
    mutating func abandon(_ unstarted: Unstarted) {
        let cause = unstarted.endRequested ?? .clientStop
        terminate(cause, message: cause.sentence)
        retire(.ended)
    }

    private mutating func terminate(_ cause: TerminationCause, message: String) {
        send(.sessionTerminated(cause, message: message))
        closeOwner(cause.closeCode)
    }

    // MARK: Deadlines

    /// What a running session waits for.
    enum Wait: Hashable {
        case age, release, negotiation, consent, lastWord, socket, layers
    }

    func deadlines(of running: Running) -> [Wait: MonotonicTime] {
        var waits: [Wait: MonotonicTime] = [.age: running.startedAt.advanced(by: limits.maximumAge)]
        waits[.release] = running.releaseAt
        waits[.socket] = running.detachedAt?.advanced(by: limits.detached)
        waits[.lastWord] = running.brokenOffAt?.advanced(by: limits.lastWord)
        waits[.consent] = running.disconnectedAt?.advanced(by: limits.consent)
        if owner != nil, owner == layerReader { waits[.layers] = running.layers.lookAt }
        if !running.current.isConnected { waits[.negotiation] = running.current.openedAt.advanced(by: limits.negotiation) }
        return waits
    }

    mutating func expire(now: MonotonicTime) {
        switch state {
        case .unstarted(let unstarted): if unstarted.opening == nil, unstarted.expiresAt <= now { discard() }
        case .running(let running): expire(running, now: now)
        case .ending(var ending):
            guard let giveUpAt = ending.giveUpAt, giveUpAt <= now else { return }
            ending.giveUpAt = nil
            state = .ending(ending)
            closeOwner(.internalFault)
        case .terminated: return
        }
    }

    private mutating func expire(_ running: Running, now: MonotonicTime) {
        let due = Set(deadlines(of: running).filter { $0.value <= now }.keys)
        if due.contains(.release) {
            var running = running
            closePeer(running.current)
            running.promote()
            state = .running(running)
        } else if due.contains(.age) {
            end(.maximumDuration, now: now)
        } else if due.contains(.negotiation) || due.contains(.consent) {
            end(.connectionTimeout, now: now)
        } else if due.contains(.lastWord) {
            missLastWord(running, now: now)
        } else if due.contains(.socket) {
            end(.connectionError, now: now)
        } else if due.contains(.layers) {
            lookAtLayers()
        }
    }

    /// NEW for too long: forgotten without a webhook (section 5.2).
    private mutating func discard() {
        let error = RTMError(.sessionNotFound, "the session was not started in time; create a new one")
        send(.error(error, inReplyTo: nil))
        closeOwner(.notFound)
        retire(.expired)
    }
}
