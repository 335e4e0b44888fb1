import BridgeModel

// From wishes to what is done.
extension RoomMachine {
    /// What a socket asks for; a refusal is told to it alone.
    mutating func obey(_ command: RoomCommand, from socket: RoomSocketID) {
        // What was due has put them out before they were heard.
        if output.contains(where: { if case .closeSocket(socket, _) = $0 { true } else { false } }) { return }
        if command == .leave, let knock = knocks.first(where: { $0.request.socket == socket }) {
            return endKnock(knock, nil)
        }
        do throws(RoomError) {
            try perform(command, by: .participant(try requireInside(socket)))
        } catch {
            tell(socket, .refused(error))
        }
    }

    /// Who is in by this socket.
    func requireInside(_ socket: RoomSocketID) throws(RoomError) -> ParticipantID {
        guard !isOver else { throw Self.over }
        guard let id = sockets[socket] else {
            throw RoomError(.notJoined, "you are not in the room; join it first, or wait to be let in")
        }
        return id
    }

    /// Everything is checked before anything is changed.
    mutating func perform(_ command: RoomCommand, by actor: RoomActor) throws(RoomError) {
        switch command {
        case .leave: leave(members[try requireSelf(actor)])
        case .publish(let kind, let mid): try publish(kind, mid: mid, by: actor)
        case .unpublish(let track): try unpublish(track, by: actor)
        case .mute(let track, let isMuted): try mute(track, isMuted, by: actor)
        case .admit(let knocker): try admit(knocker, by: actor)
        case .deny(let knocker): try deny(knocker, by: actor)
        case .remove(let participant): try remove(participant, by: actor)
        case .hand(let participant, let isRaised): try hand(of: participant, isRaised: isRaised, by: actor)
        case .pin(let tracks): try pin(tracks, by: actor)
        case .spotlight(let tracks): try spotlight(tracks, by: actor)
        case .view(let views): try view(views, by: actor)
        case .describe(let participant, let name, let metadata):
            try describe(participant, name: name, metadata: metadata, by: actor)
        case .chat(let text): try write(text, by: actor)
        case .seat(let id, let order): try seat(id, order, by: actor)
        case .unseat(let seat): try unseat(seat, by: actor)
        case .commandCamera(let seat, let order): try commandCamera(seat, order, by: actor)
        case .freeze(let track, let moment): try freeze(track, at: moment, by: actor)
        case .closeBoard(let board): try closeBoard(board, by: actor)
        case .annotate(let board, let id, let shape, let colour):
            try annotate(board, Drawing(id: id, shape: shape, colour: colour), by: actor)
        case .erase(let board, let annotation): try erase(board, annotation, by: actor)
        case .point(let track, let place): try point(track, place, by: actor)
        case .record(let order): try record(order, by: actor)
        case .clip(let track, let seconds): try clip(track, seconds: seconds, by: actor)
        case .snapshot(let track): try snapshot(track, by: actor)
        case .single(let isOn): try takeSingle(isOn, by: actor)
        case .close:
            try allow(.close, actor)
            end(.closed)
        }
    }
}
