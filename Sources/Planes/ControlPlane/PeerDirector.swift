package import Bridge
package import BridgeModel
internal import LinuxIO
package import Logging
package import SDP

/// Brings peers up and takes them down: an offer through the gate, a pipeline for it, its sockets to the hub.
package actor PeerDirector: PeerEngine {
    private let launcher: any PipelineLauncher
    private let hub: any MediaHub
    private let streams: StreamRegister
    private let identity: DTLSIdentity
    private let ice: IceSettings
    private let clock: BridgeClock
    private let logger: Logger
    private var peers: [PeerID: Peer] = [:]
    private var opened: UInt64 = 0
    /// Of the streams whose layers somebody asked for; dropped with the last peer.
    private var meters: [StreamID: BitrateMeter] = [:]

    /// `identity`: the certificate of this run of the bridge; every peer sees the same.
    package init(
        launcher: any PipelineLauncher, hub: any MediaHub, streams: StreamRegister, identity: DTLSIdentity, ice: IceSettings,
        clock: BridgeClock, logger: Logger
    ) {
        self.launcher = launcher
        self.hub = hub
        self.streams = streams
        self.identity = identity
        self.ice = ice
        self.clock = clock
        self.logger = logger
    }

    /// What a session's newest peer sends, also before it is connected; nil without a peer.
    package func tracks(of session: SessionID) -> [TrackDescription]? {
        peers.values.filter { $0.context.session == session && $0.context.direction == .publish }.max { $0.number < $1.number }?.tracks
    }

    /// How many peers there are.
    package var count: Int { peers.count }

    /// See `PeerEngine.open`.
    package func open(
        _ context: SessionContext, offer: ReceivedOffer, events: @escaping @Sendable (PeerEvent) -> Void
    ) async throws(BridgeError) -> PeerID {
        let (accepted, tracks) = try await admit(offer, for: context)
        let id = PeerID(RandomUUID.text())
        let plan = PipelinePlan(pipeline: PipelineID(id.rawValue), work: work(accepted, tracks: tracks))
        opened += 1
        var peer = Peer(number: opened, context: context, offer: accepted, tracks: tracks, tell: events)
        peer.life = Task { [weak self] in await self?.live(id, plan: plan) }
        peers[id] = peer
        return id
    }

    /// See `PeerEngine.add`.
    package func add(_ candidate: IceCandidate, to id: PeerID) throws(BridgeError) {
        guard let peer = peers[id] else { return }
        do throws(SDPError) {
            guard let forEngine = try peer.offer.candidateForEngine(candidate) else { return }
            send(.candidate(forEngine), to: id)
        } catch {
            throw BridgeError(.invalidField, error.description)
        }
    }

    /// Ends a peer and returns when its stream or subscription is gone. Does nothing when it has ended.
    package func close(_ id: PeerID) async {
        guard let life = peers[id]?.life else { return }
        peers[id]?.isClosing = true
        send(.stop(deadline: Self.stopDeadline), to: id)
        await life.value
    }

    /// A peer's pipeline has nothing to finish: this is for a goodbye on the wire.
    private static let stopDeadline = Duration.seconds(1)

    // MARK: - What webrtcbin can and cannot

    /// webrtcbin takes candidates at any time; another ICE session would need another offer (GStreamer 1.22).
    package nonisolated let abilities: PeerAbilities = .trickle

    /// See `PeerEngine.restart`; not among the `abilities`.
    package func restart(_ id: PeerID, with offer: IceRestartOffer) throws(BridgeError) -> IceRestartAnswer {
        throw BridgeError(.unavailable, "This engine cannot restart ICE; open a new session.")
    }

    /// See `PeerEngine.layers`: what the source sends is forwarded as it is, so that each video track is one layer.
    package func layers(of id: PeerID) async -> [VideoLayer] {
        guard let peer = peers[id], let statistics = await hub.statistics(of: peer.context.stream) else { return [] }
        let rates = meters[peer.context.stream, default: BitrateMeter()].rates(statistics.tracks, now: clock.now())
        return peer.videoViews.map { view in
            let index = Int(view.sourceIndex)
            return VideoLayer(mid: view.mid, bitrate: rates.indices.contains(index) ? rates[index] : 0)
        }
    }

    /// See `PeerEngine.select`: there is one layer to choose.
    package func select(_ choice: LayerChoice, for id: PeerID) throws(BridgeError) {
        guard let peer = peers[id] else { throw BridgeError(.notFound, "The session has no peer any more.") }
        let layers = peer.videoViews.map { VideoLayer(mid: $0.mid, bitrate: 0) }
        guard layers.contains(where: choice.admits) else {
            throw BridgeError(.invalidField, "The stream has one layer, which is outside the choice.")
        }
    }

    // MARK: - Beginning

    private func admit(_ offer: ReceivedOffer, for context: SessionContext) async throws(BridgeError) -> (AcceptedOffer, [TrackDescription])
    {
        let source = try await streams.admit(context)
        do throws(SDPError) {
            guard let source else {
                let accepted = try OfferGate.acceptPublish(offer.text, policy: GatePolicy())
                return (accepted, accepted.publishTracks)
            }
            return (try OfferGate.acceptView(offer.text, tracks: source.tracks, policy: GatePolicy()), source.tracks)
        } catch {
            throw BridgeError(.unacceptableOffer, error.description)
        }
    }

    private func work(_ accepted: AcceptedOffer, tracks: [TrackDescription]) -> PipelinePlan.Work {
        guard accepted.viewTracks.isEmpty else {
            let views = accepted.viewTracks.compactMap { view in
                tracks.first { $0.index == view.sourceIndex }.map { ViewTrack(source: $0, payloadType: view.payloadType, mid: view.mid) }
            }
            return .view(
                ViewPlan(
                    offer: accepted.engineOffer, tracks: views, peerFingerprints: accepted.fingerprints, identity: identity, ice: ice))
        }
        return .publish(
            PublishPlan(
                offer: accepted.engineOffer, tracks: tracks, peerFingerprints: accepted.fingerprints, identity: identity, ice: ice))
    }

    // MARK: - Life

    /// From the launch to the last event; the only place that tells the peer's owner anything.
    private func live(_ id: PeerID, plan: PipelinePlan) async {
        var reason: BridgeError?
        do throws(BridgeError) {
            let pipeline = try await launcher.launch(plan)
            begin(id, with: pipeline)
            for await event in pipeline.events {
                if case .failed(let error) = event { reason = error }
                await handle(event, of: id)
            }
        } catch {
            reason = error
        }
        await end(id, reason: reason)
    }

    private func begin(_ id: PeerID, with pipeline: any RunningPipeline) {
        peers[id]?.pipeline = pipeline
        let queued = peers[id]?.queued ?? []
        peers[id]?.queued = []
        for command in queued { pipeline.send(command) }
    }

    private func send(_ command: PipelineCommand, to id: PeerID) {
        guard let pipeline = peers[id]?.pipeline else {
            peers[id]?.queued.append(command)
            return
        }
        pipeline.send(command)
    }

    private func handle(_ event: PipelineEvent, of id: PeerID) async {
        guard let peer = peers[id] else { return }
        switch event {
        case .localDescription(let sdp): answer(sdp, of: id, peer)
        case .candidate(let candidate): peer.offer.candidateForPeer(candidate).map { peer.tell(.candidate($0)) }
        case .connected: await connect(id, peer)
        case .disconnected: peer.tell(.disconnected)
        case .keyframeNeeded(let track): hub.requestKeyframe(of: peer.context.stream, track: track)
        case .warning(_, let message):
            logger.warning("peer pipeline", metadata: peer.context.metadata.adding("warning", message))
        case .ready, .started, .firstFrame, .fileBegan, .fileEnded, .gap, .movieGrew, .movieEnded, .segmentClosed, .voice, .picture,
            .pictureFailed, .background, .microphone,
            .stats, .alive, .failed,
            .finished:
            break
        }
    }

    private func answer(_ sdp: String, of id: PeerID, _ peer: Peer) {
        do throws(SDPError) {
            peer.tell(.answer(sdp: try peer.offer.finishAnswer(engineAnswer: sdp)))
        } catch {
            logger.error("the engine's answer does not fit the offer", metadata: peer.context.metadata.adding("error", error.description))
            peers[id]?.failure = BridgeError(.internal, "The engine's answer does not fit the offer: \(error.description)")
            send(.stop(deadline: Self.stopDeadline), to: id)
        }
    }

    private func connect(_ id: PeerID, _ peer: Peer) async {
        // ICE may come back after a loss: the sockets were handed over at the first time.
        guard !peer.isConnected else { return peer.tell(.connected) }
        guard !peer.isClosing, let pipeline = peer.pipeline else { return }
        switch peer.context.direction {
        case .publish:
            guard await publish(id, peer, media: pipeline.media) else { return }
        case .watch:
            hub.subscribe(
                pipeline.id, to: peer.context.stream, tracks: peer.offer.viewTracks.map(\.sourceIndex), sinks: pipeline.media, timing: .live
            )
        }
        peers[id]?.isConnected = true
        peer.tell(.connected)
    }

    /// Enters the stream; false when the peer ends because it may not.
    private func publish(_ id: PeerID, _ peer: Peer, media: [MediaDescriptor]) async -> Bool {
        guard let first = media.first else { return false }
        let stream = LiveStream(context: peer.context, tracks: peer.tracks, peer: id, source: .child(first), since: clock.wall())
        if await streams.publish(stream, sources: media) { return true }
        peers[id]?.failure = StreamRegister.nameTaken
        send(.stop(deadline: Self.stopDeadline), to: id)
        return false
    }

    private func end(_ id: PeerID, reason: BridgeError?) async {
        guard let peer = peers.removeValue(forKey: id) else { return }
        if !peers.values.contains(where: { $0.context.stream == peer.context.stream }) { meters[peer.context.stream] = nil }
        switch (peer.isConnected, peer.context.direction) {
        case (true, .publish): await streams.sourceEnded(id, of: peer.context.stream)
        case (true, .watch): hub.unsubscribe(PipelineID(id.rawValue))
        case (false, _): peer.pipeline?.media.forEach { closeDescriptor($0.rawValue) }
        }
        let reason = peer.failure ?? (peer.isClosing ? nil : reason ?? BridgeError(.connectionLost, "The peer's transport is over."))
        if let reason {
            logger.notice("peer ended", metadata: peer.context.metadata.adding("reason", reason.description))
        }
        peer.tell(.ended(reason))
    }
}

/// What the director knows of a peer.
private struct Peer {
    /// Order of opening.
    let number: UInt64
    let context: SessionContext
    let offer: AcceptedOffer
    /// The publisher's own tracks, or the watched stream's.
    let tracks: [TrackDescription]
    let tell: @Sendable (PeerEvent) -> Void
    var pipeline: (any RunningPipeline)?
    /// Commands that came before the pipeline was there.
    var queued: [PipelineCommand] = []
    /// Its media sockets belong to the hub.
    var isConnected = false
    var isClosing = false
    /// A failure of ours that the pipeline does not know of.
    var failure: BridgeError?
    /// `live`; nil only while `open` builds the value.
    var life: Task<Void, Never>?

    /// The video that a viewer gets.
    var videoViews: [AcceptedOffer.ViewTrack] {
        offer.viewTracks.filter { view in tracks.contains { $0.index == view.sourceIndex && $0.kind == .video } }
    }
}
