internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

/// Answers a viewer's offer and sends it the hub's RTP.
actor ViewRunner: PipelineRunner {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let plan: ViewPlan
    private let context: RunnerContext
    private let gate: MediaGate
    private var peer: WebRTCPeer?
    private var feeder: ViewFeeder?
    private var reader: DatagramReader?

    init(plan: ViewPlan, context: RunnerContext) {
        self.plan = plan
        self.context = context
        loop = context.loop
        gate = MediaGate(fingerprints: plan.peerFingerprints)
    }

    func start() async throws(BridgeError) {
        do {
            let feeder = ViewFeeder(lanes: try plan.tracks.makeLanes(context.media), gate: gate)
            self.feeder = feeder
            var context = context
            context.events = EventSink { [events = context.events, weak feeder] event in
                events(event)
                if event == .connected { feeder?.requestMissedKeyframes() }
            }
            let peer = try WebRTCPeer(identity: plan.identity, ice: plan.ice, gate: gate, context: context)
            self.peer = peer
            try peer.pipeline.add(feeder.lanes.map(\.source.element))
            try await peer.play()
            for (section, lane) in feeder.lanes.enumerated() { try lane.attach(section: section, to: peer.bin, of: feeder) }
            let answer = try await peer.answer(plan.offer, sections: plan.tracks.count)
            let pipeline = WeakPipeline(peer.pipeline)
            reader = try DatagramReader(sockets: context.media) { lane, header, packet in
                feeder.take(header, packet, lane: lane, baseTime: pipeline.value?.element.baseTime)
            }
            context.events(.localDescription(sdp: answer))
            context.events(.started)
        } catch {
            throw BridgeError(pipelineFailure: error)
        }
    }

    func handle(_ command: PipelineCommand) async {
        guard case .candidate(let candidate) = command else { return }
        peer?.bin.add(candidate)
    }

    func stop(deadline: Duration) async -> PipelineResult {
        reader?.stop()
        reader = nil
        await peer?.tearDown()
        peer = nil
        feeder = nil
        return PipelineResult()
    }

    /// Weak references to the pipeline and its ICE agent, for tests.
    func lifetimes() -> [LifetimeWatch] { peer?.lifetimes() ?? [] }

    func statistics() async -> PipelineStats { feeder?.statistics ?? PipelineStats() }
}
