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
    private var peer: WebRTCPeer?
    private var feeder: ViewFeeder?
    private var reader: DatagramReader?

    /// Not every server takes candidates after the offer, and a relay's takes two round trips to its server. Keep-alives and reports make a living
    /// server heard of every five seconds; who is silent for longer than two of them is gone.
    private static let patience = WebRTCPeer.Patience(gathering: .seconds(3), silence: .seconds(12))

    init(plan: ConferencePlan, context: RunnerContext) {
        self.plan = plan
        self.context = context
        loop = context.loop
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
            let peer = try WebRTCPeer(identity: plan.identity, ice: plan.ice, gate: gate, context: context, patience: Self.patience)
            self.peer = peer
            try peer.pipeline.add(feeder.lanes.map(\.source.element))
            try await peer.play()
            for (section, lane) in feeder.lanes.enumerated() {
                let sink = try lane.attach(section: section, to: peer.bin, of: feeder)
                try sink.object("transceiver")?.set("codec-preferences", lane.track.offeredCaps(ssrc: lane.ssrc))
            }
            let offer = plan.completing(offer: try await peer.offer())
            let pipeline = WeakPipeline(peer.pipeline)
            reader = try DatagramReader(sockets: context.media) { lane, header, packet in
                feeder.take(header, packet, lane: lane, baseTime: pipeline.value?.element.baseTime)
            }
            context.events(.localDescription(sdp: offer))
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
                context.events(.failed(BridgeError(.conferenceAnswerInvalid, "The conference's answer cannot be applied: \(error).")))
            }
        case .candidate(let candidate): peer?.bin.add(candidate)
        case .plan, .picture, .forceKeyframe, .ping, .stop: break
        }
    }

    func stop(deadline: Duration) async -> PipelineResult {
        reader?.stop()
        reader = nil
        await peer?.tearDown()
        peer = nil
        feeder = nil
        return PipelineResult()
    }

    func statistics() async -> PipelineStats { feeder?.statistics ?? PipelineStats() }
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
