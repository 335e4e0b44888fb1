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
    private var fed: FedPeer?

    init(plan: ViewPlan, context: RunnerContext) {
        self.plan = plan
        self.context = context
        loop = context.loop
        gate = MediaGate(fingerprints: plan.peerFingerprints)
    }

    func start() async throws(BridgeError) {
        do {
            let fed = try FedPeer(plan.tracks, identity: plan.identity, ice: plan.ice, gate: gate, context: context)
            self.fed = fed
            try await fed.start { [plan] peer in try await peer.answer(plan.offer, sections: plan.tracks.count) }
        } catch {
            throw BridgeError(pipelineFailure: error)
        }
    }

    func handle(_ command: PipelineCommand) async {
        guard case .candidate(let candidate) = command else { return }
        fed?.peer.bin.add(candidate)
    }

    func stop(deadline: Duration) async -> PipelineResult {
        await fed?.stop()
        fed = nil
        return PipelineResult()
    }

    /// Weak references to the pipeline and its ICE agent, for tests.
    func lifetimes() -> [LifetimeWatch] { fed?.peer.lifetimes() ?? [] }

    func statistics() async -> PipelineStats { fed?.feeder.statistics ?? PipelineStats() }
}
