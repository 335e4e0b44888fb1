internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO

/// Offers a stream to a conference elsewhere and sends it the hub's RTP.
actor ConferenceRunner: PipelineRunner {
    nonisolated let loop: GLibLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }

    private let plan: ConferencePlan
    private let context: RunnerContext
    /// Nothing passes before the answer has named the peer's fingerprints.
    private let gate = MediaGate(fingerprints: [])
    private var fed: FedPeer?

    /// Not every server takes candidates after the offer, and a relay's takes two round trips to its server. Keep-alives and reports make a living
    /// server heard of every five seconds; who is silent for longer than two of them is gone.
    private static let patience = WebRTCPeer.Patience(gathering: .seconds(3), silence: .seconds(12), doubts: true)

    init(plan: ConferencePlan, context: RunnerContext) {
        self.plan = plan
        self.context = context
        loop = context.loop
    }

    func start() async throws(BridgeError) {
        do {
            let fed = try FedPeer(
                plan.tracks, identity: plan.identity, ice: plan.ice, gate: gate, context: context, patience: Self.patience)
            self.fed = fed
            try await fed.start { lane, sink in
                try sink.object("transceiver")?.set("codec-preferences", lane.track.offeredCaps(ssrc: lane.ssrc))
            } describe: { [plan] peer in
                plan.completing(offer: try await peer.offer())
            }
        } catch {
            throw BridgeError(pipelineFailure: error)
        }
    }

    func handle(_ command: PipelineCommand) async {
        switch command {
        case .remoteDescription(let sdp, let fingerprints):
            gate.expect(fingerprints)
            if plan.tellsAudioLevels(by: sdp) { fed?.feeder.tellAudioLevels() }
            do {
                try await fed?.peer.bin.setRemoteDescription(sdp, kind: .answer)
            } catch {
                context.events(.failed(BridgeError(.conferenceAnswerInvalid, "The conference's answer cannot be applied: \(error).")))
            }
        case .restart(let local, let remote): fed?.peer.bin.restart(local, remote)
        case .candidate(let candidate): fed?.peer.bin.add(candidate)
        case .plan, .picture, .forceKeyframe, .addInput, .removeInput, .hear, .scene, .adjust, .ping, .stop: break
        }
    }

    func stop(deadline: Duration) async -> PipelineResult {
        await fed?.stop()
        fed = nil
        return PipelineResult()
    }

    func statistics() async -> PipelineStats { fed?.feeder.statistics ?? PipelineStats() }
}

extension ViewTrack {
    /// What the section offers: this format and no other.
    fileprivate func offeredCaps(ssrc: UInt32) throws(GStreamerError) -> Caps {
        var text = "application/x-rtp,media=\(source.kind.rawValue),encoding-name=\(source.codec.encodingName)"
        text += ",clock-rate=\(source.clockRate),payload=\(payloadType),ssrc=(uint)\(ssrc)"
        if source.kind == .audio { text += ",encoding-params=(string)\(source.channels ?? (source.codec == .opus ? 2 : 1))" }
        // What the bridge answers itself: keyframe requests and retransmissions.
        if source.kind == .video { text += ",rtcp-fb-nack=(boolean)true,rtcp-fb-nack-pli=(boolean)true,rtcp-fb-ccm-fir=(boolean)true" }
        return try Caps(text)
    }
}
