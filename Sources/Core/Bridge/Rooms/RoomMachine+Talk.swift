import BridgeModel

// Hands, names, words, and who speaks.
extension RoomMachine {
    mutating func hand(of participant: ParticipantID?, isRaised: Bool, by actor: RoomActor) throws(RoomError) {
        let index = if let participant { try requireMember(participant) } else { try requireSelf(actor) }
        let id = members[index].id
        try allow(.hand, actor, owner: id)
        guard !isRaised || actor == .participant(id) else {
            throw RoomError(.forbidden, "a hand is raised by whose it is; you can only lower it")
        }
        guard (members[index].info.hand != nil) != isRaised else { return }
        try spend(\.changes, actor)
        if isRaised { lastHand += 1 }
        members[index].info.hand = isRaised ? lastHand : nil
        tellAll(.changed(members[index].info))
    }

    mutating func describe(
        _ participant: ParticipantID?, name: String?, metadata: [String: String], by actor: RoomActor
    ) throws(RoomError) {
        let index = if let participant { try requireMember(participant) } else { try requireSelf(actor) }
        try allow(.describe, actor, owner: members[index].id)
        var info = members[index].info
        if let name {
            if let fault = RoomText.nameFault(name) { throw fault }
            info.name = name
        }
        info.metadata = info.metadata.merging(metadata) { $1 }.filter { !$0.value.isEmpty }
        if let fault = RoomText.metadataFault(info.metadata) { throw fault }
        try spend(\.changes, actor)
        guard info != members[index].info else { return }
        members[index].info = info
        tellAll(.changed(info))
    }

    mutating func write(_ text: String, by actor: RoomActor) throws(RoomError) {
        let index = try requireSelf(actor)
        try allow(.chat, actor, owner: members[index].id)
        guard (1...RoomText.chatBytes).contains(text.utf8.count) else {
            throw RoomError(.invalidField, "a message has 1 to \(RoomText.chatBytes) bytes; send a longer one in parts")
        }
        try spend(\.chat, actor)
        tellAll(.chat(chat.add(text, by: members[index].info, at: wall)))
    }

    /// Levels of tracks that are muted or gone say nothing.
    mutating func heard(_ levels: [RoomLevel]) {
        for level in levels {
            guard let track = tracks.first(where: { $0.id == level.track }), track.kind == .microphone, !track.isMuted else { continue }
            if floor.heard(level.level, of: track.owner, now: now) { tellAll(.speaker(track.owner)) }
        }
    }
}
