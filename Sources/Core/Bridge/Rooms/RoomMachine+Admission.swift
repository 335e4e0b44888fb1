import BridgeModel

// Coming in.
extension RoomMachine {
    mutating func join(_ request: RoomJoin) {
        let socket = request.socket
        guard !isOver else { return turnAway(socket, Self.over) }
        guard sockets[socket] == nil, !knocks.contains(where: { $0.request.socket == socket }) else {
            return tell(socket, .refused(RoomError(.alreadyJoined, "this socket has joined the room already; use another one")))
        }
        let grant = request.grant
        if let index = member(grant.participant), members[index].link == grant.tokenID {
            // A link may expire while somebody is in: their place is theirs.
            return takePlace(index, request)
        }
        if let error = fault(of: request) { return turnAway(socket, error) }
        if let index = member(grant.participant) {
            if members[index].info.role == grant.role { return takePlace(index, request) }
            depart(grant.participant, .replaced)
        }
        if settings.admission == .knock, grant.role != .host, grant.role != .camera { return knock(request) }
        do throws(RoomError) {
            try enter(request)
            endOwnKnock(grant.participant)
        } catch { turnAway(socket, error) }
    }

    private func fault(of request: RoomJoin) -> RoomError? {
        let grant = request.grant
        if let fault = grant.fault(room: room, account: account, at: wall) { return fault }
        if barredPeople.contains(grant.participant) {
            return RoomError(.removed, "you were removed from this room and cannot come back to it")
        }
        if barredLinks.contains(grant.tokenID) {
            return RoomError(.linkRevoked, "the link to the room was taken back; ask whoever sent it for a new one")
        }
        if let seat = grant.seat, !seats.contains(where: { $0.id == seat }) {
            return RoomError(.seatEnded, "seat \(seat) of this room has ended; give the camera a new one")
        }
        if denied[grant.participant] != nil {
            return RoomError(.denied, "you were not let in; wait a little before you knock again")
        }
        return request.name.flatMap(RoomText.nameFault)
    }

    private mutating func turnAway(_ socket: RoomSocketID, _ error: RoomError) {
        tell(socket, .refused(error))
        emit(.closeSocket(socket, .refused))
    }

    /// A newcomer comes in.
    private mutating func enter(_ request: RoomJoin) throws(RoomError) {
        let grant = request.grant
        if grant.seat == nil {
            guard members.count(where: { $0.seat == nil }) + seats.count < settings.limits.participants else {
                throw RoomError(.roomFull, "the room is full (\(settings.limits.participants)); wait until somebody leaves")
            }
            guard request.accountHeadroom.map({ $0 > 0 }) ?? true else {
                throw RoomError(.accountFull, "the account has as many participants as it may; wait until somebody leaves one of its rooms")
            }
        }
        let id = grant.participant
        let seat = grant.seat.flatMap { id in seats.first { $0.id == id } }
        let name = seat?.order.displayName ?? grant.name ?? request.name ?? "\(grant.role.rawValue)"
        var member = RoomMember(
            info: RoomParticipant(id: id, role: grant.role, name: name), link: grant.tokenID, seat: grant.seat, socket: request.socket,
            rates: RoomRates(settings.limits))
        if let seat { member.receives = seat.order.receives }
        add(member)
        sockets[request.socket] = id
        tell(request.socket, .welcome(snapshot(for: members[members.count - 1])))
        tellWaiting(to: members[members.count - 1])
        // A newcomer has nothing yet that could be batched.
        flushSubscriptions(of: members.count - 1)
        setSeat(grant.seat, .live)
    }

    /// Takes a new member into the list, and tells the others.
    mutating func add(_ member: RoomMember) {
        members.append(member)
        tellAll(but: member.id, .joined(member.info))
        emit(.event(.joined(member.info)))
        changeSubscriptions()
    }

    /// Somebody is back, or has come a second time: they take their own place.
    private mutating func takePlace(_ index: Int, _ request: RoomJoin) {
        let old = members[index]
        if let socket = old.socket {
            sockets[socket] = nil
            emit(.closeSocket(socket, .takenOver))
        }
        let hadPeers = old.socket != nil || old.awayUntil != nil
        members[index].socket = nil
        if !(request.keepsPeers && hadPeers) { dropMedia(of: old.id) }
        members[index].socket = request.socket
        members[index].awayUntil = nil
        members[index].canReceive = true
        members[index].info.presence = .here
        members[index].link = request.grant.tokenID
        sockets[request.socket] = old.id
        tell(request.socket, .welcome(snapshot(for: members[index])))
        tellUnsent(to: members[index])
        tellWaiting(to: members[index])
        tellSingle(to: members[index])
        if old.info.presence == .away { tellAll(but: old.id, .changed(members[index].info)) }
        if members[index].renewals.isDue(now: now) { flushSubscriptions(of: index) }
        setSeat(old.seat, .live)
        changeSubscriptions()
    }

    private func snapshot(for member: RoomMember) -> RoomSnapshot {
        RoomSnapshot(
            you: member.id, participants: participants, tracks: tracks, seats: seats, spotlight: spotlight, pins: member.pins,
            speaker: floor.speaker, chat: chat.messages, boards: boards, recording: recording)
    }

    // MARK: - Knocking

    private mutating func knock(_ request: RoomJoin) {
        if let index = knocks.firstIndex(where: { $0.id == request.grant.participant }) {
            emit(.closeSocket(knocks[index].request.socket, .takenOver))
            knocks[index].request = request
            return tell(request.socket, .waiting)
        }
        guard knocks.count < settings.limits.knocking else {
            return turnAway(request.socket, RoomError(.roomFull, "too many wait to be let in; try again in a minute"))
        }
        let knock = RoomKnock(request: request, until: now.advanced(by: settings.knockTime))
        knocks.append(knock)
        tell(request.socket, .waiting)
        tellDoorkeepers(Self.notice(of: knock))
    }

    /// Somebody who waited came in by another link.
    private mutating func endOwnKnock(_ id: ParticipantID) {
        guard let knock = knocks.first(where: { $0.id == id }) else { return }
        knocks.removeAll { $0.id == id }
        emit(.closeSocket(knock.request.socket, .takenOver))
        tellDoorkeepers(.knockEnded(id))
    }

    private static func notice(of knock: RoomKnock) -> RoomNotice {
        let grant = knock.request.grant
        return .knocking(knock.id, name: grant.name ?? knock.request.name ?? grant.role.rawValue, role: grant.role)
    }

    private mutating func tellWaiting(to member: RoomMember) {
        guard RoomAction.admit.permission(of: member.info.role) == .always else { return }
        for knock in knocks { tell(member.socket, Self.notice(of: knock)) }
    }

    private func requireKnock(_ id: ParticipantID) throws(RoomError) -> RoomKnock {
        guard let knock = knocks.first(where: { $0.id == id }) else {
            throw RoomError(.notFound, "participant \(id) does not wait to be let in any more")
        }
        return knock
    }

    mutating func admit(_ id: ParticipantID, by actor: RoomActor) throws(RoomError) {
        try allow(.admit, actor)
        let knock = try requireKnock(id)
        try enter(knock.request)
        knocks.removeAll { $0.id == id }
        tellDoorkeepers(.knockEnded(id))
    }

    mutating func deny(_ id: ParticipantID, by actor: RoomActor) throws(RoomError) {
        try allow(.admit, actor)
        let knock = try requireKnock(id)
        denied[id] = now.advanced(by: settings.knockPause)
        endKnock(knock, RoomError(.denied, "you were not let in; ask whoever invited you"))
    }

    /// Somebody does not wait any more; without an error they went away themselves.
    mutating func endKnock(_ knock: RoomKnock, _ error: RoomError?) {
        knocks.removeAll { $0.id == knock.id }
        tellDoorkeepers(.knockEnded(knock.id))
        if let error { return turnAway(knock.request.socket, error) }
        emit(.closeSocket(knock.request.socket, .normal))
    }
}
