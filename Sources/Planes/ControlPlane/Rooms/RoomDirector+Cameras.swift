internal import Bridge
internal import BridgeModel

// The cameras that have seats, and what their agents are told.
extension RoomDirector {
    /// The account seats a camera; the same order finds its seat.
    func seat(_ order: SeatOrder) async throws(RoomError) -> (seat: RoomSeat, isNew: Bool) {
        if let same = machine.seats.first(where: { $0.order == order }) { return (same, false) }
        try cameras.check(order, in: machine.seats)
        let id = SeatID(RandomUUID.text())
        try await administer(.seat(id, order))
        guard let seat = machine.seats.first(where: { $0.id == id }) else {
            throw RoomError(.seatEnded, "seat \(id) has ended already; give the camera a new one")
        }
        return (seat, true)
    }

    func seat(_ order: SeatOrder, from socket: RoomSocketID) {
        do throws(RoomError) {
            try cameras.check(order, in: machine.seats)
            take(.command(.seat(SeatID(RandomUUID.text()), order), from: socket))
        } catch {
            enqueue(.effect(.tell([socket], .refused(error))))
        }
    }

    /// Mutes what the account wants muted.
    func mute(_ participant: ParticipantID, _ kinds: Set<RoomTrackKind>, isMuted: Bool) async throws(RoomError) {
        // One of each kind: a host's mute holds for all that somebody has of it.
        let tracks = kinds.compactMap { kind in machine.tracks.first { $0.owner == participant && $0.kind == kind } }
        guard !tracks.isEmpty else {
            throw RoomError(.notFound, "participant \(participant) publishes nothing of that kind; see who is in the room")
        }
        for track in tracks { try await administer(.mute(track.id, isMuted)) }
    }

    func revoked(_ link: String) async {
        take(.revoke(link: link))
        await drained()
    }

    /// A stream began or ended.
    func streamChanged(_ stream: StreamID) {
        for seat in cameras.seats(of: stream) {
            if surroundings.live(stream) != nil { bring(seat) } else { lost(seat.id) }
        }
    }

    /// Brings a seat's camera, when its stream is there. Whoever is in the room may seat only streams of the room's account.
    func bring(_ seat: RoomSeat) {
        guard let stream = surroundings.live(seat.order.stream), seat.owner == nil || stream.context.account == account else { return }
        cameras.came(seat.id, by: stream)
        take(.seatLive(seat.id, stream.tracks.map(SeatTrack.init)))
        setTalk(of: seat)
    }

    private func lost(_ seat: SeatID) {
        cameras.went(seat)
        take(.seatLost(seat))
        if let seat = machine.seats.first(where: { $0.id == seat }) { setTalk(of: seat) }
    }

    /// The seat comes back when its stream does.
    func lostSeat(of participant: ParticipantID) {
        if let seat = machine.seats.first(where: { $0.participant == participant }) { lost(seat.id) }
    }
}

// MARK: - Their agents

extension RoomDirector {
    func keeper(of seat: RoomSeat) -> SeatKeeper {
        SeatKeeper(seat, room: room, account: account, cameras: services.cameras, mixes: services.mixes, logger: services.logger)
    }

    /// An agent came, went, or can other things.
    func cameraChanged(_ stream: StreamID) {
        for seat in cameras.seats(of: stream) {
            tellAbilities(of: seat)
            setTalk(of: seat)
        }
    }

    func tellAbilities(of seat: RoomSeat) {
        take(.seatAbilities(seat.id, surroundings.abilities(seat.order.stream, of: account)))
    }

    /// Whoever is there hears the others when they can play them.
    private func setTalk(of seat: RoomSeat) {
        let canTalk = surroundings.abilities(seat.order.stream, of: account)?.talks == true
        cameras.keeper(of: seat.id)?.setTalk(canTalk && cameras.isHere(seat.id) && seat.order.receives.contains(.audio))
    }

    /// Tells a seated camera something, and waits for it; what is to be told of it, nil when it is done.
    func direct(_ order: CameraOrder, _ seat: SeatID, from socket: RoomSocketID) async -> RoomSocketEvent? {
        let (effects, refusal) = machine.command(
            .commandCamera(seat, order), from: socket, now: services.clock.now(), wall: services.clock.wall())
        follow(effects)
        if let refusal { return .notice(.refused(refusal)) }
        guard let cameras = services.cameras, let stream = machine.seats.first(where: { $0.id == seat })?.order.stream else { return nil }
        do throws(BridgeError) {
            try await cameras.perform(order, on: ClientID(stream.rawValue), of: account)
            return nil
        } catch {
            return .failed(error)
        }
    }
}
