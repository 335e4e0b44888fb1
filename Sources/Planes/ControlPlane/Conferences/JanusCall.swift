internal import Bridge
internal import BridgeModel
internal import SDP

/// A session at somebody else's Janus server, with a publisher in a room.
actor JanusCall: ConferenceCall, ConferenceVoices {
    /// One request and its reply.
    private static let patience = Duration.seconds(10)
    /// A poll, which the server may keep for 30 s.
    private static let pollPatience = Duration.seconds(40)
    /// Servers end sessions that are silent for their `session_timeout`, which is 60 s unless somebody changed it.
    private static let keepAlivePause = Duration.seconds(15)
    /// Polls in a row that may fail: the server, or the way to it, may be back in a moment, and media may go another way.
    private static let lostPolls = 3
    private static let lostPollPause = Duration.seconds(1)
    /// Until the answer to another ICE session.
    private static let restartPatience = Duration.seconds(3)

    private var exchange: JanusExchange
    private var resource: Redacted<String>?
    private let http: any OutgoingCalls
    private let clock: BridgeClock
    private var isStopped = false
    private var polling: Task<Result<OutgoingReply, AttemptFault>, Never>?
    /// Of the ICE session that is asked for.
    private var restarts: AsyncStream<IceRestartAnswer>.Continuation?
    nonisolated let offers: AsyncStream<ConferenceVoice>
    private nonisolated let voiceNews: AsyncStream<ConferenceVoice>.Continuation
    private let hearsOthers: Bool
    /// What is asked for voices, one after the other.
    private var asking: Task<Void, Never>?
    private var timers: (keepAlive: Task<Void, Never>?, voices: Task<Void, Never>?)

    init(_ exchange: JanusExchange, resource: Redacted<String>?, http: any OutgoingCalls, clock: BridgeClock) {
        self.exchange = exchange
        self.resource = resource
        self.http = http
        self.clock = clock
        hearsOthers = exchange.hearsOthers
        (offers, voiceNews) = AsyncStream.makeStream()
    }

    func join(_ offer: String) async throws(ConferenceFault) -> ConferenceAnswer {
        var call = try exchange.join(offer)
        while true {
            switch try await take(call) {
            case .ask(let next): call = next
            case .answered(let answer): return answer
            }
        }
    }

    func attend() async throws(ConferenceFault) {
        guard !isStopped else { return }
        timers.keepAlive = Task { [weak self, clock] in
            while (try? await clock.pause(Self.keepAlivePause)) != nil { await self?.keepAlive() }
        }
        while !isStopped { _ = try await take(exchange.poll()) }
    }

    func restart(_ request: IceRestartRequest) async -> IceRestartAnswer? {
        guard !isStopped, let call = try? exchange.restart(request) else { return nil }
        let (answers, inbox) = AsyncStream.makeStream(of: IceRestartAnswer.self)
        restarts?.finish()
        restarts = inbox
        let limit = Task { [clock] in
            _ = try? await clock.pause(Self.restartPatience)
            inbox.finish()
        }
        defer { limit.cancel() }
        guard case .success = await http.call(call, within: Self.restartPatience) else { return nil }
        for await answer in answers { return answer }
        return nil
    }

    func stop() {
        isStopped = true
        restarts?.finish()
        polling?.cancel()
        timers.keepAlive?.cancel()
        timers.voices?.cancel()
        voiceNews.finish()
    }

    func leave() async {
        stop()
        guard let resource, let call = exchange.end(resource) else { return }
        self.resource = nil
        await http.farewell(call, within: Self.patience, clock: clock)
    }

    /// One request and what its reply means.
    private func take(_ call: OutgoingCall) async throws(ConferenceFault) -> JanusExchange.Step {
        let result = call.method == "GET" ? await poll(call) : await http.call(call, within: Self.patience)
        switch result {
        case .failure(let fault): throw ConferenceFault(fault)
        case .success(let reply):
            // Also of a reply that is of no use otherwise, and of one that comes too late.
            defer { resource = exchange.resource }
            let step = try exchange.take(reply, now: clock.now(), wall: clock.wall())
            guard !isStopped else { throw Self.stopped }
            try follow()
            if let answer = exchange.takeRestart() { restarts?.yield(answer) }
            return step
        }
    }

    private func poll(_ call: OutgoingCall) async -> Result<OutgoingReply, AttemptFault> {
        for _ in 1..<Self.lostPolls {
            let result = await pollOnce(call)
            guard case .failure = result, !isStopped, (try? await clock.pause(Self.lostPollPause)) != nil else { return result }
        }
        return await pollOnce(call)
    }

    private func pollOnce(_ call: OutgoingCall) async -> Result<OutgoingReply, AttemptFault> {
        guard !isStopped else { return .failure(.connectionLost) }
        let task = Task { [http] in await http.call(call, within: Self.pollPatience) }
        polling = task
        defer { polling = nil }
        return await task.value
    }

    /// What comes of it is for the polls to hear.
    private func keepAlive() async {
        guard !isStopped, let call = try? exchange.keepAlive() else { return }
        _ = await http.call(call, within: Self.patience)
    }

    // MARK: - Others

    nonisolated var voices: (any ConferenceVoices)? { hearsOthers ? self : nil }

    func answer(_ voice: VoiceNumber, _ sdp: String) { change { $0.answered(voice, sdp: sdp) } }

    func connected(_ voice: VoiceNumber) { change { $0.connected(voice) } }

    func lost(_ voice: VoiceNumber) { change { [now = clock.now()] in $0.lost(voice, now: now) } }

    func restart() { change { $0.restartVoices() } }

    private func change(_ body: (inout JanusExchange) -> Void) {
        guard !isStopped else { return }
        body(&exchange)
        // A URL that cannot be made of the target's would have ended the session before.
        try? follow()
    }

    /// Tells and asks what has come together.
    private func follow() throws(ConferenceFault) {
        for step in try exchange.takeVoiceSteps() {
            switch step {
            case .offered(let number, let sdp): voiceNews.yield(.offered(number, sdp: sdp))
            case .ended(let number): voiceNews.yield(.ended(number))
            case .ask(let call, let number):
                let former = asking
                asking = Task { [weak self] in
                    await former?.value
                    await self?.ask(call, of: number)
                }
            }
        }
        armTimer()
    }

    private func armTimer() {
        timers.voices?.cancel()
        timers.voices = exchange.voicesDeadline.map { deadline in
            Task { [weak self, clock] in
                guard (try? await clock.sleep(deadline)) != nil else { return }
                await self?.change { $0.expireVoices(now: clock.now()) }
            }
        }
    }

    /// The session's end takes all of them away: what is not asked by then needs not be.
    private func ask(_ call: OutgoingCall, of number: VoiceNumber?) async {
        guard !isStopped else { return }
        let result = await http.call(call, within: Self.patience)
        guard let number else { return }
        change { [now = clock.now()] in $0.take(try? result.get(), of: number, now: now) }
    }

    private static let stopped = ConferenceFault(BridgeError(.connectionLost, "The session was given up."))
}
