import BridgeModel

// What is published, and who is sent it.
extension RoomMachine {
    mutating func publish(_ kind: RoomTrackKind, mid: String, by actor: RoomActor) throws(RoomError) {
        let member = members[try requireSelf(actor)]
        try allow(kind.publishing, actor, owner: member.id)
        if let seat = seats.first(where: { $0.id == member.seat }), !seat.order.sends.contains(kind.media) {
            throw RoomError(.forbidden, "the camera's seat takes no \(kind.media.rawValue); give it a seat that does")
        }
        let own = tracks.filter { $0.owner == member.id }
        guard !own.contains(where: { $0.mid == mid }) else {
            throw RoomError(.alreadyPublished, "section \(mid) is published already; unpublish it first")
        }
        guard own.count < settings.limits.tracksOfParticipant, tracks.count < settings.limits.tracks else {
            throw RoomError(.limitReached, "no more tracks can be published; unpublish one first")
        }
        try spend(\.changes, actor)
        open(kind, mid: mid, owner: member.id)
    }

    /// A track begins to live.
    mutating func open(_ kind: RoomTrackKind, mid: String, owner: ParticipantID) {
        lastTrack += 1
        var track = RoomTrack(id: RoomTrackID("t\(lastTrack)"), owner: owner, kind: kind, mid: mid)
        track.isMutedByHost = hostMutes[owner]?.contains(kind) ?? false
        tracks.append(track)
        emit(.openTrack(track))
        emit(.forward(track.id, !track.isMuted))
        tellAll(.published(track))
        emit(.event(.trackPublished(track)))
        changeSubscriptions()
    }

    mutating func unpublish(_ id: RoomTrackID, by actor: RoomActor) throws(RoomError) {
        let track = tracks[try requireTrack(id)]
        guard actor == .participant(track.owner) else {
            throw RoomError(.forbidden, "track \(id) is somebody else's; mute it instead")
        }
        close(track)
    }

    mutating func unpublishAll(of owner: ParticipantID) {
        for track in tracks where track.owner == owner { close(track) }
    }

    /// A track is dead: it is nowhere any more.
    private mutating func close(_ track: RoomTrack) {
        tracks.removeAll { $0.id == track.id }
        for index in members.indices {
            members[index].views[track.id] = nil
            members[index].pins.removeAll { $0 == track.id }
        }
        emit(.dropTrack(track.id))
        tellAll(.unpublished(track.id))
        if spotlight.contains(track.id) {
            spotlight.removeAll { $0 == track.id }
            tellAll(.spotlighted(spotlight))
        }
        emit(.event(.trackUnpublished(track)))
        if track.kind == .microphone, floor.remove(track.owner) { tellAll(.speaker(nil)) }
        changeSubscriptions()
    }

    // MARK: - Muting

    /// A host mutes all that somebody has of a kind, now and later. Nobody but oneself opens what one has muted oneself.
    mutating func mute(_ id: RoomTrackID, _ isMuted: Bool, by actor: RoomActor) throws(RoomError) {
        let track = tracks[try requireTrack(id)]
        try allow(.mute, actor, owner: track.owner)
        let isOwn = actor == .participant(track.owner)
        guard isMuted || !isOwn || !track.isMutedByHost else {
            throw RoomError(.forbidden, "a host of the room has muted this; raise your hand")
        }
        try spend(\.changes, actor)
        if isOwn { return setMute(of: track) { $0.isMutedByOwner = isMuted } }
        if isMuted { hostMutes[track.owner, default: []].insert(track.kind) } else { hostMutes[track.owner]?.remove(track.kind) }
        if hostMutes[track.owner]?.isEmpty == true { hostMutes[track.owner] = nil }
        for same in tracks where same.owner == track.owner && same.kind == track.kind {
            setMute(of: same) { $0.isMutedByHost = isMuted }
        }
    }

    private mutating func setMute(of track: RoomTrack, _ change: (inout RoomTrack) -> Void) {
        guard let index = tracks.firstIndex(where: { $0.id == track.id }) else { return }
        change(&tracks[index])
        guard tracks[index] != track else { return }
        if tracks[index].isMuted != track.isMuted { emit(.forward(track.id, !tracks[index].isMuted)) }
        tellAll(.trackChanged(tracks[index]))
        if tracks[index].isMuted, track.kind == .microphone, floor.remove(track.owner) { tellAll(.speaker(nil)) }
    }

    // MARK: - Views

    mutating func view(_ views: [RoomTrackID: TrackView], by actor: RoomActor) throws(RoomError) {
        let index = try requireSelf(actor)
        try allow(.view, actor, owner: members[index].id)
        // A track that died while the message was under way is no mistake.
        for track in tracks { if let view = views[track.id] { members[index].views[track.id] = view } }
        changeSubscriptions()
    }

    mutating func pin(_ pins: [RoomTrackID], by actor: RoomActor) throws(RoomError) {
        let index = try requireSelf(actor)
        try allow(.pin, actor, owner: members[index].id)
        try check(pins, limit: settings.limits.pins)
        members[index].pins = pins
        tell(members[index].socket, .pinned(pins))
        changeSubscriptions()
    }

    mutating func spotlight(_ new: [RoomTrackID], by actor: RoomActor) throws(RoomError) {
        try allow(.spotlight, actor)
        try check(new, limit: settings.limits.spotlights)
        try spend(\.changes, actor)
        guard new != spotlight else { return }
        spotlight = new
        tellAll(.spotlighted(new))
        changeSubscriptions()
    }

    private func check(_ list: [RoomTrackID], limit: Int) throws(RoomError) {
        guard list.count <= limit else { throw RoomError(.limitReached, "at most \(limit) tracks can be kept in view; name fewer") }
        guard Set(list).count == list.count else { throw RoomError(.invalidField, "a track is named twice; name each once") }
        for track in list { _ = try requireTrack(track) }
    }

    // MARK: - Subscriptions

    /// What follows from the tracks, views and members now is told within the batch window.
    mutating func changeSubscriptions() {
        guard !isOver else { return }
        let soon = now.advanced(by: settings.batch)
        flushAt = flushAt.map { min($0, soon) } ?? soon
    }

    mutating func subscriberLost(_ id: ParticipantID) {
        guard let index = member(id) else { return }
        members[index].subscriptions = []
        members[index].renewals.lost(now: now)
        emit(.renewSubscriber(id))
        changeSubscriptions()
    }

    mutating func flushSubscriptions() {
        flushAt = nil
        for index in members.indices where members[index].renewals.isDue(now: now) { flushSubscriptions(of: index) }
        flushAt = members.compactMap(\.renewals.until).min()
    }

    /// Of one member, as they are now.
    mutating func flushSubscriptions(of index: Int) {
        let (wanted, unsent) = subscriptions(of: members[index])
        if unsent != members[index].unsent {
            members[index].unsent = unsent
            tell(members[index].socket, .unsent(unsent))
        }
        let update = SubscriptionUpdate(from: members[index].subscriptions, to: wanted)
        guard !update.isEmpty else { return }
        members[index].subscriptions = wanted
        emit(.subscribe(members[index].id, update))
    }

    /// Somebody who is back with their peers is not told by `welcome` what they are not sent.
    mutating func tellUnsent(to member: RoomMember) {
        if !member.unsent.isEmpty { tell(member.socket, .unsent(member.unsent)) }
    }

    /// All there is, or as much as one description holds, in the order in which it was published; and what is left out.
    private func subscriptions(of member: RoomMember) -> (sent: [RoomSubscription], unsent: [RoomTrackID]) {
        guard member.canReceive else { return ([], []) }
        if member.single == .on { return (Self.singleSubscriptions(of: member), []) }
        let all = tracks.filter { $0.owner != member.id && member.receives.contains($0.kind.media) }
        let most = settings.limits.subscriptions
        guard all.count > most else { return (all.map { subscription(of: member, to: $0) }, []) }
        let ranks = all.map { rank(of: $0, for: member) }
        // Of a rank the oldest: who comes last takes nobody's place.
        let chosen = Set(all.indices.sorted { (ranks[$0], $0) < (ranks[$1], $1) }.prefix(most))
        return (
            all.indices.filter(chosen.contains).map { subscription(of: member, to: all[$0]) },
            all.indices.filter { !chosen.contains($0) }.map { all[$0].id }
        )
    }

    private func subscription(of member: RoomMember, to track: RoomTrack) -> RoomSubscription {
        guard track.kind.media == .video else { return RoomSubscription(track.id, TrackBounds()) }
        let view = member.views[track.id] ?? settings.firstView
        return RoomSubscription(track.id, TrackBounds(view, isPreferred: isPreferred(track, by: member)))
    }

    private func isPreferred(_ track: RoomTrack, by member: RoomMember) -> Bool {
        track.kind == .screen || spotlight.contains(track.id) || member.pins.contains(track.id)
    }

    /// What counts where not all can be sent, the lowest first: pictures in front, voices, pictures that the member says they see, others, and those that
    /// they say they do not.
    private func rank(of track: RoomTrack, for member: RoomMember) -> Int {
        guard track.kind.media == .video else { return 1 }
        if isPreferred(track, by: member) { return 0 }
        switch member.views[track.id]?.isVisible {
        case true?: return 2
        case nil: return 3
        case false?: return 4
        }
    }
}
