internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

/// Makes one stream of several while they come and go. The background and silence flow from the beginning: the result never stands still, whatever
/// the inputs do.
actor CompositeRunner: InputTaker {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    /// How late a picture or a piece of sound may be decoded and still stand at its time: the jitter of a mobile network, and a large keyframe.
    private static let latency = ClockTime.milliseconds(250)
    private static let latencyOfSound = ClockTime.milliseconds(150)
    private static let tick = Duration.milliseconds(250)
    private static let ticksBetweenReports = 4

    private let plan: CompositePlan
    private let context: RunnerContext
    private var pipeline: Pipeline?
    private var screen: CompositeScreen?
    private var desk: SoundDesk?
    private var outputs: [CompositeOutput] = []
    private var inputs: [CompositeInput.Number: InputDecoder] = [:]
    private var reader: DatagramReader?
    private var timer: GLibTimer?
    private var ticks = 0

    init(plan: CompositePlan, context: RunnerContext) {
        self.plan = plan
        self.context = context
        loop = context.loop
    }

    func start() async throws(BridgeError) {
        do {
            let pipeline = try Pipeline(name: "composite") { [weak self, events = context.events, loop] message in
                switch message {
                case .error(let element, _, _, let text): events(.failed(BridgeError(.pipelineFailed, "\(element): \(text)")))
                case .latency: loop.post { [weak self] in self?.assumeIsolated { $0.pipeline?.recalculateLatency() } }
                case .warning, .endOfStream, .segmentDone: break
                }
            }
            self.pipeline = pipeline
            try build(in: pipeline)
            try pipeline.element.requestState(.playing)
            try show(plan.scene)
            reader = try DatagramReader(sockets: context.media) { [outputs] track, header, _ in
                if header.kind == .keyframeRequest { outputs[track].requestKeyframe() }
            }
            timer = loop.scheduleRepeating(every: Self.tick) { [weak self] in self?.assumeIsolated { $0.look() } }
            context.events(.started)
        } catch {
            throw BridgeError(pipelineFailure: error)
        }
    }

    private func build(in pipeline: Pipeline) throws(GStreamerError) {
        for (track, socket) in zip(plan.tracks, context.media) {
            let raw: Element?
            if track.kind == .audio {
                let desk = try SoundDesk(in: pipeline, latency: latency)
                self.desk = desk
                raw = desk.elements.last
            } else {
                let screen = try CompositeScreen(plan, in: pipeline, latency: latency, tell: context.events)
                self.screen = screen
                raw = screen.elements.last
            }
            guard let raw else { continue }
            outputs.append(try CompositeOutput(track, of: plan, behind: raw, in: pipeline, socket: socket))
        }
    }

    /// How late an input may be decoded: a mix without a picture is for people who talk to each other.
    private var latency: ClockTime { plan.tracks.contains { $0.kind == .video } ? Self.latency : Self.latencyOfSound }

    private func show(_ scene: CompositeScene) throws(GStreamerError) {
        desk?.silence(scene.silenced)
        try screen?.show(scene)
    }

    func handle(_ command: PipelineCommand) async {
        switch command {
        case .removeInput(let number):
            inputs.removeValue(forKey: number)?.stop()
            desk?.remove(number)
        case .scene(let scene):
            do {
                try show(scene)
            } catch {
                context.events(.failed(BridgeError(.pipelineFailed, "The scene cannot be shown: \(error).")))
            }
        case .forceKeyframe(let track): if outputs.indices.contains(Int(track)) { outputs[Int(track)].requestKeyframe() }
        case .plan, .restart, .remoteDescription, .candidate, .picture, .adjust, .addInput, .hear, .ping, .stop: break
        }
    }

    func add(_ input: CompositeInput, sockets: [DatagramSocket]) async {
        guard inputs[input.number] == nil else { return }
        let (screen, desk, number) = (screen, desk, input.number)
        do {
            if input.tracks.contains(where: { $0.kind == .audio }) { try desk?.add(number) }
            inputs[number] = try InputDecoder(input, sockets: sockets, loop: loop) { [weak screen, weak desk] output in
                switch output {
                case .picture(let picture): screen?.take(picture, of: number)
                case .sound(let samples, let time): desk?.take(samples, of: number, time: time)
                case .frame: break
                }
            } warn: { [events = context.events] text in
                events(.warning(code: .pipelineFailed, message: text))
            }
        } catch {
            desk?.remove(number)
            context.events(.warning(code: .pipelineFailed, message: "An input cannot be taken: \(error)."))
        }
    }

    private func look() {
        screen?.coverSilentOnes()
        ticks += 1
        guard ticks % Self.ticksBetweenReports == 1, let now = pipeline?.runningTime else { return }
        for output in outputs { output.report(runningTime: now) }
    }

    func stop(deadline: Duration) async -> PipelineResult {
        timer?.cancel()
        reader?.stop()
        for input in inputs.values { input.stop() }
        inputs = [:]
        try? pipeline?.setState(.null)
        screen?.end()
        pipeline?.detachBus()
        (timer, reader, screen, desk, pipeline, outputs) = (nil, nil, nil, nil, nil, [])
        return PipelineResult()
    }

    func statistics() async -> PipelineStats {
        outputs.map(\.statistics).reduce(into: PipelineStats()) { sum, track in
            sum.packetsIn += track.packetsIn
            sum.packetsOut += track.packetsOut
            sum.packetsDropped += track.packetsDropped
        }
    }
}
