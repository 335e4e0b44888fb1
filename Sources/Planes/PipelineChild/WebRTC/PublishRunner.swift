internal import Bridge
internal import BridgeModel
internal import GStreamerKit
internal import LinuxIO
internal import RTP
internal import Synchronization

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
        let sockets = context.media.map(MediaSocket.init(descriptor:))
        intake = PublishIntake(
            gate: MediaGate(fingerprints: plan.peerFingerprints), sockets: sockets,
            tracks: zip(plan.tracks, sockets).map { TrackForwarder(track: $0, socket: $1) })
    }

    func start() async throws(BridgeError) {
        do {
            let peer = try WebRTCPeer(identity: plan.identity, ice: plan.ice, gate: intake.gate, context: context)
            self.peer = peer
            let (intake, pipeline) = (intake, WeakPipeline(peer.pipeline))
            peer.bin.element.onPadAdded { pad in intake.attach(pad, to: pipeline) }
            peer.bin.onIncomingRTCP { bytes in intake.takeRTCP(bytes) }
            try await peer.play()
            let bin = peer.bin
            let videoSections = plan.tracks.indices.filter { plan.tracks[$0].kind == .video }
            let answer = try await peer.answer(plan.offer) { () throws(GStreamerError) in
                // Video only: RTX of audio has a FID group that Chromium rejects.
                for section in videoSections { try bin.transceiver(at: Int32(section))?.set("do-nack", "true") }
            }
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
        case .plan, .remoteDescription, .ping, .stop: break
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

    func statistics() async -> PipelineStats { intake.statistics }
}

/// Where webrtcbin's pads, packets and reports end on their own threads.
private final class PublishIntake: Sendable {
    let gate: MediaGate
    let sockets: [MediaSocket]
    private let tracks: [TrackForwarder]
    private let pads = Mutex<[Int: Pad]>([:])

    init(gate: MediaGate, sockets: [MediaSocket], tracks: [TrackForwarder]) {
        self.gate = gate
        self.sockets = sockets
        self.tracks = tracks
    }

    var statistics: PipelineStats {
        tracks.map(\.statistics).reduce(into: PipelineStats()) { sum, track in
            sum.packetsIn += track.packetsIn
            sum.packetsOut += track.packetsOut
            sum.packetsDropped += track.packetsDropped
        }
    }

    /// On the streaming thread, before the first packet: the pad must be linked when this returns.
    func attach(_ pad: Pad, to pipeline: WeakPipeline) {
        guard pad.isSource, let pipeline = pipeline.value else { return }
        do {
            let section = pad.mediaSection.flatMap { tracks.indices.contains($0) ? $0 : nil }
            let sink = try section.map { try makeSink(tracks[$0], pipeline) } ?? Element("fakesink")
            if section == nil { try sink.set(["sync": "false", "async": "false"]) }
            try pipeline.add(sink)
            try sink.syncStateWithParent()
            try pad.link(to: sink.pad("sink"))
            if let section { pads.withLock { $0[section] = pad } }
        } catch {
            HostFacts.logLine("viaduct-pipeline: a track cannot be read: \(error)")
        }
    }

    private func makeSink(_ track: TrackForwarder, _ pipeline: Pipeline) throws(GStreamerError) -> Element {
        let base = WeakPipeline(pipeline)
        let sink = try AppSink { [gate] item in
            guard case .sample(let sample) = item, gate.isOpen else { return true }
            // The jitter buffer keeps the arrival in DTS; the pipeline's clock is CLOCK_MONOTONIC.
            let arrival =
                sample.dts.flatMap { dts in base.value?.element.baseTime.map { $0.nanoseconds + dts.nanoseconds } } ?? ClockTime.now.nanoseconds
            track.forward(rtp: sample.bytes, arrival: MonotonicTime(nanoseconds: arrival))
            return true
        }
        return sink.element
    }

    /// On the transport's thread: sender reports go to their track.
    func takeRTCP(_ bytes: UnsafeRawBufferPointer) {
        guard gate.isOpen else { return }
        let arrival = MonotonicTime(nanoseconds: ClockTime.now.nanoseconds)
        for packet in RTCPCompound(bytes) {
            guard let report = SenderReportView(packet) else { continue }
            _ = tracks.contains { $0.forward(senderReport: packet.bytes, ssrc: report.ssrc, arrival: arrival) }
        }
    }

    /// Asks the publisher for a keyframe (PLI); nothing before the track's first packet, which a keyframe begins anyway.
    func requestKeyframe(ofTrack index: Int) {
        guard tracks.indices.contains(index), tracks[index].track.kind == .video else { return }
        pads.withLock { $0[index] }?.requestKeyframe()
    }

    /// Gives the pads up.
    func detach() { pads.withLock { $0.removeAll() } }
}
