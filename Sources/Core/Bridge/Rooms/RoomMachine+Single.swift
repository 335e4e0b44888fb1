package import BridgeModel

// The room as one picture and one sound, for who is on a weak device or a narrow line.
extension RoomMachine {
    /// They are sent each track until there is something instead.
    mutating func takeSingle(_ isOn: Bool, by actor: RoomActor) throws(RoomError) {
        let index = try requireSelf(actor)
        try allow(.view, actor, owner: members[index].id)
        try spend(\.changes, actor)
        guard isOn != (members[index].single != .off) else { return tellSingle(to: members[index], isAlsoOff: true) }
        guard isOn else { return leaveSingle(index) }
        members[index].single = .awaited
        emit(.beginSingle(members[index].id))
    }

    /// Each track comes again before the one picture goes.
    private mutating func leaveSingle(_ index: Int) {
        members[index].single = .off
        flushSubscriptions(of: index)
        emit(.endSingle(members[index].id))
        tellSingle(to: members[index], isAlsoOff: true)
    }

    /// Whoever it cannot be made for keeps what they have.
    mutating func singleAnswered(_ id: ParticipantID, isOpen: Bool) {
        guard let index = member(id), members[index].single == .awaited else { return }
        guard isOpen else { return leaveSingle(index) }
        members[index].single = .on
        tellSingle(to: members[index])
        changeSubscriptions()
    }

    mutating func tellSingle(to member: RoomMember, isAlsoOff: Bool = false) {
        guard member.single == .on || isAlsoOff && member.single == .off else { return }
        tell(member.socket, .single(member.single == .on, picture: .picture, sound: .sound(for: member.id)))
    }

    static func singleSubscriptions(of member: RoomMember) -> [RoomSubscription] {
        let tracks: [(MediaKind, RoomTrackID)] = [(.video, .picture), (.audio, .sound(for: member.id))]
        return tracks.filter { member.receives.contains($0.0) }.map { RoomSubscription($0.1, TrackBounds()) }
    }
}

extension RoomTrackID {
    /// The room's one picture, the same for all who take it. Tracks of participants are called otherwise.
    package static let picture = RoomTrackID("picture")

    /// What a participant hears who takes the room as one.
    package static func sound(for participant: ParticipantID) -> RoomTrackID { RoomTrackID("sound-\(participant)") }
}
