package import Bridge
package import BridgeModel

/// The life of one WHIP or WHEP session (RFC 9725, draft-ietf-wish-whep): inputs in, effects out, time as a parameter.
///
/// Contract with the shell: `open` is the first input and comes once; inputs come one at a time; calls are made one after another in the
/// order of their effects; `Input.time` is given when `deadline` is reached. In return the POST is answered exactly once, every PATCH exactly
/// once, `endSession` is called exactly once for a session that was recorded and never for another, and `retire` is the last effect.
package struct WHIPMachine: Sendable {
    package let context: SessionContext
    let limits: WHIPLimits
    let abilities: PeerAbilities
    /// Of the client, until it is answered; nil: it made none that can be of use.
    private var offer: WHIPOffer?
    /// The engine makes offers, and the client is a viewer.
    let makesOffers: Bool
    var state: State = .opening(Opening())
    private var effects: [Effect] = []

    /// A session of which nothing is asked yet. Without an offer of its client it begins with one of ours. `abilities`: of the engine that will
    /// carry it.
    package init(context: SessionContext, offer: WHIPOffer?, abilities: PeerAbilities, limits: WHIPLimits) {
        self.context = context
        self.offer = offer
        self.abilities = abilities
        makesOffers = abilities.contains(.offers) && context.direction == .watch
        self.limits = limits
    }

    enum State: Sendable {
        case opening(Opening)
        case offered(Offered)
        case running(Running)
        case ending(PeerID)
        case over
    }

    /// Who waits for the opening to come to its end.
    enum Opener: Sendable {
        case post
        case patch(WHIPRequestID, WHEPCounterAnswer)
    }

    /// From the offer to the reply to its POST, or from the answer to our offer to the reply to its PATCH.
    struct Opening: Sendable {
        var opener = Opener.post
        /// The engine was asked for an offer.
        var isOffering = false
        var peer: PeerID?
        var answer: String?
        var isConnected = false
        /// `sessionStarted` is under way.
        var isRecording = false
        /// When the answer is waited for no longer; nil until the engine has taken the offer, and once the answer is there.
        var giveUpAt: MonotonicTime?
        /// What came meanwhile and ends the session.
        var end: (cause: TerminationCause, error: WHIPError)?
    }

    /// Our offer is with the viewer.
    struct Offered: Sendable {
        let peer: PeerID
        let offer: String
        let giveUpAt: MonotonicTime
        /// The answer that the engine has now.
        var pending: (request: WHIPRequestID, answer: WHEPCounterAnswer)?
        /// Asked for meanwhile.
        var isEnding = false
        var isConnected = false
    }

    /// Answered; its URL is known.
    struct Running: Sendable {
        let peer: PeerID
        /// The identifications of its sections, in order.
        let mids: [String]
        /// The video that a viewer gets.
        let videoSections: [ViewedSection]
        let startedAt: MonotonicTime
        var link: Link
        var ice: IceSession
        var rate: MessageRate

        /// Its media was up at some time.
        var wasConnected: Bool {
            if case .connecting = link { false } else { true }
        }
    }

    enum Link: Sendable, Equatable {
        case connecting(since: MonotonicTime)
        case connected
        case disconnected(since: MonotonicTime)
        /// By the client.
        case brokenOff(since: MonotonicTime)
    }

    /// Takes one input and says what is to be done, in order.
    package mutating func handle(_ input: Input, now: MonotonicTime) -> [Effect] {
        switch input {
        case .open: open()
        case .peer(let event): peer(event, now: now)
        case .outcome(let outcome): finish(outcome, now: now)
        case .patch(let change, let condition, let request): patch(change, if: condition, request, now: now)
        case .end(let cause): end(cause)
        case .time: expire(now: now)
        }
        defer { effects.removeAll(keepingCapacity: true) }
        return effects
    }

    /// Where the session stands.
    package var phase: WHIPPhase {
        switch state {
        case .opening: .opening
        case .offered: .offered
        case .running(let running):
            switch running.link {
            case .connecting: .connecting
            case .connected: .connected
            case .disconnected, .brokenOff: .disconnected
            }
        case .ending: .ending
        case .over: .over
        }
    }

    /// When `Input.time` is due; nil when nothing is waited for.
    package var deadline: MonotonicTime? {
        switch state {
        case .opening(let opening): opening.giveUpAt
        case .offered(let offered): offered.pending == nil ? offered.giveUpAt : nil
        case .running(let running): deadlines(of: running).min { $0.at < $1.at }?.at
        case .ending, .over: nil
        }
    }

    /// The peer and its video sections while the session runs: what layers are asked about.
    package var viewing: (peer: PeerID, sections: [ViewedSection])? {
        guard case .running(let running) = state, context.direction == .watch else { return nil }
        return (running.peer, running.videoSections)
    }

    // MARK: Effects

    mutating func call(_ call: Call) { effects.append(.call(call)) }

    mutating func reply(_ request: WHIPRequestID, _ result: Result<WHIPPatchOutcome, WHIPError>) {
        effects.append(.reply(request, result))
    }

    mutating func answer(_ result: Result<WHIPAnswer, WHIPError>, to opener: Opener = .post) {
        switch opener {
        case .post: effects.append(.answer(result))
        case .patch(let request, _): reply(request, result.map { .accepted($0.tag) })
        }
    }

    /// The end of a session that nobody outside knew of: no row, no webhook.
    mutating func abandon(_ error: WHIPError, peer: PeerID?, for opener: Opener = .post) {
        if let peer { call(.closePeer(peer)) }
        answer(.failure(error), to: opener)
        retire()
    }

    mutating func retire() {
        state = .over
        effects.append(.retire)
    }
}

// MARK: - Opening

extension WHIPMachine {
    private mutating func open() {
        guard let offer else {
            state = .opening(Opening(isOffering: true))
            return call(.offerPeer)
        }
        call(.openPeer(offer: offer.received))
    }

    private mutating func finish(_ outcome: Outcome, now: MonotonicTime) {
        switch outcome {
        case .peerOpened(let id): peerOpened(id, now: now)
        case .peerRefused(let error): peerRefused(error)
        case .peerOffered(let offer): peerOffered(offer, now: now)
        case .answerAccepted(let request): answerAccepted(request)
        case .answerRefused(let request, let error): answerRefused(request, error, now: now)
        case .sessionRecorded: sessionRecorded(now: now)
        case .sessionRefused(let error): sessionRefused(error)
        case .restarted(let request, let answer): restarted(request, answer)
        case .restartRefused(let request, let error): restartRefused(request, error)
        case .sessionEnded:
            guard case .ending(let peer) = state else { return }
            call(.closePeer(peer))
            retire()
        }
    }

    private mutating func peerOpened(_ id: PeerID, now: MonotonicTime) {
        guard case .opening(var opening) = state else { return }
        if let end = opening.end { return abandon(end.error, peer: id) }
        opening.peer = id
        opening.giveUpAt = now.advanced(by: limits.answer)
        state = .opening(opening)
        record()
    }

    /// Goes on when both the peer's id and its answer are there, in whichever order they came.
    mutating func record() {
        guard case .opening(var opening) = state, !opening.isRecording, let peer = opening.peer, let answer = opening.answer else { return }
        guard context.direction == .watch || offer?.isTakenWhole(by: answer) ?? false else {
            return abandon(
                .unacceptable("A section of the offer has no codec that the bridge carries, and parts of a stream are not taken."),
                peer: peer)
        }
        opening.isRecording = true
        opening.giveUpAt = nil
        state = .opening(opening)
        call(.recordSession)
    }

    private mutating func sessionRecorded(now: MonotonicTime) {
        guard case .opening(let opening) = state, let peer = opening.peer, let sdp = opening.answer else { return }
        if let end = opening.end {
            answer(.failure(end.error), to: opening.opener)
            return beginEnding(end.cause, peer: peer)
        }
        guard let client = client(of: opening) else { return beginEnding(.internalError, peer: peer) }
        // Its text and all that it says are many times what a session needs to remember.
        offer = nil
        let ice = IceSession(of: context.session, credentials: client.credentials)
        state = .running(
            Running(
                peer: peer, mids: client.mids, videoSections: client.video, startedAt: now,
                link: opening.isConnected ? .connected : .connecting(since: now), ice: ice,
                rate: MessageRate(limits: limits.requests, now: now)))
        answer(.success(WHIPAnswer(context: context, sdp: sdp, tag: ice.tag)), to: opening.opener)
    }

    /// What the client's own description says, be it the offer or the answer.
    private func client(of opening: Opening) -> (credentials: IceParameters, mids: [String], video: [ViewedSection])? {
        switch opening.opener {
        case .post: offer.map { ($0.credentials, $0.mids, WHIPOffer.videoSections(of: opening.answer ?? "")) }
        case .patch(_, let answer): (answer.credentials, answer.mids, answer.videoSections)
        }
    }

    private mutating func sessionRefused(_ error: BridgeError) {
        guard case .opening(let opening) = state else { return }
        // The created session is gone: a newer one of the same client took its place.
        abandon(error.code == .notFound ? .occupied : .bridge(error), peer: opening.peer, for: opening.opener)
    }

    /// Something ends the session before its POST is answered.
    private mutating func interrupt(_ opening: Opening, _ cause: TerminationCause, _ error: WHIPError) {
        var opening = opening
        guard opening.peer == nil || opening.isRecording else { return abandon(error, peer: opening.peer) }
        // A call is under way: its outcome decides what has to be undone.
        if opening.end == nil { opening.end = (cause, error) }
        opening.giveUpAt = nil
        state = .opening(opening)
    }
}

// MARK: - The peer

extension WHIPMachine {
    private mutating func peer(_ event: PeerEvent, now: MonotonicTime) {
        switch state {
        case .opening(let opening): self.opening(opening, event)
        case .offered(let offered): self.offered(offered, event)
        case .running(let running): self.running(running, event, now: now)
        case .ending, .over: return
        }
    }

    private mutating func opening(_ opening: Opening, _ event: PeerEvent) {
        var opening = opening
        switch event {
        case .answer(let sdp):
            opening.answer = sdp
            state = .opening(opening)
            record()
        case .connected, .disconnected:
            opening.isConnected = event == .connected
            state = .opening(opening)
        case .candidate: return  // the answer holds them all (RFC 9725 section 4.3.2)
        case .ended(let error):
            let error = error ?? BridgeError(.connectionLost, "The peer ended before it was answered.")
            interrupt(
                opening, TerminationCause(peerEnd: error, direction: context.direction),
                WHIPError(opening: error, direction: context.direction))
        }
    }

    private mutating func running(_ running: Running, _ event: PeerEvent, now: MonotonicTime) {
        var running = running
        switch event {
        case .answer, .candidate: return
        case .connected: running.link = .connected
        case .disconnected: if running.link == .connected { running.link = .disconnected(since: now) }
        case .ended(let error?) where error.code == .connectionLost && running.wasConnected: running.link = .brokenOff(since: now)
        case .ended(let error): return beginEnding(TerminationCause(peerEnd: error, direction: context.direction), peer: running.peer)
        }
        state = .running(running)
    }
}

// MARK: - The end

extension WHIPMachine {
    private mutating func end(_ cause: TerminationCause) {
        switch state {
        case .opening(let opening):
            let error: WHIPError =
                cause == .replaced ? .occupied : .bridge(BridgeError(.unavailable, "The session was ended before it was answered."))
            interrupt(opening, cause, error)
        case .offered(let offered): withdraw(offered)
        case .running(let running): beginEnding(cause, peer: running.peer)
        case .ending, .over: return
        }
    }

    private mutating func beginEnding(_ cause: TerminationCause, peer: PeerID) {
        state = .ending(peer)
        call(.endSession(cause))
    }

    private func deadlines(of running: Running) -> [(at: MonotonicTime, cause: TerminationCause)] {
        let age = (running.startedAt.advanced(by: limits.maximumAge), TerminationCause.maximumDuration)
        switch running.link {
        case .connecting(let since): return [age, (since.advanced(by: limits.connection), .connectionTimeout)]
        case .disconnected(let since): return [age, (since.advanced(by: limits.consent), .connectionTimeout)]
        case .brokenOff(let since): return [age, (since.advanced(by: limits.lastWord), .connectionError)]
        case .connected: return [age]
        }
    }

    private mutating func expire(now: MonotonicTime) {
        switch state {
        case .opening(let opening):
            guard let giveUpAt = opening.giveUpAt, giveUpAt <= now else { return }
            interrupt(
                opening, .connectionTimeout, .bridge(BridgeError(.unavailable, "The media engine did not answer in time; try again.")))
        case .offered(let offered):
            if offered.pending == nil, offered.giveUpAt <= now { withdraw(offered) }
        case .running(let running):
            guard let due = deadlines(of: running).filter({ $0.at <= now }).min(by: { $0.at < $1.at }) else { return }
            beginEnding(due.cause, peer: running.peer)
        case .ending, .over: return
        }
    }
}
