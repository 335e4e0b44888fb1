internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

/// Answers a publisher's offer and sends its RTP to the hub, one media socket a track.
actor PublishRunner: PipelineRunner {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let plan: PublishPlan
    private let context: RunnerContext
    private let intake: PublishIntake
    private var peer: WebRTCPeer?
    private var reader: DatagramReader?

    init(plan: PublishPlan, context: RunnerContext) {
        self.plan = plan
        self.context = context
        loop = context.loop
        intake = PublishIntake(
            gate: MediaGate(fingerprints: plan.peerFingerprints), sockets: context.media,
            tracks: zip(plan.tracks, context.media).map { TrackForwarder(track: $0, socket: $1) })
    }

    func start() async throws(BridgeError) {
        do {
            let peer = try WebRTCPeer(identity: plan.identity, ice: plan.ice, gate: intake.gate, context: context)
            self.peer = peer
            let (intake, pipeline) = (intake, WeakPipeline(peer.pipeline))
            peer.bin.element.onPadAdded { pad in intake.attach(pad, to: pipeline) }
            peer.bin.onIncomingRTCP { bytes in intake.takeRTCP(bytes) }
            try await peer.play()
            for track in plan.tracks {
                // Video only: RTX of audio has a FID group that Chromium rejects.
                try peer.bin.addReceiver(track.rtpCaps(payloadType: track.payloadType), retransmission: track.kind == .video)
            }
            let answer = try await peer.answer(plan.offer, sections: plan.tracks.count)
            reader = try DatagramReader(sockets: intake.sockets) { index, header, _ in
                if header.kind == .keyframeRequest { intake.requestKeyframe(ofTrack: index) }
            }
            context.events(.localDescription(sdp: answer))
            context.events(.started)
        } catch {
            throw BridgeError(pipelineFailure: error)
        }
    }

    func handle(_ command: PipelineCommand) async {
        switch command {
        case .candidate(let candidate): peer?.bin.add(candidate)
        case .forceKeyframe(let track): intake.requestKeyframe(ofTrack: Int(track))
        case .plan, .restart, .remoteDescription, .picture, .addInput, .removeInput, .hear, .scene, .adjust, .ping, .stop: break
        }
    }

    func stop(deadline: Duration) async -> PipelineResult {
        reader?.stop()
        reader = nil
        await peer?.tearDown()
        peer = nil
        intake.detach()
        return PipelineResult()
    }

    /// Weak references to the pipeline and its ICE agent, for tests.
    func lifetimes() -> [LifetimeWatch] { peer?.lifetimes() ?? [] }

    func statistics() async -> PipelineStats { intake.statistics }
}
