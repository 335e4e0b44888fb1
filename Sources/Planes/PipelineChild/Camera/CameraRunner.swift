internal import Bridge
internal import BridgeModel
internal import GStreamerKit

/// A camera of ours: makes pictures and sound, offers them, and sends them once the peer has proved its fingerprint.
actor CameraRunner: PipelineRunner {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let plan: CameraPlan
    private let context: RunnerContext
    /// Nothing passes before the answer has named the peer's fingerprints.
    private let gate = MediaGate(fingerprints: [])
    private var peer: WebRTCPeer?
    private var chains: [CameraChain] = []
    private var feed: (any CameraFeed)?

    init(plan: CameraPlan, context: RunnerContext) {
        self.plan = plan
        self.context = context
        loop = context.loop
    }

    func start() async throws(BridgeError) {
        do {
            var context = context
            context.events = EventSink { [weak self, events = context.events] event in
                events(event)
                // What was encoded before now went nowhere: the peer begins with a keyframe.
                if event == .connected { Task { await self?.forceKeyframe() } }
            }
            let feed = try plan.capture.source.makeFeed()
            self.feed = feed
            let peer = try WebRTCPeer(identity: plan.identity, ice: plan.ice, gate: gate, context: context) { feed?.playOnceMore() }
            self.peer = peer
            chains = [try plan.capture.makeVideo(in: peer.pipeline)]
            if plan.capture.audio { chains.append(try plan.capture.makeAudio(in: peer.pipeline)) }
            for (section, chain) in chains.enumerated() { try attach(chain, section: section, to: peer.bin) }
            if let feed { try connect(feed, in: peer.pipeline) }
            try await peer.play()
            let offer = try await peer.offer()
            context.events(.localDescription(sdp: offer))
            context.events(.started)
        } catch {
            throw BridgeError(pipelineFailure: error)
        }
    }

    private func attach(_ chain: CameraChain, section: Int, to bin: WebRTCBin) throws(GStreamerError) {
        let sink = try bin.element.requestPad("sink_\(section)", caps: chain.offeredCaps)
        if let transceiver = sink.object("transceiver") {
            try transceiver.set("codec-preferences", chain.offeredCaps)
            try transceiver.set(["direction": "sendonly", "do-nack": section == 0 ? "true" : "false"])
        }
        chain.output.gateBuffers { [gate] in gate.canSend }
        try chain.output.link(to: sink)
    }

    private func connect(_ feed: any CameraFeed, in pipeline: Pipeline) throws(GStreamerError) {
        try pipeline.add(feed.element)
        guard let video = chains.first?.elements.first else { return }
        feed.connect(video: video, audio: chains.dropFirst().first?.elements.first, pipeline: pipeline, loop: loop)
    }

    private func forceKeyframe() { chains.first?.output.requestKeyframe() }

    func handle(_ command: PipelineCommand) async {
        switch command {
        case .remoteDescription(let sdp, let fingerprints):
            gate.expect(fingerprints)
            do {
                try await peer?.bin.setRemoteDescription(sdp, kind: .answer)
            } catch {
                context.events(.failed(BridgeError(.unacceptableOffer, "The answer cannot be applied: \(error).")))
            }
        case .candidate(let candidate): peer?.bin.add(candidate)
        case .forceKeyframe: forceKeyframe()
        case .plan, .restart, .picture, .addInput, .removeInput, .hear, .scene, .adjust, .ping, .stop: break
        }
    }

    func stop(deadline: Duration) async -> PipelineResult {
        await peer?.tearDown()
        peer = nil
        chains = []
        feed?.detach()
        feed = nil
        return PipelineResult()
    }

    /// Weak references to the pipeline and its ICE agent, for tests.
    func lifetimes() -> [LifetimeWatch] { peer?.lifetimes() ?? [] }

    func statistics() async -> PipelineStats { PipelineStats() }
}
