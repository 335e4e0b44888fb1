import BridgeModel

// One step: what is due, what was asked, what is told.
extension RoomMachine {
    mutating func setTime(now: MonotonicTime, wall: WallTime) {
        self.now = max(self.now, now)
        self.wall = wall
    }

    mutating func doWhatIsDue() {
        guard !isOver else { return }
        giveUpPlaces()
        giveUpKnocks()
        for (seat, until) in seatEnds.sorted(by: { $0.key.rawValue < $1.key.rawValue }) where until <= now { unseat(seat, .timeOver) }
        if floor.tick(now: now) { tellAll(.speaker(nil)) }
        if let idleAt, idleAt <= now { return end(.idle) }
        if let flushAt, flushAt <= now { flushSubscriptions() }
    }

    mutating func finishStep() -> [Effect] {
        if !isOver {
            let isEmpty = knocks.isEmpty && members.allSatisfy { $0.seat != nil }
            idleAt = isEmpty ? idleAt ?? settings.idleEnd.map { now.advanced(by: $0) } : nil
        }
        defer { output = [] }
        return output
    }

    private mutating func giveUpPlaces() {
        for member in members {
            guard let until = member.awayUntil, until <= now else { continue }
            if member.seat == nil { depart(member.id, .connectionLost) } else { giveUpMedia(of: member.id) }
        }
    }

    private mutating func giveUpKnocks() {
        for knock in knocks where knock.until <= now {
            endKnock(knock, RoomError(.knockTimeout, "nobody let you in; call somebody in the room and try again"))
        }
        denied = denied.filter { $0.value > now }
    }

    // MARK: - Telling

    mutating func emit(_ effect: Effect) { output.append(effect) }

    mutating func tell(_ socket: RoomSocketID?, _ notice: RoomNotice) {
        guard let socket else { return }
        emit(.tell([socket], notice))
    }

    /// Tells everybody whose socket is there.
    mutating func tellAll(but excepted: ParticipantID? = nil, _ notice: RoomNotice) {
        guard !isOver else { return }
        let sockets = members.filter { $0.id != excepted }.compactMap(\.socket)
        if !sockets.isEmpty { emit(.tell(sockets, notice)) }
    }

    /// Tells those who may let others in.
    mutating func tellDoorkeepers(_ notice: RoomNotice) {
        let sockets = members.filter { RoomAction.admit.permission(of: $0.info.role) == .always }.compactMap(\.socket)
        if !sockets.isEmpty { emit(.tell(sockets, notice)) }
    }

    // MARK: - Who and what there is

    func member(_ id: ParticipantID) -> Int? { members.firstIndex { $0.id == id } }

    func requireMember(_ id: ParticipantID) throws(RoomError) -> Int {
        guard let index = member(id) else { throw RoomError(.notFound, "participant \(id) is not in the room") }
        return index
    }

    /// The actor's own place in the room.
    func requireSelf(_ actor: RoomActor) throws(RoomError) -> Int {
        guard case .participant(let id) = actor, let index = member(id) else {
            throw RoomError(.forbidden, "only somebody in the room can do that; join it first")
        }
        return index
    }

    func requireTrack(_ id: RoomTrackID) throws(RoomError) -> Int {
        guard let index = tracks.firstIndex(where: { $0.id == id }) else {
            throw RoomError(.notFound, "track \(id) is not in the room any more")
        }
        return index
    }

    func requireVideo(_ id: RoomTrackID) throws(RoomError) -> RoomTrack {
        let track = tracks[try requireTrack(id)]
        guard track.kind.media == .video else { throw RoomError(.invalidField, "track \(id) has no picture; name a video track") }
        return track
    }

    // MARK: - What they may

    /// Throws unless `actor` may do it to what is `owner`'s.
    func allow(_ action: RoomAction, _ actor: RoomActor, owner: ParticipantID? = nil) throws(RoomError) {
        switch permission(action, actor) {
        case .always: return
        case .own:
            if let owner, actor == .participant(owner) { return }
            throw RoomError(.forbidden, "you may do that (\(action.rawValue)) only with what is yours; ask a host of the room")
        case .never: throw RoomError(.forbidden, "your role in this room does not allow that (\(action.rawValue)); ask a host of the room")
        }
    }

    func permission(_ action: RoomAction, _ actor: RoomActor) -> RoomPermission {
        switch actor {
        case .account: action.permissionOfAccount
        case .participant(let id): member(id).map { action.permission(of: members[$0].info.role) } ?? .never
        }
    }

    /// Takes one from a budget of the actor's; the account has no budgets.
    mutating func spend(_ budget: WritableKeyPath<RoomRates, RateLimit>, _ actor: RoomActor) throws(RoomError) {
        guard case .participant(let id) = actor, let index = member(id) else { return }
        guard members[index].rates[keyPath: budget].admit(now: now) else {
            throw RoomError(.rateLimited, "too many of these in a short time; this one was not taken, wait a second")
        }
    }
}
