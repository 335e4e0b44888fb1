internal import Bridge
internal import BridgeModel
internal import LinuxIO
internal import Logging
internal import SDP

/// The others' sound as a stream of the bridge, from a conference's first session to its end: between sessions it is silent, and it stays.
///
/// One child mixes; it is started again when it ends, and told of each voice that the session of the moment has.
actor WayBack {
    /// What it stands on.
    struct Services: Sendable {
        var launcher: any PipelineLauncher
        var streams: StreamRegister
        /// Cameras that can play it; nil where none have agents.
        var cameras: (any DirectedCameras)?
        var clock: BridgeClock
        var logger: Logger
        /// An offer without the candidates that must not be sent to.
        var allowed: @Sendable (_ sdp: String) -> String
        /// For one voice.
        var ice: @Sendable () -> IceSettings
    }

    private static let stopDeadline = Duration.seconds(1)
    private static let (firstPause, longestPause) = (Duration.seconds(1), Duration.seconds(30))
    /// The far end chooses sound alone: what else it offers is refused.
    private static let policy = GatePolicy(videoSections: 0)

    /// Somebody who is offered to the child, by the child's number.
    private struct Voice {
        /// What the session calls it.
        var number: VoiceNumber
        var offer: AcceptedOffer
        var isConnected = false
    }

    private let context: SessionContext
    /// Who is to play it.
    private let camera: SessionContext
    private let plan: ListenPlan
    private let services: Services
    private(set) var status: WayBackStatus
    private var life: Task<Void, Never>?
    private var pipeline: (any RunningPipeline)?
    private var isEnded = false
    private var source: (any ConferenceVoices)?
    private var listening: Task<Void, Never>?
    private var voices: [VoiceNumber: Voice] = [:]
    private var last: VoiceNumber = 0

    /// `camera`: whose stream is in the conference.
    init(_ stream: StreamID, to camera: SessionContext, plan: ListenPlan, services: Services) {
        context = SessionContext(
            session: SessionID(RandomUUID.text()), account: camera.account, client: ClientID(stream.rawValue), stream: stream,
            direction: .publish)
        self.camera = camera
        self.plan = plan
        self.services = services
        status = WayBackStatus(stream: stream)
    }

    /// Begins, once.
    func start() {
        guard life == nil, !isEnded else { return }
        life = Task { await self.live() }
    }

    /// Ends the stream.
    func end() async {
        guard !isEnded else { return }
        isEnded = true
        listening?.cancel()
        pipeline?.send(.stop(deadline: Self.stopDeadline))
        guard status.isLive else { return }
        status.isLive = false
        await services.streams.sessionEnded(context, forGood: true)
        await tellCamera(nil)
    }

    // MARK: - The child

    private func live() async {
        var pause = Self.firstPause
        while !isEnded {
            let began = services.clock.now()
            status.reason = await run()
            if services.clock.now().duration(since: began) > Self.longestPause { pause = Self.firstPause }
            guard !isEnded else { return }
            let metadata: Logger.Metadata = ["stream": "\(context.stream)", "reason": "\(status.reason?.description ?? "")"]
            services.logger.warning("the others' sound is away", metadata: metadata)
            guard (try? await services.clock.pause(pause)) != nil else { return }
            pause = min(pause * 2, Self.longestPause)
        }
    }

    /// One child to its end, which is told.
    private func run() async -> BridgeError {
        if let other = await services.streams.stream(context.stream), other.context.session != context.session {
            return Self.taken(other.id)
        }
        let child: any RunningPipeline
        do throws(BridgeError) {
            child = try await services.launcher.launch(
                PipelinePlan(pipeline: PipelineID("listen-\(RandomUUID.text())"), work: .listen(plan)))
        } catch {
            return error
        }
        var reason = BridgeError(.pipelineFailed, "The process that hears the others is over.")
        var isPublished = false
        for await event in child.events {
            switch event {
            case .started: isPublished = await publish(child)
            case .voice(let number, let news): await hear(news, of: number)
            case .failed(let error): reason = error
            default: break
            }
        }
        (pipeline, voices, status.voices) = (nil, [:], 0)
        guard isPublished else {
            child.media.forEach { closeDescriptor($0.rawValue) }
            return reason
        }
        status.isLive = false
        await services.streams.sourceEnded(PeerID(child.id.rawValue), of: context.stream)
        return reason
    }

    private func publish(_ child: any RunningPipeline) async -> Bool {
        // It was ended while its process came up.
        guard !isEnded, let media = child.media.first else {
            child.send(.stop(deadline: Self.stopDeadline))
            return false
        }
        let stream = LiveStream(
            context: context, tracks: [ListenPlan.track], peer: PeerID(child.id.rawValue), source: .child(media),
            since: services.clock.wall())
        guard await services.streams.publish(stream, sources: child.media) else {
            child.send(.stop(deadline: Self.stopDeadline))
            return false
        }
        guard !isEnded else {
            child.send(.stop(deadline: Self.stopDeadline))
            await services.streams.sessionEnded(context, forGood: true)
            return true
        }
        pipeline = child
        (status.isLive, status.reason) = (true, nil)
        // Those who were offered to the former child, or to none.
        await source?.restart()
        await tellCamera(context.stream)
        return true
    }

    private static func taken(_ stream: StreamID) -> BridgeError {
        BridgeError(
            .invalidField, "There is a stream named \(stream) already; it has to end, or the conference to be joined with another name.")
    }

    // MARK: - The session of the moment

    /// Hears these from now on, and nobody else.
    func take(_ source: any ConferenceVoices) {
        guard !isEnded else { return }
        listening?.cancel()
        for number in voices.keys { end(number) }
        self.source = source
        listening = Task { [weak self] in
            for await news in source.offers { await self?.hear(news, of: source) }
            await self?.drop()
        }
    }

    /// The session is over.
    private func drop() {
        guard !Task.isCancelled else { return }
        source = nil
        for number in voices.keys { end(number) }
    }

    private func hear(_ news: ConferenceVoice, of source: any ConferenceVoices) async {
        guard !Task.isCancelled else { return }
        switch news {
        case .ended(let number): if let known = voices.first(where: { $0.value.number == number })?.key { end(known) }
        case .offered(let number, let sdp):
            // It is offered again as soon as there is somebody to hear it.
            guard let pipeline else { return }
            guard let offer = try? OfferGate.acceptPublish(sdp, policy: Self.policy), let track = offer.publishTracks.first else {
                services.logger.info("an offer of a conference holds no sound", metadata: ["stream": "\(context.stream)"])
                return await source.lost(number)
            }
            last += 1
            voices[last] = Voice(number: number, offer: offer)
            let sdp = services.allowed(offer.engineOffer)
            pipeline.send(
                .hear(VoiceOffer(number: last, sdp: sdp, track: track, fingerprints: offer.fingerprints, ice: services.ice())))
        }
    }

    private func end(_ number: VoiceNumber) {
        voices[number] = nil
        status.voices = voices.values.count { $0.isConnected }
        pipeline?.send(.removeInput(number))
    }

    private func hear(_ news: VoiceNews, of number: VoiceNumber) async {
        guard let voice = voices[number] else { return }
        switch news {
        case .answer(let sdp):
            guard let answer = try? voice.offer.finishAnswer(engineAnswer: sdp) else { return await lose(number, voice) }
            await source?.answer(voice.number, answer)
        case .connected:
            voices[number]?.isConnected = true
            status.voices = voices.values.count { $0.isConnected }
            await source?.connected(voice.number)
        case .ended(let error):
            let metadata: Logger.Metadata = ["stream": "\(context.stream)", "reason": "\(error.description)"]
            services.logger.info("somebody in a conference is not heard any more", metadata: metadata)
            await lose(number, voice)
        }
    }

    private func lose(_ number: VoiceNumber, _ voice: Voice) async {
        end(number)
        await source?.lost(voice.number)
    }

    // MARK: - The camera

    /// Cameras without an agent, or without anything to play it with, are no fault: whoever wants it watches the stream.
    private func tellCamera(_ stream: StreamID?) async {
        guard let cameras = services.cameras else { return }
        do throws(BridgeError) {
            try await cameras.perform(.talk(stream), on: camera.client, of: camera.account)
        } catch {
            let metadata: Logger.Metadata = ["camera": "\(camera.client)", "reason": "\(error.description)"]
            services.logger.debug("a camera does not play the others' sound", metadata: metadata)
        }
    }
}
