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

    /// Which fact it begins or ends, in this room.
    package func pairing(in room: RoomID) -> EventPairing {
        switch self {
        case .started: EventPairing(.begins, .room(room))
        case .ended: EventPairing(.ends, .room(room))
        case .joined(let participant): EventPairing(.begins, .participant(participant.id, in: room))
        case .left(let participant, _): EventPairing(.ends, .participant(participant.id, in: room))
        case .trackPublished(let track): EventPairing(.begins, .track(track.id, in: room))
        case .trackUnpublished(let track): EventPairing(.ends, .track(track.id, in: room))
        case .cameraSeated(let seat): EventPairing(.begins, .seat(seat.id))
        case .cameraUnseated(let seat, _): EventPairing(.ends, .seat(seat.id))
        }
    }
}

/// Why a room is over.
package enum RoomEnd: String, Sendable, CaseIterable {
    case closed, idle
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
    package static func seat(_ id: SeatID) -> Self { Self(rawValue: "seat:\(id)") }
}
