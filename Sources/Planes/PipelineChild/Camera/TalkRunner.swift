internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

/// Offers to receive a voice, and plays what comes.
actor TalkRunner: PipelineRunner {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let plan: TalkPlan
    private let context: RunnerContext
    /// Nothing passes before the answer has named the peer's fingerprints.
    private let gate = MediaGate(fingerprints: [])
    private let voice: Voice
    private var peer: WebRTCPeer?

    /// As a camera's: not every server takes candidates after the offer, and a living one is heard of every five seconds.
    private static let patience = WebRTCPeer.Patience(gathering: .seconds(3), silence: .seconds(12), doubts: true)
    /// RFC 7587: any number of the dynamic range; two channels, whatever is spoken with.
    private static let offered =
        "application/x-rtp,media=audio,encoding-name=OPUS,clock-rate=48000,encoding-params=(string)2,payload=\(CapturePlan.audioPayloadType)"

    init(plan: TalkPlan, context: RunnerContext) {
        self.plan = plan
        self.context = context
        loop = context.loop
        voice = Voice(plan.speaker, gate: gate, events: context.events)
    }

    func start() async throws(BridgeError) {
        do {
            let peer = try WebRTCPeer(identity: plan.identity, ice: plan.ice, gate: gate, context: context, patience: Self.patience)
            self.peer = peer
            let (voice, pipeline) = (voice, WeakPipeline(peer.pipeline))
            peer.bin.element.onPadAdded { pad in voice.attach(pad, to: pipeline) }
            try await peer.play()
            try peer.bin.addReceiver(Caps(Self.offered), retransmission: false)
            context.events(.localDescription(sdp: try await peer.offer()))
            context.events(.started)
        } catch {
            throw BridgeError(pipelineFailure: error)
        }
    }

    func handle(_ command: PipelineCommand) async {
        switch command {
        case .remoteDescription(let sdp, let fingerprints):
            gate.expect(fingerprints)
            do {
                try await peer?.bin.setRemoteDescription(sdp, kind: .answer)
            } catch {
                context.events(.failed(BridgeError(.conferenceAnswerInvalid, "The bridge's answer cannot be applied: \(error).")))
            }
        case .restart(let local, let remote): peer?.bin.restart(local, remote)
        case .candidate(let candidate): peer?.bin.add(candidate)
        case .plan, .picture, .forceKeyframe, .addInput, .removeInput, .hear, .scene, .adjust, .ping, .stop: break
        }
    }

    func stop(deadline: Duration) async -> PipelineResult {
        await voice.end()
        await peer?.tearDown()
        peer = nil
        return PipelineResult()
    }

    func statistics() async -> PipelineStats { PipelineStats() }
}
