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
        flushAt = flushAt ?? now.advanced(by: settings.batch)
    }

    mutating func subscriberLost(_ id: ParticipantID) {
        guard let index = member(id) else { return }
        members[index].subscriptions = []
        emit(.renewSubscriber(id))
        changeSubscriptions()
    }

    mutating func flushSubscriptions() {
        flushAt = nil
        for index in members.indices {
            let wanted = subscriptions(of: members[index])
            let update = SubscriptionUpdate(from: members[index].subscriptions, to: wanted)
            guard !update.isEmpty else { continue }
            members[index].subscriptions = wanted
            emit(.subscribe(members[index].id, update))
        }
    }

    private func subscriptions(of member: RoomMember) -> [RoomSubscription] {
        guard member.canReceive else { return [] }
        return tracks.filter { $0.owner != member.id && member.receives.contains($0.kind.media) }.map { track in
            guard track.kind.media == .video else { return RoomSubscription(track.id, TrackBounds()) }
            let isPreferred = track.kind == .screen || spotlight.contains(track.id) || member.pins.contains(track.id)
            return RoomSubscription(track.id, TrackBounds(member.views[track.id] ?? settings.firstView, isPreferred: isPreferred))
        }
    }
}
