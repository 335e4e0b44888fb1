internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

/// Hears others, each over a transport of its own, and gives their sound to the hub as one track, which is silent where nobody speaks.
actor ListenRunner: PipelineRunner {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// How late sound may be decoded and still be heard at its time: what the jitter buffers wait for a packet, and a little.
    private static let latency = ClockTime.milliseconds(250)
    private static let reportPause = Duration.seconds(1)

    private let plan: ListenPlan
    private let context: RunnerContext
    private var pipeline: Pipeline?
    private var desk: SoundDesk?
    private var output: CompositeOutput?
    private var voices: [VoiceNumber: VoiceReceiver] = [:]
    private var timer: GLibTimer?

    init(plan: ListenPlan, context: RunnerContext) {
        self.plan = plan
        self.context = context
        loop = context.loop
    }

    func start() async throws(BridgeError) {
        guard let socket = context.media.first else { throw BridgeError(.internal, "A listener came without its media socket.") }
        do {
            let pipeline = try Pipeline(name: "listen") { [weak self, events = context.events, loop] message in
                switch message {
                case .error(let element, _, _, let text): events(.failed(BridgeError(.pipelineFailed, "\(element): \(text)")))
                case .latency: loop.post { [weak self] in self?.assumeIsolated { $0.pipeline?.recalculateLatency() } }
                case .warning, .endOfStream, .segmentDone: break
                }
            }
            self.pipeline = pipeline
            let desk = try SoundDesk(in: pipeline, latency: Self.latency)
            self.desk = desk
            guard let mix = desk.elements.last else { return }
            output = try CompositeOutput(ListenPlan.track, behind: mix, in: pipeline, socket: socket)
            try pipeline.element.requestState(.playing)
            timer = loop.scheduleRepeating(every: Self.reportPause) { [weak self] in self?.assumeIsolated { $0.report() } }
            context.events(.started)
        } catch {
            throw BridgeError(pipelineFailure: error)
        }
    }

    private func report() {
        guard let now = pipeline?.runningTime else { return }
        output?.report(runningTime: now)
    }

    func handle(_ command: PipelineCommand) async {
        switch command {
        // Candidates take their time: others come and go meanwhile.
        case .hear(let offer): Task { await self.hear(offer) }
        case .removeInput(let number): await end(number)
        case .plan, .restart, .remoteDescription, .candidate, .picture, .forceKeyframe, .addInput, .scene, .adjust, .ping, .stop: break
        }
    }

    private func hear(_ offer: VoiceOffer) async {
        guard let desk, voices[offer.number] == nil else { return }
        let number = offer.number
        var context = context
        context.events = EventSink { [weak self, loop] event in
            loop.post { [weak self] in self?.assumeIsolated { $0.take(event, of: number) } }
        }
        do {
            let voice = try VoiceReceiver(offer, of: plan, context: context) { [weak desk] samples, time in
                desk?.take(samples, of: number, time: time)
            }
            voices[number] = voice
            try desk.add(number)
            let answer = try await voice.answer()
            // It may have been taken away, or have failed, while its candidates were found.
            guard voices[number] != nil else { return }
            self.context.events(.voice(number, .answer(sdp: answer)))
        } catch {
            await fail(number, BridgeError(pipelineFailure: error))
        }
    }

    private func take(_ event: PipelineEvent, of number: VoiceNumber) {
        switch event {
        case .connected: context.events(.voice(number, .connected))
        case .failed(let error): Task { await self.fail(number, error) }
        default: break
        }
    }

    private func fail(_ number: VoiceNumber, _ error: BridgeError) async {
        guard voices[number] != nil else { return }
        await end(number)
        context.events(.voice(number, .ended(error)))
    }

    private func end(_ number: VoiceNumber) async {
        guard let voice = voices.removeValue(forKey: number) else { return }
        await voice.stop()
        desk?.remove(number)
    }

    func stop(deadline: Duration) async -> PipelineResult {
        timer?.cancel()
        for number in voices.keys { await end(number) }
        try? pipeline?.setState(.null)
        pipeline?.detachBus()
        (timer, desk, pipeline, output) = (nil, nil, nil, nil)
        return PipelineResult()
    }

    func statistics() async -> PipelineStats { output?.statistics ?? PipelineStats() }
}
