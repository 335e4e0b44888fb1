import BridgeModel

// Cameras and their seats.
extension RoomMachine {
    mutating func seat(_ id: SeatID, _ order: SeatOrder, by actor: RoomActor) throws(RoomError) {
        let owner: ParticipantID? = if case .participant(let id) = actor { id } else { nil }
        try allow(.seatCamera, actor, owner: owner)
        if let seated = seats.first(where: { $0.order.source == order.source || $0.id == id }) {
            throw RoomError(.alreadySeated, "the camera has seat \(seated.id) of this room already; end that one first")
        }
        if let fault = RoomText.nameFault(order.displayName) { throw fault }
        guard !order.sends.isEmpty || !order.receives.isEmpty else {
            throw RoomError(.invalidField, "a camera that neither sends nor receives needs no seat; name what it does")
        }
        if let until = order.until, until <= wall {
            throw RoomError(.invalidField, "the seat would have ended before now; name a later time")
        }
        let limits = settings.limits
        guard seats.count < limits.seats, members.count(where: { $0.seat == nil }) + seats.count < limits.participants else {
            throw RoomError(.limitReached, "the room has no seat left for a camera; end another one first")
        }
        try spend(\.changes, actor)
        let seat = RoomSeat(id: id, order: order, owner: owner)
        seats.append(seat)
        seatEnds[id] = order.until.map { now.advanced(by: .nanoseconds($0.nanoseconds - wall.nanoseconds)) }
        emit(.event(.cameraSeated(seat)))
        tellAll(.seat(seat))
        emit(.seatCamera(seat))
    }

    func requireSeat(_ id: SeatID) throws(RoomError) -> RoomSeat {
        guard let seat = seats.first(where: { $0.id == id }) else {
            throw RoomError(.notFound, "seat \(id) is not in the room any more")
        }
        return seat
    }

    /// What a seat begins and ends by itself is nobody's to tell.
    mutating func commandCamera(_ id: SeatID, _ order: CameraOrder, by actor: RoomActor) throws(RoomError) {
        let seat = try requireSeat(id)
        try allow(.commandCamera, actor, owner: seat.owner)
        guard order.isControl else {
            throw RoomError(.invalidField, "the seat itself says when its camera sends and what it plays; end the seat instead")
        }
        try spend(\.orders, actor)
    }

    /// Tells when a seat's camera can be told something, or no more.
    mutating func setAbilities(_ abilities: CameraAbilities?, of id: SeatID) {
        guard let index = seats.firstIndex(where: { $0.id == id }), seats[index].abilities != abilities else { return }
        seats[index].abilities = abilities
        tellAll(.seat(seats[index]))
    }

    mutating func unseat(_ id: SeatID, by actor: RoomActor) throws(RoomError) {
        let seat = try requireSeat(id)
        try allow(.seatCamera, actor, owner: seat.owner)
        unseat(id, .removed)
    }

    /// A seat ends; its camera leaves before it.
    mutating func unseat(_ id: SeatID, _ end: RoomSeat.End) {
        guard let index = seats.firstIndex(where: { $0.id == id }) else { return }
        depart(seats[index].participant, end == .roomEnded ? .roomEnded : .seatEnded)
        let seat = seats.remove(at: index)
        seatEnds[id] = nil
        emit(.releaseCamera(id))
        tellAll(.unseated(id, end))
        emit(.event(.cameraUnseated(seat, end)))
    }

    /// The camera that the bridge joins is there. One that has joined by itself needs no bridge.
    mutating func seatLive(_ id: SeatID, tracks: [SeatTrack]) {
        guard let seat = seats.first(where: { $0.id == id }) else { return }
        if let index = member(seat.participant) {
            guard members[index].socket == nil, members[index].awayUntil == nil else { return }
            unpublishAll(of: seat.participant)
            setPresence(.here, of: index)
        } else {
            add(
                RoomMember(
                    info: RoomParticipant(id: seat.participant, role: .camera, name: seat.order.displayName), link: "", seat: id,
                    rates: RoomRates(settings.limits)))
        }
        guard let index = member(seat.participant) else { return }
        members[index].receives = seat.order.receives
        members[index].canReceive = !seat.order.receives.isEmpty
        setSeat(id, .live)
        publish(tracks, of: seat)
        changeSubscriptions()
    }

    /// As many as may be, of what the seat sends.
    private mutating func publish(_ offered: [SeatTrack], of seat: RoomSeat) {
        var mids: Set<String> = []
        let sent = offered.filter { seat.order.sends.contains($0.kind.media) && $0.kind != .screen && mids.insert($0.mid).inserted }
        let room = min(settings.limits.tracksOfParticipant, settings.limits.tracks - tracks.count)
        for track in sent.prefix(max(0, room)) { open(track.kind, mid: track.mid, owner: seat.participant) }
    }

    /// The camera that the bridge joins has dropped: its seat is kept for as long as it takes.
    mutating func seatLost(_ id: SeatID) {
        guard let seat = seats.first(where: { $0.id == id }), let index = member(seat.participant), members[index].socket == nil,
            members[index].awayUntil == nil, seat.state == .live
        else { return }
        giveUpMedia(of: seat.participant)
        setPresence(.away, of: index)
        setSeat(id, .away)
    }

    private mutating func setPresence(_ presence: RoomParticipant.Presence, of index: Int) {
        guard members[index].info.presence != presence else { return }
        members[index].info.presence = presence
        tellAll(but: members[index].id, .changed(members[index].info))
    }

    /// Tells when a seat's camera has come or gone.
    mutating func setSeat(_ id: SeatID?, _ state: RoomSeat.State) {
        guard let index = seats.firstIndex(where: { $0.id == id }), seats[index].state != state else { return }
        seats[index].state = state
        tellAll(.seat(seats[index]))
    }
}
