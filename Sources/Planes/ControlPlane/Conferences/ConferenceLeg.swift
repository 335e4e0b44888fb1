internal import Bridge
internal import BridgeModel
internal import LinuxIO
internal import SDP

/// One session of a stream in a conference elsewhere: a child that offers, the call that brings its offer there, and what ends both.
///
/// Tells what happens in order; `failed` at most once, and `closed` last and always. Whatever the far end was asked for is taken away before that.
actor ConferenceLeg: OutwardLeg {
    /// What its owner hears.
    enum News: Sendable {
        /// The far end holds this now, or with nil nothing any more.
        case holding(Redacted<String>?)
        case answered([IceServer])
        case connected, interrupted
        /// The far end did not agree to another ICE session, or did not say so in time.
        case restartRefused
        case failed(ConferenceFault)
        case sent(bytes: UInt64)
        /// It goes on, worse than it should for this reason; or well again.
        case warned(BridgeError?)
        case closed
    }

    /// What it stands on.
    struct Services: Sendable {
        var launcher: any PipelineLauncher
        var hub: any MediaHub
        /// An answer without the candidates that must not be sent to.
        var allowed: @Sendable (_ sdp: String) -> String
        /// Where the others are to be heard; nil: nowhere.
        var wayBack: WayBack?
    }

    private static let stopDeadline = Duration.seconds(1)

    private let stream: LiveStream
    private let call: any ConferenceCall
    private let services: Services
    private let tell: @Sendable (News) async -> Void
    private var pipeline: (any RunningPipeline)?
    /// Those of the stream that the plan takes, by their places in it.
    private var tracks: [UInt8] = []
    private var joining: Task<Void, Never>?
    /// What the far end has answered last, and another ICE session begins from; nil before that, and while one is being asked for.
    private var offer: String?
    /// Says goodbye while the child goes: who hears of it first at the far end knows that nothing broke.
    private var farewell: Task<Void, Never>?
    private var isClosing = false
    private var hasFailed = false
    private var isSubscribed = false

    init(
        stream: LiveStream, call: any ConferenceCall, services: Services, tell: @escaping @Sendable (News) async -> Void
    ) {
        self.stream = stream
        self.call = call
        self.services = services
        self.tell = tell
    }

    /// As `run`, with a plan that is made of the ICE servers that the far end names before the offer.
    func run(_ plan: @Sendable ([IceServer]) -> PipelinePlan) async { await run(plan(await call.iceServers())) }

    /// From the launch to `closed`. Call it once.
    func run(_ plan: PipelinePlan) async {
        do throws(BridgeError) {
            let pipeline = try await services.launcher.launch(plan)
            self.pipeline = pipeline
            if isClosing { pipeline.send(.stop(deadline: Self.stopDeadline)) }
            tracks = plan.tracks.map(\.index)
            for await event in pipeline.events { await hear(event, pipeline) }
            if isSubscribed {
                services.hub.unsubscribe(pipeline.id)
            } else {
                pipeline.media.forEach { closeDescriptor($0.rawValue) }
            }
        } catch {
            await fail(ConferenceFault(error))
        }
        await fail(ConferenceFault(BridgeError(.connectionLost, "The session in the conference is over.")))
        await call.stop()
        await joining?.value
        await farewell?.value
        await call.leave()
        await tell(.holding(nil))
        await tell(.closed)
    }

    /// Ends the session soon; `closed` follows.
    func close() async {
        isClosing = true
        await call.stop()
        pipeline?.send(.stop(deadline: Self.stopDeadline))
        if farewell == nil { farewell = Task { [call] in await call.leave() } }
    }

    /// Begins another ICE session within this one where the far end agrees to it; else everything stays as it is.
    func restart() async {
        var random = SystemRandomNumberGenerator()
        guard !isClosing, let former = offer, let request = IceRestartRequest(of: former, using: &random) else { return }
        offer = nil
        let answer = await call.restart(request)
        offer = answer == nil ? former : request.offer
        guard !isClosing, let pipeline else { return }
        guard var answer else { return await tell(.restartRefused) }
        answer.candidates = allowed(answer.candidates)
        pipeline.send(.restart(local: request.credentials, remote: answer))
    }

    private func allowed(_ candidates: [String]) -> [String] {
        let lines = services.allowed(candidates.map { "a=\($0)\r\n" }.joined())
        return lines.split(whereSeparator: \.isNewline).map { String($0.dropFirst("a=".count)) }
    }

    private func hear(_ event: PipelineEvent, _ pipeline: any RunningPipeline) async {
        switch event {
        case .localDescription(let offer):
            guard !isClosing, joining == nil else { return }
            joining = Task { await self.join(offer, pipeline) }
        case .connected:
            await beginWayBack()
            subscribe(pipeline)
            await tell(.connected)
        case .disconnected: await tell(.interrupted)
        case .failed(let error): await fail(ConferenceFault(error))
        case .stats(let statistics): if let bytes = statistics.bytesOut { await tell(.sent(bytes: bytes)) }
        default: break
        }
    }

    private func subscribe(_ pipeline: any RunningPipeline) {
        // The path may come back after a loss: the sockets were handed over at the first time.
        guard !isSubscribed, !tracks.isEmpty else { return }
        isSubscribed = true
        services.hub.subscribe(
            pipeline.id, to: stream.id, tracks: tracks, sinks: pipeline.media, timing: .live)
    }

    /// The others are heard from when we are.
    private func beginWayBack() async {
        guard !isSubscribed, let wayBack = services.wayBack, let voices = call.voices else { return }
        await wayBack.start()
        await wayBack.take(voices)
    }

    private func join(_ offer: String, _ pipeline: any RunningPipeline) async {
        do throws(ConferenceFault) {
            let answer = try await call.join(offer)
            await tell(.holding(answer.resource))
            await tell(.answered(answer.iceServers))
            guard !isClosing else { return }
            let accepted = try Self.check(answer.sdp, offer)
            pipeline.send(.remoteDescription(sdp: services.allowed(accepted.sdp), fingerprints: accepted.fingerprints))
            self.offer = offer
            try await call.attend()
        } catch {
            await fail(error)
        }
    }

    private static func check(_ answer: String, _ offer: String) throws(ConferenceFault) -> (sdp: String, fingerprints: [Fingerprint]) {
        do throws(SDPError) {
            return try AnswerGate.accept(answer, offer: offer)
        } catch .nothingAccepted {
            throw ConferenceFault(
                BridgeError(.conferenceRefused, "The conference takes none of the stream's codecs; publish it with others."),
                isPermanent: true)
        } catch {
            throw ConferenceFault(
                BridgeError(.conferenceAnswerInvalid, "The conference's answer does not fit the offer: \(error.description)"))
        }
    }

    private func fail(_ fault: ConferenceFault) async {
        guard !hasFailed, !isClosing else { return }
        hasFailed = true
        await tell(.failed(fault))
    }
}
