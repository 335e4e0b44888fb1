internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

/// A camera's source for a hub: pictures and sound, encoded, one media socket a track.
actor CaptureRunner: PipelineRunner {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let plan: CapturePlan
    private let context: RunnerContext
    private let tracks: [CaptureTrack]
    private var pipeline: Pipeline?
    private var chains: [CameraChain] = []
    private var feed: (any CameraFeed)?
    private var microphone: Microphone?
    private var reader: DatagramReader?
    private var silence: (watch: GLibTimer?, state: SourceSilence) = (nil, SourceSilence())
    private let mailbox: (news: AsyncStream<News>, inbox: AsyncStream<News>.Continuation)
    private var listening: Task<Void, Never>?

    /// What comes from foreign threads.
    private enum News: Sendable {
        case bus(BusMessage)
        case silenceCheck
    }

    init(plan: CapturePlan, context: RunnerContext) {
        let (news, inbox) = AsyncStream<News>.makeStream()
        mailbox = (news, inbox)
        self.plan = plan
        self.context = context
        loop = context.loop
        tracks = zip(plan.tracks, context.media).map { CaptureTrack(TrackForwarder(track: $0, socket: $1)) }
    }

    func start() async throws(BridgeError) {
        do {
            let (news, inbox) = mailbox
            let pipeline = try Pipeline { inbox.yield(.bus($0)) }
            self.pipeline = pipeline
            listening = Task { [weak self] in
                for await item in news { await self?.hear(item) }
            }
            chains = [try plan.makeVideo(in: pipeline)]
            if plan.audio { chains.append(try plan.makeAudio(in: pipeline)) }
            for (chain, track) in zip(chains, tracks) {
                let sink = try track.makeSink(in: pipeline)
                try pipeline.add(sink.element)
                try chain.output.link(to: sink.pad())
            }
            try connectFeed(in: pipeline)
            if let device = plan.microphone, let desk = chains.compactMap(\.desk).first {
                microphone = Microphone(device, desk: desk, events: context.events)
            }
            let outputs = chains.map(\.output)
            reader = try DatagramReader(sockets: context.media) { index, header, _ in
                if header.kind == .keyframeRequest, outputs.indices.contains(index) { outputs[index].requestKeyframe() }
            }
            try pipeline.element.requestState(.playing)
            silence.watch = loop.scheduleRepeating(every: SourceSilence.interval) { inbox.yield(.silenceCheck) }
            context.events(.started)
            microphone?.begin()
        } catch {
            throw BridgeError(.pipelineFailed, "\(plan.source.name) cannot be used: \(error)")
        }
    }

    private func connectFeed(in pipeline: Pipeline) throws(GStreamerError) {
        guard let feed = try plan.source.makeFeed() else { return }
        self.feed = feed
        try pipeline.add(feed.element)
        guard let video = chains.first?.elements.first else { return }
        feed.connect(video: video, audio: chains.dropFirst().first?.elements.first, pipeline: pipeline, loop: loop)
    }

    private func hear(_ item: News) {
        guard let pipeline else { return }  // what goes down complains
        switch item {
        case .silenceCheck: checkSilence()
        case .bus(let message): hear(message, of: pipeline)
        }
    }

    private func hear(_ message: BusMessage, of pipeline: Pipeline) {
        switch message {
        case .latency: pipeline.recalculateLatency()
        case .error(let element, _, _, let text):
            context.events(.failed(BridgeError(.pipelineFailed, "\(plan.source.name) cannot be used: \(text) (\(element))")))
        case .warning(let element, let text): context.events(.warning(code: .pipelineFailed, message: "\(element) warns: \(text)"))
        case .segmentDone: feed?.playOnceMore()
        case .endOfStream: context.events(.failed(BridgeError(.noMedia, "\(plan.source.name) has come to its end.")))
        }
    }

    private func checkSilence() {
        guard let video = tracks.first else { return }
        guard silence.state.isOver(packets: video.statistics.packetsIn) else { return }
        context.events(.failed(BridgeError(.noMedia, "\(plan.source.name) has sent no picture for \(SourceSilence.limit).")))
    }

    func handle(_ command: PipelineCommand) async {
        switch command {
        case .forceKeyframe(let track) where chains.indices.contains(Int(track)): chains[Int(track)].output.requestKeyframe()
        case .adjust(let adjustment): for chain in chains { chain.adjust(adjustment) }
        default: break
        }
    }

    func stop(deadline: Duration) async -> PipelineResult {
        silence.watch?.cancel()
        reader?.stop()
        (silence.watch, reader) = (nil, nil)
        mailbox.inbox.finish()
        listening?.cancel()
        listening = nil
        await microphone?.stop()
        microphone?.loop.shutDown()
        microphone = nil
        let pipeline = pipeline
        self.pipeline = nil
        try? pipeline?.setState(.null)
        pipeline?.detachBus()
        chains = []
        feed?.detach()
        feed = nil
        return PipelineResult()
    }

    func statistics() async -> PipelineStats {
        var none = PipelineStats()
        none.frames = tracks.first?.frames
        return tracks.map(\.statistics).reduce(into: none) { (sum: inout PipelineStats, track: PipelineStats) in
            sum.packetsIn += track.packetsIn
            sum.packetsOut += track.packetsOut
            sum.packetsDropped += track.packetsDropped
        }
    }
}

/// Tells when a source has been silent for too long: some never say that they are gone.
struct SourceSilence {
    /// How often it is looked at.
    static let interval = Duration.seconds(2)
    static let limit = Duration.seconds(10)

    private var packets: UInt64 = 0
    private var rounds = 0

    /// `packets`: all that have come, at each `interval`.
    mutating func isOver(packets: UInt64) -> Bool {
        rounds = packets == self.packets ? rounds + 1 : 0
        self.packets = packets
        return Self.interval * rounds >= Self.limit
    }
}

/// What brings decoded streams to a camera's chains.
protocol CameraFeed: Sendable {
    var element: Element { get }
    /// Links the first stream of each kind to the chain that takes it; others are left out.
    func connect(video: Element, audio: Element?, pipeline: Pipeline, loop: GLibLoop)
    /// A segment has been played; on the loop.
    func playOnceMore()
    /// Gives the pads up.
    func detach()
}

extension CapturePlan.Source {
    /// For sentences; without user name and password.
    var name: String {
        switch self {
        case .test: "The test pattern"
        case .file(let path): "The file \(path)"
        case .v4l2(let device): "The device \(device)"
        case .rtsp(let url): "The RTSP camera at \(RTSPSource.place(of: url.revealed))"
        }
    }

    func makeFeed() throws(GStreamerError) -> (any CameraFeed)? {
        switch self {
        case .test, .v4l2: nil
        case .file(let path): try FileSource(path: path)
        case .rtsp(let url): try RTSPSource(url: url)
        }
    }
}
