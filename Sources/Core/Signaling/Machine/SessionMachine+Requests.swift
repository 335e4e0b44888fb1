import Bridge
import BridgeModel
import SDP

/// What a client's messages do: one function for each row of 6.3.
extension SessionMachine {
    mutating func receive(_ request: RTMRequest, from socket: SocketID, now: MonotonicTime) {
        switch state {
        case .unstarted, .running:
            attach(socket, now: now)
            guard line.append(.request(request, from: socket)) else {
                let error = RTMError(.rateLimited, "too many messages wait for their turn; this one was dropped")
                return refuse(error, to: request.kind, from: socket)
            }
        case .ending: receiveWhileEnding(request, from: socket, now: now)
        case .terminated: refuseEnded(request.kind, from: socket, closing: true, now: now)
        }
    }

    mutating func receive(_ fault: RTMFault, from socket: SocketID, now: MonotonicTime) {
        guard socket == owner, fault.close == nil, line.append(.fault(fault, from: socket)) else {
            send(fault.reply, backTo: socket)
            if let code = fault.close { close(socket, code, now: now) }
            return
        }
    }

    /// A valid message takes the session over (6.4 rule 6); media is untouched.
    private mutating func attach(_ socket: SocketID, now: MonotonicTime) {
        guard socket != owner else { return }
        if let owner { close(owner, .takenOver, now: now) }
        owner = socket
        guard case .running(var running) = state else { return }
        running.detachedAt = nil
        state = .running(running)
    }

    private mutating func receiveWhileEnding(_ request: RTMRequest, from socket: SocketID, now: MonotonicTime) {
        switch request {
        case .candidate: return
        case .sessionStop: attach(socket, now: now)  // it hears `session_terminated` when the end is durable
        case .sessionStart, .supervisorJoin: refuseEnded(request.kind, from: socket, closing: true, now: now)
        case .descriptionUpdate, .recordingStart, .recordingStop, .layerSelect:
            refuseEnded(request.kind, from: socket, closing: socket != owner, now: now)
        }
    }

    private mutating func refuseEnded(_ kind: RTMRequest.Kind, from socket: SocketID, closing: Bool, now: MonotonicTime) {
        let error = RTMError(.sessionEnded, "the session has ended; create a new one")
        send(.error(error, inReplyTo: kind.rawValue), backTo: socket)
        if closing { close(socket, .sessionEnded, now: now) }
    }

    /// A message whose turn has come, in NEW or while running.
    mutating func process(_ item: MessageLine.Item, now: MonotonicTime) {
        switch item {
        case .fault(let fault, let socket): if socket == owner { send(fault.reply) }
        case .buffered(let candidate): apply(candidate, from: nil)
        case .request(let request, let socket):
            switch request {
            case .sessionStart(let opening), .supervisorJoin(let opening, _): open(opening, request.kind, from: socket, now: now)
            case .descriptionUpdate(let description): update(description, from: socket)
            case .candidate(let candidate): add(candidate, from: socket)
            case .recordingStart(let order): startRecording(order, from: socket)
            case .recordingStop(let recording): stopRecording(recording, from: socket)
            case .layerSelect(let choice): selectLayer(choice, from: socket)
            case .sessionStop: end(.clientStop, now: now)
            }
        }
    }

    // MARK: session_start, supervisor_join_session

    private mutating func open(_ opening: SessionOpening, _ kind: RTMRequest.Kind, from socket: SocketID, now: MonotonicTime) {
        readLayers(opening.wantsLayers, by: socket)
        switch state {
        case .unstarted(var unstarted):
            let peer = Peer(slot: makeSlot(), socket: socket, offer: opening.offer, openedAt: now)
            unstarted.opening = Opening(peer: peer, webhookURL: opening.webhookURL)
            state = .unstarted(unstarted)
            openPeer(peer, kind)
        case .running(var running):
            if running.newest.offer == opening.offer { return repeatAnswer(of: running.newest, to: socket) }
            guard running.newest.socket != socket else {
                return refuse(RTMError(.alreadyStarted, "the session has started with another offer"), to: kind, from: socket)
            }
            if let superseded = running.successor { closePeer(superseded) }
            let peer = Peer(slot: makeSlot(), socket: socket, offer: opening.offer, openedAt: now)
            running.successor = peer
            running.releaseAt = now.advanced(by: limits.transition)
            state = .running(running)
            openPeer(peer, kind)
        case .ending, .terminated: return  // messages do not come as far as here then
        }
    }

    private mutating func openPeer(_ peer: Peer, _ kind: RTMRequest.Kind) {
        line.hold = .outcome(of: kind, from: peer.socket)
        call(.openPeer(peer.slot, offer: peer.offer))
    }

    private mutating func repeatAnswer(of peer: Peer, to socket: SocketID) {
        guard let answer = peer.answer, socket == owner else { return }  // the line is held until there is an answer
        send(.answer(sdp: answer))
    }

    // MARK: sdp_update

    private mutating func update(_ description: SessionDescription, from socket: SocketID) {
        guard case .running(let running) = state else {
            return refuse(RTMError(.notStarted, "session_start comes first"), to: .descriptionUpdate, from: socket)
        }
        switch description.kind {
        case .answer:
            refuse(RTMError(.unexpectedAnswer, "the bridge has made no offer"), to: .descriptionUpdate, from: socket)
        case .offer where description.sdp == running.newest.offer || description.sdp == running.newest.restartOffer:
            repeatAnswer(of: running.newest, to: socket)
        case .offer: restart(running, by: description.sdp, from: socket)
        }
    }

    private mutating func restart(_ running: Running, by offer: String, from socket: SocketID) {
        let peer = running.newest
        guard let id = peer.id, let restart = IceRestart(of: peer.restartOffer ?? peer.offer, by: offer) else {
            let error = RTMError(
                .unacceptableOffer, "only ICE can be negotiated again; send session_start over a new socket to change the media",
                field: "data.sdp")
            return refuse(error, to: .descriptionUpdate, from: socket)
        }
        var running = running
        running.newest.restartOffer = offer
        state = .running(running)
        line.hold = .outcome(of: .descriptionUpdate, from: socket)
        call(.restartPeer(id, IceRestartOffer(credentials: restart.credentials, candidates: [])))
    }

    // MARK: candidate

    private mutating func add(_ candidate: IceCandidate, from socket: SocketID) {
        guard candidate.isEnd || candidateCount < limits.candidates else { return refuseCandidate(from: socket) }
        if case .unstarted(var unstarted) = state {
            guard unstarted.candidates.count < limits.bufferedCandidates else { return refuseCandidate(from: socket) }
            unstarted.candidates.append(candidate)
            state = .unstarted(unstarted)
        } else {
            apply(candidate, from: socket)
        }
        if !candidate.isEnd { candidateCount += 1 }
    }

    private mutating func apply(_ candidate: IceCandidate, from socket: SocketID?) {
        guard case .running(let running) = state, let peer = running.newest.id else { return }
        line.hold = .outcome(of: .candidate, from: socket)
        call(.addCandidate(candidate, to: peer))
    }

    private mutating func refuseCandidate(from socket: SocketID) {
        refuse(RTMError(.tooManyCandidates, "the session has enough candidates; this one was dropped"), to: .candidate, from: socket)
    }

    // MARK: recording_start, recording_stop

    private mutating func startRecording(_ order: RecordingStart, from socket: SocketID) {
        guard context.direction == .publish else {
            return refuse(RTMError(.wrongRole, "a watching session records nothing"), to: .recordingStart, from: socket)
        }
        guard case .running(var running) = state else {
            return refuse(RTMError(.notStarted, "session_start comes first"), to: .recordingStart, from: socket)
        }
        guard running.recording.active == nil else {
            return refuse(RTMError(.recordingActive, "a recording is running; stop it first"), to: .recordingStart, from: socket)
        }
        running.recording.isStarting = true
        state = .running(running)
        line.hold = .outcome(of: .recordingStart, from: socket)
        call(.startRecording(order))
    }

    private mutating func stopRecording(_ recording: RecordingID?, from socket: SocketID) {
        guard case .running(let running) = state, let active = running.recording.active else {
            return refuse(RTMError(.noRecording, "no recording is running"), to: .recordingStop, from: socket)
        }
        guard recording == nil || recording == active else {
            let error = RTMError(.recordingNotFound, "another recording is running", field: "data.rec_id")
            return refuse(error, to: .recordingStop, from: socket)
        }
        line.hold = .outcome(of: .recordingStop, from: socket)
        call(.stopRecording(active))
    }
}
