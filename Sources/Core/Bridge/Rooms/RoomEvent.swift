package import BridgeModel

/// A fact of a room that somebody outside may want to be told. Each beginning has its end, and an inner thing ends before what it is in.
package enum RoomEvent: Sendable, Equatable {
    case started
    case ended(RoomEnd)
    case joined(RoomParticipant)
    case left(RoomParticipant, Departure)
    case trackPublished(RoomTrack)
    case trackUnpublished(RoomTrack)
    case cameraSeated(RoomSeat)
    case cameraUnseated(RoomSeat, RoomSeat.End)
    case recordingStarted(RoomRecording)
    case recordingEnded(RoomRecording, RoomRecordingEnd)

    /// Which fact it begins or ends, in this room.
    package func pairing(in room: RoomID) -> EventPairing {
        switch self {
        case .started: EventPairing(.begins, .room(room))
        case .ended: EventPairing(.ends, .room(room))
        case .joined(let participant): EventPairing(.begins, .participant(participant.id, in: room))
        case .left(let participant, _): EventPairing(.ends, .participant(participant.id, in: room))
        case .trackPublished(let track): EventPairing(.begins, .track(track.id, in: room))
        case .trackUnpublished(let track): EventPairing(.ends, .track(track.id, in: room))
        case .cameraSeated(let seat): EventPairing(.begins, .seat(seat.id, in: room))
        case .cameraUnseated(let seat, _): EventPairing(.ends, .seat(seat.id, in: room))
        case .recordingStarted(let recording): EventPairing(.begins, .roomRecording(recording.id, in: room))
        case .recordingEnded(let recording, _): EventPairing(.ends, .roomRecording(recording.id, in: room))
        }
    }
}

/// Why a room is over.
package enum RoomEnd: String, Sendable, CaseIterable {
    case closed, idle
}

/// Why a room is not recorded any more.
package enum RoomRecordingEnd: String, Sendable, CaseIterable {
    case stopped
    /// It could not begin: there is nothing of it.
    case failed
}

/// Why somebody is not in the room any more.
package enum Departure: String, Sendable, CaseIterable {
    case left
    /// Their socket was lost and did not return in time.
    case connectionLost = "connection_lost"
    case removed
    /// They came again by a link of another role.
    case replaced
    case seatEnded = "seat_ended"
    case roomEnded = "room_ended"
}

extension EventPairing.Subject {
    /// A room, which may be made anew under its name.
    package static func room(_ id: RoomID) -> Self { Self(rawValue: "room:\(id)") }
    /// Somebody's presence in a room. A room's name has no slash.
    package static func participant(_ id: ParticipantID, in room: RoomID) -> Self { Self(rawValue: "participant:\(room)/\(id)") }
    /// A track of a room.
    package static func track(_ id: RoomTrackID, in room: RoomID) -> Self { Self(rawValue: "track:\(room)/\(id)") }
    /// A camera's seat.
    package static func seat(_ id: SeatID, in room: RoomID) -> Self { Self(rawValue: "seat:\(room)/\(id)") }

    /// A room's recording.
    package static func roomRecording(_ id: RoomRecordingID, in room: RoomID) -> Self {
        Self(rawValue: "room_recording:\(room)/\(id)")
    }

    /// What an end of what an earlier run left open says of a room's thing; nothing of other subjects.
    var roomFacts: [JSONText.Member] {
        guard let colon = rawValue.firstIndex(of: ":") else { return [] }
        let name = rawValue[rawValue.index(after: colon)...]
        let kind = rawValue[..<colon]
        if kind == "room" { return [.init("room_id", .string(String(name)))] }
        guard
            let member = ["participant": "participant_id", "track": "track_id", "seat": "seat_id", "room_recording": "room_recording_id"][
                kind],
            let slash = name.firstIndex(of: "/")
        else { return [] }
        return [
            .init("room_id", .string(String(name[..<slash]))), .init(member, .string(String(name[name.index(after: slash)...]))),
        ]
    }
}
