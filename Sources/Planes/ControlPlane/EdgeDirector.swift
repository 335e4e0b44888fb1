package import Bridge
package import BridgeModel
package import Logging
package import SDP

/// Brings peers up on the bridge's own engine and takes them down: an offer through the negotiation, a transport for it, its tracks into a stream or
/// out of one.
package actor EdgeDirector: PeerEngine {
    let edge: any EdgePeers
    let streams: StreamRegister
    private let hub: any MediaHub
    private let clock: BridgeClock
    private let logger: Logger
    private var peers: [PeerID: Peer] = [:]
    private var opened: UInt64 = 0
    /// Peers that were offered something and have not answered.
    var offers: [PeerID: EdgeOffer] = [:]

    package init(edge: any EdgePeers, hub: any MediaHub, streams: StreamRegister, clock: BridgeClock, logger: Logger) {
        self.edge = edge
        self.hub = hub
        self.streams = streams
        self.clock = clock
        self.logger = logger
    }

    /// A lite agent needs no candidates of the peer, and begins another ICE session at any time.
    package nonisolated let abilities: PeerAbilities = [.trickle, .restart, .offers]

    /// How many peers there are.
    package var count: Int { peers.count }

    /// See `PeerEngine.open`; the answer is complete.
    package func open(
        _ context: SessionContext, offer: ReceivedOffer, events: @escaping @Sendable (PeerEvent) -> Void
    ) async throws(BridgeError) -> PeerID {
        let id = PeerID(RandomUUID.text())
        var (negotiated, tracks) = try await admit(offer, for: context)
        let use: EdgePeerUse = context.direction == .publish ? .publish(context.stream) : .watch(context.stream)
        let endpoint = try edge.prepare(id, for: use)
        var random = SystemRandomNumberGenerator()
        negotiated.peer.assignSources(cname: id.rawValue, using: &random)
        let description = negotiated.answer(LocalTransport(endpoint, session: UInt64.random(in: 1...UInt64(Int64.max), using: &random)))
        begin(id, context, as: negotiated.peer, tracks, events)
        events(.answer(sdp: description.print()))
        return id
    }

    /// Lets a prepared peer in.
    func begin(
        _ id: PeerID, _ context: SessionContext, as negotiated: NegotiatedPeer, _ tracks: [TrackDescription],
        _ events: @escaping @Sendable (PeerEvent) -> Void
    ) {
        let life = edge.open(id, as: negotiated)
        opened += 1
        var peer = Peer(number: opened, context: context, negotiated: negotiated, tracks: tracks, tell: events)
        peer.life = Task { [weak self] in await self?.live(id, life) }
        peers[id] = peer
    }

    /// See `PeerEngine.add`. A lite agent answers checks and sends none (RFC 8445 section 2.5): a candidate is read, and not needed.
    package func add(_ candidate: IceCandidate, to id: PeerID) throws(BridgeError) {
        guard peers[id] != nil else { return }
        do throws(SDPError) {
            _ = try CandidateGate.parse(candidate)
        } catch {
            throw BridgeError(.invalidField, error.description)
        }
    }

    /// See `PeerEngine.restart`.
    package func restart(_ id: PeerID, with offer: IceRestartOffer) async throws(BridgeError) -> IceRestartAnswer {
        guard peers[id] != nil, let endpoint = await edge.restart(id) else {
            throw BridgeError(.notFound, "The session has no peer any more.")
        }
        return IceRestartAnswer(
            credentials: IceParameters(ufrag: endpoint.ufrag, password: endpoint.password),
            candidates: endpoint.candidates.enumerated().map { $1.print(rank: $0) }, isLite: true)
    }

    /// Ends a peer and returns when its stream or subscription is gone. Does nothing when it has ended.
    package func close(_ id: PeerID) async {
        if offers.removeValue(forKey: id) != nil { return edge.close(id) }
        guard let life = peers[id]?.life else { return }
        peers[id]?.isClosing = true
        edge.close(id)
        await life.value
    }

    // MARK: - What a peer sends and gets

    /// What a session's newest peer sends, also before it is connected; nil without a peer.
    package func tracks(of session: SessionID) -> [TrackDescription]? {
        peers.values.filter { $0.context.session == session && $0.context.direction == .publish }.max { $0.number < $1.number }?.tracks
    }

    /// See `PeerEngine.layers`: one entry an encoding and spatial layer, each with all of its frames. An encoding that its publisher has switched off
    /// is among them, with bitrate 0.
    package func layers(of id: PeerID) async -> [VideoLayer] {
        guard let peer = peers[id], let statistics = await hub.statistics(of: peer.context.stream) else { return [] }
        return peer.videoSections.flatMap { section in
            LayerMenu(section, statistics).list
        }
    }

    /// See `PeerEngine.select`. What is named exactly is sent as long as the publisher does; a lower layer then takes its place.
    package func select(_ choice: LayerChoice, for id: PeerID) async throws(BridgeError) {
        guard let peer = peers[id] else { throw BridgeError(.notFound, "The session has no peer any more.") }
        let sections = peer.videoSections
        guard let section = choice.mid.map({ mid in sections.first { $0.mid == mid } }) ?? sections.first, let track = section.trackIndex
        else {
            throw BridgeError(.invalidField, "The viewer has no such video section.")
        }
        let statistics = await hub.statistics(of: peer.context.stream)
        guard let bounds = LayerMenu(section, statistics).bounds(of: choice) else {
            throw BridgeError(.invalidField, "The stream has no layer within the choice.")
        }
        edge.limit(id, to: bounds, ofTrack: track)
    }

    // MARK: - Beginning

    private func admit(_ offer: ReceivedOffer, for context: SessionContext) async throws(BridgeError) -> (
        NegotiatedOffer, [TrackDescription]
    ) {
        let source = try await streams.admit(context)
        let tracks = await offered(source?.tracks ?? [], of: context.stream)
        do throws(SDPError) {
            let offer = try PeerOffer(offer)
            guard let source else {
                let negotiated = try offer.acceptPublish(policy: Self.policy)
                return (negotiated, negotiated.peer.publishedTracks)
            }
            return (try offer.acceptWatch(tracks: tracks, policy: Self.policy), source.tracks)
        } catch {
            throw BridgeError(.unacceptableOffer, error.description)
        }
    }

    /// The tracks as their packets really are, which is not always what their publisher promised.
    func offered(_ tracks: [TrackDescription], of stream: StreamID) async -> [OfferedTrack] {
        guard !tracks.isEmpty, let statistics = await hub.statistics(of: stream) else { return tracks.map { OfferedTrack($0) } }
        return tracks.map { track in
            let index = Int(track.index)
            let encodings = statistics.tracks.indices.contains(index) ? statistics.tracks[index].encodings : []
            // Whoever plays the largest picture plays the others.
            return OfferedTrack(track, profile: encodings.lazy.reversed().compactMap(\.profile).first)
        }
    }

    /// One camera of a publisher: players and recordings have one picture.
    static let policy: NegotiationPolicy = {
        var policy = NegotiationPolicy()
        policy.videoSections = 1
        return policy
    }()

    // MARK: - Life

    /// From the opening to the last event; the only place that tells the peer's owner anything but the answer.
    private func live(_ id: PeerID, _ events: AsyncStream<EdgePeerEvent>) async {
        var reason: BridgeError?
        for await event in events {
            guard let peer = peers[id] else { continue }
            switch event {
            case .connecting: break
            case .levels(let levels): streams.levels.tell(levels, of: peer.context.stream)
            case .connected: await connect(id, peer)
            case .disconnected: peer.tell(.disconnected)
            case .reconnected: peer.tell(.connected)
            case .earlyMediaDropped(let packets):
                logger.warning(
                    "media dropped before the publisher was let in", metadata: peer.context.metadata.adding("packets", "\(packets)"))
            case .ended(let error): reason = error
            }
        }
        await end(id, reason: reason)
    }

    private func connect(_ id: PeerID, _ peer: Peer) async {
        guard !peer.isClosing else { return }
        if peer.context.direction == .publish {
            let stream = LiveStream(context: peer.context, tracks: peer.tracks, peer: id, source: .peer(id), since: clock.wall())
            guard await streams.publish(stream) else {
                peers[id]?.failure = StreamRegister.nameTaken
                return edge.close(id)
            }
            peers[id]?.isPublished = true
        }
        peer.tell(.connected)
    }

    private func end(_ id: PeerID, reason: BridgeError?) async {
        guard let peer = peers.removeValue(forKey: id) else { return }
        if peer.isPublished { await streams.sourceEnded(id, of: peer.context.stream) }
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
    let negotiated: NegotiatedPeer
    /// The publisher's own tracks, or the watched stream's.
    let tracks: [TrackDescription]
    let tell: @Sendable (PeerEvent) -> Void
    /// Its tracks are the stream's.
    var isPublished = false
    var isClosing = false
    /// A failure of ours that the engine does not know of.
    var failure: BridgeError?
    /// `live`; nil only while `open` builds the value.
    var life: Task<Void, Never>?

    /// The video that a viewer gets.
    var videoSections: [NegotiatedSection] { negotiated.sections.filter { $0.kind == .video && $0.direction.sends } }
}

extension LocalTransport {
    init(_ endpoint: EdgeEndpoint, session: UInt64) {
        self.init(
            ufrag: endpoint.ufrag, password: endpoint.password, fingerprints: endpoint.fingerprints, candidates: endpoint.candidates,
            session: (session, 1))
    }
}
