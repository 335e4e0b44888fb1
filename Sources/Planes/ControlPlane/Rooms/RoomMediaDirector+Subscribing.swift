package import Bridge
package import BridgeModel
internal import Logging
internal import SDP

// What participants are sent.
extension RoomMediaDirector {
    /// How often bounds in pixels are compared with what the publishers send: sizes come with the first pictures, and change.
    private static let lookInterval: Duration = .seconds(2)
    /// How much more a picture counts that somebody has put in front.
    private static let preferredWeight = 4.0

    /// See `RoomMedia.subscribe`.
    package func subscribe(
        _ owner: RoomPeerOwner, to update: SubscriptionUpdate, events: @escaping @Sendable (RoomMediaEvent) -> Void
    ) async {
        var added: [(RoomSubscription, SubscriberSections.Source)] = []
        for subscription in update.added {
            guard let source = await source(of: subscription.track) else { continue }
            added.append((subscription, source))
        }
        if subscribers[owner] == nil {
            guard !added.isEmpty else { return }
            do throws(BridgeError) {
                try begin(owner, events)
            } catch {
                return events(.ended(.subscribe, error))
            }
        }
        for id in update.removed { remove(id, from: owner) }
        for (subscription, source) in added {
            subscribers[owner]?.bounds[subscription.track] = subscription.bounds
            subscribers[owner]?.sections.add(subscription.track, from: source)
        }
        for subscription in update.changed { subscribers[owner]?.bounds[subscription.track] = subscription.bounds }
        offer(to: owner)
        await applyBounds(of: [owner: update.changed.map(\.track)])
    }

    /// See `RoomMedia.accept`.
    package func accept(_ answer: String, of owner: RoomPeerOwner) async throws(BridgeError) {
        guard var subscriber = subscribers[owner], subscriber.sections.awaitsAnswer else {
            throw BridgeError(.notFound, "There is no offer to answer; wait for the next one.")
        }
        let agreement: SubscriberSections.Agreement
        do throws(SDPError) {
            agreement = try subscriber.sections.accept(answer)
        } catch {
            throw BridgeError(.unacceptableOffer, error.description)
        }
        if subscriber.life == nil, let peer = agreement.peer {
            let (id, tell) = (subscriber.id, subscriber.tell)
            let life = parts.edge.open(id, as: peer)
            subscriber.life = Task { await live(id, of: owner, life, tell) }
        }
        for id in agreement.refused {
            subscriber.bounds[id] = nil
            parts.logger.notice("A participant cannot play a track", metadata: ["room": "\(owner.room)", "track": "\(id)"])
        }
        subscribers[owner] = subscriber
        for (track, section) in agreement.begun { await attach(track, section, to: owner) }
        offer(to: owner)
        watchBounds()
    }

    // MARK: - Sections

    /// The room's own identities: what belongs together is played in step.
    private func source(of id: RoomTrackID) async -> SubscriberSections.Source? {
        // Nobody plays AAC over WebRTC.
        guard let open = tracks[id], open.description.codec != .aac else { return nil }
        let statistics = await parts.hub.statistics(of: open.stream)
        let encodings = statistics.flatMap { $0.tracks.indices.contains(Int(open.index)) ? $0.tracks[Int(open.index)].encodings : nil }
        // Whoever plays the largest picture plays the others.
        let profile = encodings?.lazy.reversed().compactMap(\.profile).first
        let group = name(of: open.track.owner) + (open.track.kind == .screen ? "-screen" : "")
        return SubscriberSections.Source(
            OfferedTrack(open.description, profile: profile, identity: StreamIdentity(stream: group, track: id.rawValue)), of: open.stream)
    }

    private func name(of participant: ParticipantID) -> String {
        if let known = names[participant] { return known }
        lastName += 1
        let name = "p\(lastName)"
        names[participant] = name
        return name
    }

    private func begin(_ owner: RoomPeerOwner, _ tell: @escaping @Sendable (RoomMediaEvent) -> Void) throws(BridgeError) {
        let id = PeerID(RandomUUID.text())
        let endpoint = try parts.edge.prepare(id, for: .subscribe)
        var random = SystemRandomNumberGenerator()
        let transport = LocalTransport(endpoint, session: UInt64.random(in: 1...UInt64(Int64.max), using: &random))
        subscribers[owner] = RoomSubscriber(id: id, transport: transport, sections: SubscriberSections(policy: Self.policy), tell: tell)
    }

    /// Tells the participant what is new, unless it has not answered yet.
    private func offer(to owner: RoomPeerOwner) {
        var random = SystemRandomNumberGenerator()
        guard let description = subscribers[owner]?.sections.offer(using: &random), let subscriber = subscribers[owner] else { return }
        let sdp = description.offer(subscriber.transport).print()
        subscribers[owner]?.transport.sessionVersion += 1
        subscriber.tell(.offer(sdp: sdp, tracks: subscriber.sections.tracks))
    }

    private func attach(_ id: RoomTrackID, _ section: EdgeSection, to owner: RoomPeerOwner) async {
        var section = section
        let known = await statistics(for: [owner: [id]])
        section.bounds = bounds(of: id, for: owner, known)
        // Much may have happened meanwhile.
        guard tracks[id] != nil, let subscriber = subscribers[owner], subscriber.sections.section(of: id) == section.section.mid else {
            return
        }
        // A page may say what it publishes before its peer is connected, and the hub has no stream to join until then.
        if let publisher = tracks[id]?.owner, publishers[publisher]?.isUp == false {
            subscribers[owner]?.held[id] = section
            return
        }
        parts.edge.attach(section, to: subscriber.id)
        subscribers[owner]?.told[id] = section.bounds
    }

    /// A publishing peer is connected: whoever waited for its tracks is sent them.
    func attachHeld(of publisher: RoomPeerOwner) async {
        for owner in Array(subscribers.keys) {
            for (id, section) in subscribers[owner]?.held ?? [:] where tracks[id]?.owner == publisher {
                subscribers[owner]?.held[id] = nil
                await attach(id, section, to: owner)
            }
        }
    }

    /// The track is dead: nothing more of it.
    func detach(_ id: RoomTrackID, from owner: RoomPeerOwner) {
        subscribers[owner]?.held[id] = nil
        guard let subscriber = subscribers[owner], let mid = subscriber.sections.section(of: id) else { return }
        parts.edge.detach(mid, from: subscriber.id)
        subscribers[owner]?.told[id] = nil
    }

    private func remove(_ id: RoomTrackID, from owner: RoomPeerOwner) {
        detach(id, from: owner)
        subscribers[owner]?.bounds[id] = nil
        _ = subscribers[owner]?.sections.remove(id)
    }

    // MARK: - Bounds

    /// Tells the engine what has changed of these tracks' bounds.
    func applyBounds(of wishes: [RoomPeerOwner: [RoomTrackID]]) async {
        let known = await statistics(for: wishes)
        for (owner, ids) in wishes {
            for id in ids { applyBounds(of: id, for: owner, known) }
        }
    }

    private func applyBounds(of id: RoomTrackID, for owner: RoomPeerOwner, _ known: [StreamID: StreamStatistics?]) {
        let bounds = bounds(of: id, for: owner, known)
        guard let subscriber = subscribers[owner], let told = subscriber.told[id], told != bounds,
            let mid = subscriber.sections.section(of: id)
        else { return }
        subscribers[owner]?.told[id] = bounds
        parts.edge.bound(mid, of: subscriber.id, by: bounds)
    }

    /// What the hub knows of the streams whose tracks have to be compared with somebody's bounds: each is asked for once, however many watch it.
    private func statistics(for wishes: [RoomPeerOwner: [RoomTrackID]]) async -> [StreamID: StreamStatistics?] {
        var known: [StreamID: StreamStatistics?] = [:]
        for (owner, ids) in wishes {
            for id in ids where subscribers[owner]?.bounds[id]?.isSized == true {
                guard let stream = tracks[id]?.stream, known[stream] == nil else { continue }
                known.updateValue(await parts.hub.statistics(of: stream), forKey: stream)
            }
        }
        return known
    }

    /// `known`: of the track's stream, if the bounds have to be compared with it.
    private func bounds(of id: RoomTrackID, for owner: RoomPeerOwner, _ known: [StreamID: StreamStatistics?]) -> SectionBounds {
        guard let open = tracks[id], let wish = subscribers[owner]?.bounds[id] else { return SectionBounds(isPaused: true) }
        var bounds = SectionBounds()
        bounds.weight = wish.isPreferred ? Self.preferredWeight : 1
        // Of the room's own tracks nothing comes while they are muted.
        bounds.isPaused = wish.isPaused || open.owner == nil && !open.isForwarded
        guard wish.isSized, open.description.kind == .video else { return bounds }
        bounds.layers = wish.layers(of: open.description, known[open.stream] ?? nil)
        return bounds
    }

    private func watchBounds() {
        guard warden == nil else { return }
        warden = Task { [weak self, clock = parts.clock] in
            while (try? await clock.sleep(clock.now().advanced(by: Self.lookInterval))) != nil {
                guard await self?.lookAtBounds() == true else { return }
            }
        }
    }

    /// False when nobody is left.
    private func lookAtBounds() async -> Bool {
        await applyBounds(of: subscribers.mapValues { $0.bounds.filter(\.value.isSized).map(\.key) })
        guard subscribers.isEmpty else { return true }
        warden = nil
        return false
    }

    // MARK: - Life

    private func live(
        _ id: PeerID, of owner: RoomPeerOwner, _ life: AsyncStream<EdgePeerEvent>, _ tell: @Sendable (RoomMediaEvent) -> Void
    ) async {
        var reason: BridgeError?
        for await event in life {
            guard subscribers[owner]?.id == id else { continue }
            switch event {
            case .connecting, .earlyMediaDropped, .levels: break
            case .connected, .reconnected: tell(.connected(.subscribe))
            case .disconnected: tell(.disconnected(.subscribe))
            case .ended(let error): reason = error ?? BridgeError(.connectionLost, "The peer's transport is over.")
            }
        }
        if subscribers[owner]?.id == id { subscribers[owner] = nil }
        tell(.ended(.subscribe, reason))
    }

    /// Ends the peer that a participant is sent to by; nil when nothing is to be waited for.
    func closeSubscriber(_ owner: RoomPeerOwner) -> Task<Void, Never>? {
        guard let subscriber = subscribers.removeValue(forKey: owner) else { return nil }
        parts.edge.close(subscriber.id)
        if subscriber.life == nil { subscriber.tell(.ended(.subscribe, nil)) }
        return subscriber.life
    }
}

/// A peer that is sent to.
struct RoomSubscriber {
    let id: PeerID
    /// For the next description.
    var transport: LocalTransport
    var sections: SubscriberSections
    let tell: @Sendable (RoomMediaEvent) -> Void
    /// What is forwarded of each track.
    var bounds: [RoomTrackID: TrackBounds] = [:]
    /// What the engine was told of it.
    var told: [RoomTrackID: SectionBounds] = [:]
    /// Sections that wait for the publishing peers of their tracks.
    var held: [RoomTrackID: EdgeSection] = [:]
    /// From the first answer on.
    var life: Task<Void, Never>?
}

extension TrackBounds {
    /// They name something that has to be compared with what is sent.
    fileprivate var isSized: Bool { width != nil || height != nil || frameRate != nil }

    /// The layers of a track that are within the bounds; the smallest picture where none is.
    fileprivate func layers(of track: TrackDescription, _ statistics: StreamStatistics?) -> LayerBounds {
        var section = NegotiatedSection(
            mid: "", index: 0, direction: .sendonly,
            format: NegotiatedFormat(codec: track.codec, payloadType: 0, channels: 1, parameters: FormatParameters(""), feedback: []))
        section.trackIndex = track.index
        var choice = LayerChoice()
        choice.greatestWidth = width
        choice.greatestHeight = height
        choice.highestTemporalID = frameRate.flatMap { highestTemporal(within: $0, of: track, statistics) }
        let menu = LayerMenu(section, statistics)
        return menu.bounds(of: choice) ?? LayerBounds(encodings: 0...0, spatial: 0...0)
    }

    /// Each temporal layer has twice the frames of the one below, as browsers send them.
    private func highestTemporal(within frameRate: Int, of track: TrackDescription, _ statistics: StreamStatistics?) -> Int? {
        guard let tracks = statistics?.tracks, tracks.indices.contains(Int(track.index)),
            let encoding = tracks[Int(track.index)].encodings.max(by: { $0.frameRate < $1.frameRate }), encoding.frameRate > 0,
            let highest = encoding.layers.map(\.temporalID).max()
        else { return nil }
        var (layer, rate) = (Int(highest), encoding.frameRate)
        while layer > 0, rate > Double(frameRate) * 1.2 { (layer, rate) = (layer - 1, rate / 2) }
        return layer
    }
}
