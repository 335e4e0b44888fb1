package import Bridge
package import BridgeModel
package import Logging
package import SDP

/// The media of one room on the bridge's own engine: what each participant publishes is a stream of the room's own, and what each is sent goes over one
/// peer. One director a room, since tracks have their ids from it.
package actor RoomMediaDirector: RoomMedia {
    /// What a director works with.
    package struct Parts: Sendable {
        let edge: any EdgePeers & EdgeSubscribers
        let hub: any MediaHub
        let streams: StreamRegister
        let clock: BridgeClock
        let logger: Logger

        package init(
            edge: any EdgePeers & EdgeSubscribers, hub: any MediaHub, streams: StreamRegister, clock: BridgeClock, logger: Logger
        ) {
            self.edge = edge
            self.hub = hub
            self.streams = streams
            self.clock = clock
            self.logger = logger
        }
    }

    let parts: Parts
    /// The peers that publish.
    var publishers: [RoomPeerOwner: RoomPublisher] = [:]
    /// The peers that are sent to.
    var subscribers: [RoomPeerOwner: RoomSubscriber] = [:]
    /// What is open.
    var tracks: [RoomTrackID: OpenTrack] = [:]
    /// Those who hear how loud seated cameras are.
    var listeners: [RoomTrackID: Task<Void, Never>] = [:]
    /// Short names of the participants, for descriptions; each was given to one of them alone.
    var names: [ParticipantID: String] = [:]
    var lastName = 0
    /// Looks after the bounds from time to time; nil while nobody is sent anything.
    var warden: Task<Void, Never>?

    package init(_ parts: Parts) { self.parts = parts }

    /// What a room takes and gives: a microphone, a camera and a screen of each, in codecs that browsers play.
    package static let policy: NegotiationPolicy = {
        var policy = NegotiationPolicy()
        policy.videoSections = 2
        policy.codecs.removeAll { policy.lastResorts.contains($0) }
        return policy
    }()

    // MARK: - Publishing

    /// See `RoomMedia.publish`. The stream stays the same when another peer takes the place of the first, so that tracks whose sections are the same
    /// go on.
    package func publish(
        _ offer: ReceivedOffer, by owner: RoomPeerOwner, events: @escaping @Sendable (RoomMediaEvent) -> Void
    ) async throws(BridgeError) -> String {
        let negotiated: NegotiatedOffer
        do throws(SDPError) {
            negotiated = try PeerOffer(offer).acceptPublish(policy: Self.policy)
        } catch {
            throw BridgeError(.unacceptableOffer, error.description)
        }
        let stream = StreamID(owner)
        let id = PeerID(RandomUUID.text())
        let endpoint = try parts.edge.prepare(id, for: .publish(stream))
        var random = SystemRandomNumberGenerator()
        let transport = LocalTransport(endpoint, session: UInt64.random(in: 1...UInt64(Int64.max), using: &random))
        let life = parts.edge.open(id, as: negotiated.peer)
        parts.edge.reportLevels(of: id)
        let former = publishers[owner]
        if let former { parts.edge.close(former.id) }
        let task = Task { await live(id, of: owner, life, events) }
        publishers[owner] = RoomPublisher(
            id: id, stream: stream, tracks: negotiated.peer.publishedTracks,
            former: (former?.former ?? []) + (former.map { [$0.id] } ?? []),
            life: task, isUp: former?.isUp ?? false, closed: Set(tracks.values.filter { $0.owner == owner && !$0.isForwarded }.map(\.index))
        )
        for index in publishers[owner]?.closed ?? [] { parts.edge.forward(index, of: id, false) }
        return negotiated.answer(transport).print()
    }

    /// From the opening of a publishing peer to its last event.
    private func live(
        _ id: PeerID, of owner: RoomPeerOwner, _ life: AsyncStream<EdgePeerEvent>, _ tell: @Sendable (RoomMediaEvent) -> Void
    ) async {
        var reason: BridgeError?
        for await event in life {
            guard publishers[owner]?.id == id, publishers[owner]?.isClosing == false else { continue }
            switch event {
            case .connecting: break
            case .connected:
                parts.edge.publish(id)
                publishers[owner]?.isUp = true
                tell(.connected(.publish))
                await attachHeld(of: owner)
            case .disconnected: tell(.disconnected(.publish))
            case .reconnected: tell(.connected(.publish))
            case .earlyMediaDropped: break
            case .levels(let levels): heard(levels, of: owner, tell)
            case .ended(let error): reason = error ?? BridgeError(.connectionLost, "The peer's transport is over.")
            }
        }
        if let publisher = publishers[owner], publisher.id == id {
            // The stream waited for this one, if it never came.
            for source in publisher.former + [id] { parts.hub.unpublish(publisher.stream, source: .peer(source)) }
            publishers[owner] = nil
        }
        tell(.ended(.publish, reason))
    }

    private func heard(_ levels: [TrackLevel], of owner: RoomPeerOwner, _ tell: @Sendable (RoomMediaEvent) -> Void) {
        let heard = levels.flatMap { level in
            tracks.filter { $0.value.owner == owner && $0.value.index == level.track }.map { RoomLevel($0.key, level.level) }
        }
        if !heard.isEmpty { tell(.levels(heard)) }
    }

    // MARK: - Tracks

    package func open(_ track: RoomTrack, of owner: RoomPeerOwner) async throws(BridgeError) {
        guard let publisher = publishers[owner], let section = publisher.tracks.first(where: { $0.mid == track.mid }) else {
            throw BridgeError(.invalidField, "The publishing peer has no section \(track.mid) that sends; offer one, or name another.")
        }
        guard section.kind == track.kind.media else {
            throw BridgeError(
                .invalidField,
                "Section \(track.mid) is \(section.kind.rawValue), and a \(track.kind.rawValue) is not; name another section.")
        }
        tracks[track.id] = OpenTrack(track, description: section, stream: publisher.stream, owner: owner)
        // The track that had the section before may have ended muted.
        if publishers[owner]?.closed.remove(section.index) != nil { parts.edge.forward(section.index, of: publisher.id, true) }
    }

    package func open(_ track: RoomTrack, from stream: StreamID, index: UInt8) async throws(BridgeError) {
        guard let live = await parts.streams.stream(stream), let section = live.tracks.first(where: { $0.index == index }) else {
            throw BridgeError(.notFound, "The stream is not live, or has no such track; try again when its camera is back.")
        }
        tracks[track.id] = OpenTrack(track, description: section, stream: stream, owner: nil)
    }

    package func forward(_ id: RoomTrackID, _ isForwarded: Bool) async {
        guard let track = tracks[id], track.isForwarded != isForwarded else { return }
        tracks[id]?.isForwarded = isForwarded
        if let owner = track.owner {
            guard let publisher = publishers[owner] else { return }
            if isForwarded { publishers[owner]?.closed.remove(track.index) } else { publishers[owner]?.closed.insert(track.index) }
            return parts.edge.forward(track.index, of: publisher.id, isForwarded)
        }
        // The stream is not the room's alone.
        await applyBounds(of: subscribers.mapValues { _ in [id] })
    }

    package func drop(_ id: RoomTrackID) async {
        guard tracks.removeValue(forKey: id) != nil else { return }
        listeners.removeValue(forKey: id)?.cancel()
        for owner in subscribers.keys { detach(id, from: owner) }
    }

    package func trackSource(_ id: RoomTrackID) async -> RoomTrackSource? {
        tracks[id].map { RoomTrackSource(stream: $0.stream, description: $0.description, isOfRoom: $0.owner != nil) }
    }

    package func hubTrack(of id: RoomTrackID) async -> RoomTrackSource? {
        if let owner = tracks[id]?.owner, publishers[owner]?.isUp != true { return nil }
        return await trackSource(id)
    }

    // MARK: - Ending

    package func close(_ peers: Set<RoomPeerKind>, of owner: RoomPeerOwner) async {
        var lives: [Task<Void, Never>] = []
        if peers.contains(.publish), let publisher = publishers[owner] {
            publishers[owner]?.isClosing = true
            parts.edge.close(publisher.id)
            lives.append(publisher.life)
        }
        if peers.contains(.subscribe), let life = closeSubscriber(owner) { lives.append(life) }
        // A room may stand for years, and people come and go.
        if peers.count == RoomPeerKind.allCases.count { names[owner.participant] = nil }
        for life in lives { await life.value }
    }
}

/// A peer that publishes.
struct RoomPublisher {
    let id: PeerID
    let stream: StreamID
    /// What it may send, by section.
    let tracks: [TrackDescription]
    /// The peers whose place it took.
    let former: [PeerID]
    let life: Task<Void, Never>
    /// The stream is in the hub: this peer is connected, or one before it was.
    var isUp: Bool
    /// Tracks that nobody gets.
    var closed: Set<UInt8>
    var isClosing = false
}

/// A track that somebody may be sent.
struct OpenTrack {
    let track: RoomTrack
    let description: TrackDescription
    let stream: StreamID
    /// Whose publishing peer sends it; nil for a stream that is not of the room.
    let owner: RoomPeerOwner?
    var isForwarded = true

    init(_ track: RoomTrack, description: TrackDescription, stream: StreamID, owner: RoomPeerOwner?) {
        self.track = track
        self.description = description
        self.stream = stream
        self.owner = owner
    }

    var index: UInt8 { description.index }
}

extension StreamID {
    /// What a participant publishes in a room. No stream has such a name that somebody chose: those have no control characters.
    init(_ owner: RoomPeerOwner) {
        self.init(["room", owner.account.rawValue, owner.room.rawValue, owner.participant.rawValue].joined(separator: "\u{1F}"))
    }
}
