import BridgeModel

// Going away, for a while or for good.
extension RoomMachine {
    mutating func socketLost(_ socket: RoomSocketID) {
        if let knock = knocks.first(where: { $0.request.socket == socket }) {
            knocks.removeAll { $0.id == knock.id }
            return tellDoorkeepers(.knockEnded(knock.id))
        }
        guard let id = sockets.removeValue(forKey: socket), let index = member(id) else { return }
        members[index].socket = nil
        members[index].awayUntil = now.advanced(by: settings.grace)
        members[index].info.presence = .away
        dropPointer(of: id)
        tellAll(but: id, .changed(members[index].info))
        setSeat(members[index].seat, .away)
    }

    /// A camera that leaves by itself may come back to its seat.
    mutating func leave(_ member: RoomMember) {
        depart(member.id, .left)
        setSeat(member.seat, .away)
    }

    /// Somebody is not in the room any more. What they published goes first.
    mutating func depart(_ id: ParticipantID, _ cause: Departure) {
        dropPointer(of: id)
        guard let index = member(id) else { return }
        unpublishAll(of: id)
        let member = members.remove(at: index)
        emit(.closePeers(id))
        if member.single != .off { emit(.endSingle(id)) }
        if let socket = member.socket {
            sockets[socket] = nil
            emit(.closeSocket(socket, Self.socketEnd(cause)))
        }
        tellAll(.left(id, cause))
        emit(.event(.left(member.info, cause)))
        if floor.remove(id) { tellAll(.speaker(nil)) }
    }

    private static func socketEnd(_ cause: Departure) -> RoomSocketEnd {
        switch cause {
        case .removed, .seatEnded: .removed
        case .replaced: .takenOver
        case .left, .connectionLost, .roomEnded: .normal
        }
    }

    /// Their peers are gone or go: nothing is sent, nothing comes.
    mutating func dropMedia(of id: ParticipantID) {
        guard let index = member(id) else { return }
        unpublishAll(of: id)
        members[index].subscriptions = []
        members[index].unsent = []
        members[index].views = [:]
        emit(.closePeers(id))
        if members[index].single != .off { emit(.endSingle(id)) }
        members[index].single = .off
    }

    /// A camera whose agent did not come back in time keeps its seat, and nothing else.
    mutating func giveUpMedia(of id: ParticipantID) {
        guard let index = member(id) else { return }
        members[index].awayUntil = nil
        members[index].canReceive = false
        dropMedia(of: id)
    }

    // MARK: - Not of one's own will

    mutating func remove(_ id: ParticipantID, by actor: RoomActor) throws(RoomError) {
        try allow(.remove, actor)
        guard actor != .participant(id) else { throw RoomError(.forbidden, "you cannot remove yourself; leave instead") }
        if let knock = knocks.first(where: { $0.id == id }) {
            bar(id, link: knock.request.grant.tokenID)
            return endKnock(knock, RoomError(.removed, "you were removed from this room and cannot come back to it"))
        }
        let member = members[try requireMember(id)]
        if let seat = member.seat { return unseat(seat, .removed) }
        bar(id, link: member.link)
        depart(id, .removed)
    }

    private mutating func bar(_ id: ParticipantID, link: String) {
        barredPeople.insert(id)
        barredLinks.insert(link)
        emit(.revokeLink(link))
    }

    /// The link is worth nothing any more, and who came by it goes.
    mutating func revoke(_ link: String) {
        guard !isOver else { return }
        barredLinks.insert(link)
        for knock in knocks where knock.request.grant.tokenID == link {
            endKnock(knock, RoomError(.linkRevoked, "the link to the room was taken back; ask whoever sent it for a new one"))
        }
        for member in members where member.link == link {
            if member.seat == nil { depart(member.id, .removed) } else { expel(member) }
        }
    }

    /// An agent's link was taken back: its camera's seat stays.
    private mutating func expel(_ member: RoomMember) {
        if let socket = member.socket {
            sockets[socket] = nil
            emit(.closeSocket(socket, .removed))
        }
        guard let index = self.member(member.id) else { return }
        members[index].socket = nil
        // By this link nobody takes the place any more.
        members[index].link = ""
        members[index].info.presence = .away
        giveUpMedia(of: member.id)
        tellAll(but: member.id, .changed(members[index].info))
        setSeat(member.seat, .away)
    }

    // MARK: - The end

    mutating func end(_ cause: RoomEnd) {
        tellAll(.ended(cause))
        for knock in knocks {
            tell(knock.request.socket, .ended(cause))
            emit(.closeSocket(knock.request.socket, .normal))
        }
        // From here on nobody is told anything.
        isOver = true
        for seat in seats { unseat(seat.id, .roomEnded) }
        for member in members { depart(member.id, .roomEnded) }
        endRecording()
        (knocks, boards, denied) = ([], [], [:])
        (flushAt, idleAt) = (nil, nil)
        floor = ActiveSpeaker()
        emit(.event(.ended(cause)))
        emit(.retire)
    }
}
