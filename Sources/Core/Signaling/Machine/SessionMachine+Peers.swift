import Bridge
import BridgeModel
import SDP

/// What the media side reports, and what came of the calls.
extension SessionMachine {
    mutating func peer(_ slot: PeerSlot, _ event: PeerEvent, now: MonotonicTime) {
        switch state {
        case .unstarted(var unstarted):
            guard unstarted.opening?.peer.slot == slot else { return }
            unstarted.opening?.peer.note(event)
            state = .unstarted(unstarted)
        case .running(var running):
            if running.current.slot == slot {
                running.current.note(event)
                state = .running(running)
                currentPeer(event, now: now)
            } else if running.successor?.slot == slot {
                running.successor?.note(event)
                state = .running(running)
                successor(event, now: now)
            }
        case .ending, .terminated: return
        }
    }

    private mutating func currentPeer(_ event: PeerEvent, now: MonotonicTime) {
        guard case .running(var running) = state else { return }
        switch event {
        case .answer: sendAnswer(of: running.current)
        case .candidate: sendCandidates(of: running.current)
        case .connected:
            running.disconnectedAt = nil
            if running.layers.told == nil { running.layers.lookAt = now }
            state = .running(running)
        case .disconnected:
            running.disconnectedAt = running.disconnectedAt ?? now
            state = .running(running)
        case .ended(let error):
            if running.successor != nil {
                running.promote()
            } else if error?.code == .connectionLost, running.current.isConnected, owner != nil {
                running.brokenOffAt = now
            } else {
                return endForPeer(error, now: now)
            }
            state = .running(running)
        }
    }

    private mutating func successor(_ event: PeerEvent, now: MonotonicTime) {
        guard case .running(var running) = state, let peer = running.successor else { return }
        switch event {
        case .answer: sendAnswer(of: peer)
        case .candidate: sendCandidates(of: peer)
        case .connected:
            closePeer(running.current)
            running.promote()
            running.layers.lookAt = now
            state = .running(running)
        case .disconnected: return  // the transition's own deadline sees to it
        case .ended:
            running.dropSuccessor()
            state = .running(running)
            refuse(RTMError(.internal, "the new peer failed; the former one goes on"), to: .sessionStart, from: nil)
            if line.hold == .answer(peer.slot) { line.hold = nil }
        }
    }

    /// The client that broke its media off has said nothing: its session ends, unless another peer of it has come.
    mutating func missLastWord(_ running: Running, now: MonotonicTime) {
        guard running.successor != nil else { return endForPeer(running.current.end?.error, now: now) }
        var running = running
        running.promote()
        state = .running(running)
    }

    private mutating func endForPeer(_ error: BridgeError?, now: MonotonicTime) {
        let cause = TerminationCause(peerEnd: error, direction: context.direction)
        beginEnding(cause, message: error?.message ?? cause.sentence, now: now)
    }

    /// Sends the answer when its turn has come, and lets the line go on.
    private mutating func sendAnswer(of peer: Peer) {
        guard let answer = peer.answer, line.hold == .answer(peer.slot) else { return }
        send(.answer(sdp: answer))
        line.hold = nil
        sendCandidates(of: peer)
    }

    /// Candidates follow the answer, never precede it.
    private mutating func sendCandidates(of peer: Peer) {
        guard peer.answer != nil, line.hold != .answer(peer.slot), case .running(var running) = state, running.newest.slot == peer.slot
        else { return }
        for candidate in peer.unsentCandidates { send(.candidate(candidate)) }
        running.newest.unsentCandidates = []
        state = .running(running)
    }

    // MARK: Outcomes

    mutating func finish(_ outcome: ServiceOutcome, now: MonotonicTime) {
        switch outcome {
        case .peerOpened(let slot, let id): peerOpened(slot, id)
        case .peerRefused(let slot, let error): peerRefused(slot, error, now: now)
        case .sessionRecorded: sessionRecorded(now: now)
        case .sessionRefused(let error): sessionRefused(error, now: now)
        case .candidateApplied: releaseLine()
        case .candidateRefused(let error): releaseLine(refusing: RTMError(candidate: error))
        case .peerRestarted(let id, let answer): peerRestarted(id, answer)
        case .restartRefused(let id, let error): restartRefused(id, error)
        case .recordingStarted(let id): recordingStarted(id)
        case .recordingRefused(let error):
            setRecording { $0.isStarting = false }
            releaseLine(refusing: RTMError(recording: error))
        case .recordingStopping(let id):
            setRecording { if $0.active == id { $0.active = nil } }
            releaseLine()
        case .stopRefused(let id, let error):
            if error.code == .notFound { setRecording { if $0.active == id { $0.active = nil } } }
            releaseLine(refusing: RTMError(stopping: error))
        case .layersRead(let layers, let peer): layersRead(layers, of: peer, now: now)
        case .layerSelected(let choice, let layers): layerSelected(choice, layers)
        case .layerRefused(let error): releaseLine(refusing: RTMError(selecting: error))
        case .sessionEnded: sessionEnded()
        }
    }

    /// The line's call is answered; an error goes to whoever made it, or to the owner.
    mutating func releaseLine(refusing error: RTMError? = nil) {
        guard case .outcome(let kind, let socket) = line.hold else { return }
        line.hold = nil
        if let error { refuse(error, to: kind, from: socket) }
    }

    private mutating func peerOpened(_ slot: PeerSlot, _ id: PeerID) {
        switch state {
        case .unstarted(var unstarted) where unstarted.opening?.peer.slot == slot:
            guard unstarted.endRequested == nil else {
                call(.closePeer(id))
                return abandon(unstarted)
            }
            unstarted.opening?.peer.id = id
            state = .unstarted(unstarted)
            call(.recordSession(webhookURL: unstarted.opening?.webhookURL))
        case .running(var running) where running.newest.slot == slot:
            running.newest.id = id
            state = .running(running)
            line.hold = .answer(slot)
            sendAnswer(of: running.newest)
        default:
            call(.closePeer(id))
            releaseLine()
        }
    }

    private mutating func peerRestarted(_ id: PeerID, _ restart: IceRestartAnswer) {
        guard case .running(var running) = state, running.newest.id == id, let former = running.newest.answer,
            let answer = IceRestart.renewed(former, with: restart.credentials, candidates: restart.candidates)
        else { return releaseLine() }
        running.newest.answer = answer
        state = .running(running)
        send(.answer(sdp: answer))
        releaseLine()
    }

    /// The former ICE session goes on.
    private mutating func restartRefused(_ id: PeerID, _ error: BridgeError) {
        if case .running(var running) = state, running.newest.id == id {
            running.newest.restartOffer = nil
            state = .running(running)
        }
        releaseLine(refusing: RTMError(restart: error))
    }

    private mutating func peerRefused(_ slot: PeerSlot, _ error: BridgeError, now: MonotonicTime) {
        switch state {
        case .unstarted(var unstarted):
            unstarted.opening = nil
            state = .unstarted(unstarted)
            guard unstarted.endRequested == nil else { return abandon(unstarted) }
        case .running(var running) where running.successor?.slot == slot:
            running.dropSuccessor()
            state = .running(running)
        case .running(let running) where running.current.slot == slot: return endForPeer(error, now: now)
        case .running, .ending, .terminated: break
        }
        refuseOpening(RTMError(offer: error, direction: context.direction), now: now)
    }

    private mutating func refuseOpening(_ error: RTMError, now: MonotonicTime) {
        guard case .outcome(_, let socket) = line.hold else { return }
        releaseLine(refusing: error)
        guard let socket, socket == owner, error.code == .noActiveSession || error.code == .sessionNotFound else { return }
        close(socket, .notFound, now: now)
    }

    private mutating func sessionRecorded(now: MonotonicTime) {
        guard case .unstarted(let unstarted) = state, let opening = unstarted.opening else { return }
        let peer = opening.peer
        state = .running(Running(current: peer, startedAt: now, detachedAt: owner == nil ? now : nil))
        line.hold = .answer(peer.slot)
        line.prepend(unstarted.candidates)
        if let cause = unstarted.endRequested { return beginEnding(cause, message: cause.sentence, now: now) }
        sendAnswer(of: peer)
        if let end = peer.end { endForPeer(end.error, now: now) }
    }

    private mutating func sessionRefused(_ error: BridgeError, now: MonotonicTime) {
        guard case .unstarted(var unstarted) = state, let opening = unstarted.opening else { return }
        closePeer(opening.peer)
        unstarted.opening = nil
        state = .unstarted(unstarted)
        guard unstarted.endRequested == nil else { return abandon(unstarted) }
        refuseOpening(RTMError(recordingSession: error), now: now)
        if error.code == .notFound { retire(.expired) }
    }

    // MARK: Recordings

    mutating func recordingChanged(_ update: RecordingUpdate) {
        switch state {
        case .running(let running):
            if update.state.isPastRecording {
                setRecording {
                    if $0.active == update.recording { $0.active = nil }
                    if $0.isStarting { $0.overBeforeStart = update.recording }
                }
            }
            // While media flows the first report is `recording`, at the first keyframe (6.4 rule 8); `armed` answers in NEGOTIATING.
            guard update.state != .armed || !running.current.isConnected else { return }
            send(.recordingState(update))
        case .ending: send(.recordingState(update))
        case .unstarted, .terminated: return
        }
    }

    private mutating func recordingStarted(_ id: RecordingID) {
        setRecording {
            $0.active = $0.overBeforeStart == id ? nil : id
            $0.isStarting = false
            $0.overBeforeStart = nil
        }
        releaseLine()
    }

    private mutating func setRecording(_ change: (inout RecordingSlot) -> Void) {
        guard case .running(var running) = state else { return }
        change(&running.recording)
        state = .running(running)
    }
}

extension SessionMachine.Peer {
    /// Remembers what an event says about the peer itself.
    mutating func note(_ event: PeerEvent) {
        switch event {
        case .answer(let sdp): answer = sdp
        case .candidate(let candidate): if unsentCandidates.count < 64 { unsentCandidates.append(candidate) }
        case .connected: isConnected = true
        case .disconnected: break
        case .ended(let error): end = SessionMachine.PeerEnd(error: error)
        }
    }
}

extension RecordingState {
    /// The file takes no more media: another recording may begin.
    fileprivate var isPastRecording: Bool {
        !isRunning
    }
}
