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
            let feeder = ViewFeeder(lanes: try makeLanes(), gate: gate)
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
            for (section, lane) in feeder.lanes.enumerated() { try Self.attach(lane, section: section, to: peer.bin, of: feeder) }
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

    private func makeLanes() throws(GStreamerError) -> [ViewFeeder.Lane] {
        var lanes: [ViewFeeder.Lane] = []
        for (track, socket) in zip(plan.tracks, context.media) {
            let ssrc = UInt32.random(in: 1...UInt32.max)
            let source = try AppSource(caps: track.source.rtpCaps(payloadType: track.payloadType, ssrc: ssrc))
            lanes.append(ViewFeeder.Lane(track: track, ssrc: ssrc, socket: socket, source: source))
        }
        return lanes
    }

    /// Links a lane to its media section and catches the viewer's keyframe requests. webrtcbin runs already: a source that started before it
    /// would push into an inactive pad and end for good.
    private static func attach(_ lane: ViewFeeder.Lane, section: Int, to bin: WebRTCBin, of feeder: ViewFeeder) throws(GStreamerError) {
        let caps = try lane.track.source.rtpCaps(payloadType: lane.track.payloadType, ssrc: lane.ssrc)
        let sink = try bin.element.requestPad("sink_\(section)", caps: caps)
        try sink.object("transceiver")?.set(["direction": "sendonly", "do-nack": lane.track.source.kind == .video ? "true" : "false"])
        let out = try lane.source.element.pad("src")
        out.interceptKeyframeRequests { [weak feeder] in feeder?.requestKeyframe(lane: section) }
        try out.link(to: sink)
        try lane.source.element.syncStateWithParent()
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
