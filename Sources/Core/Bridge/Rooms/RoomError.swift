/// Why a room refuses something. The code is stable (`signaling/errors.json`, `room`); the message is for people and may change.
package struct RoomError: Error, Sendable, Equatable {
    package var code: Code
    /// What happened, to which thing, and what to do next, in one sentence; holds no secret.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Stable codes, in the words of `signaling/errors.json`.
    package enum Code: String, Sendable, CaseIterable {
        case linkExpired = "link_expired"
        case linkRevoked = "link_revoked"
        case wrongRoom = "wrong_room"
        case removed
        case denied
        case knockTimeout = "knock_timeout"
        case roomFull = "room_full"
        case accountFull = "account_full"
        case roomClosed = "room_closed"
        case seatEnded = "seat_ended"
        case alreadyJoined = "already_joined"
        case notJoined = "not_joined"
        case forbidden
        case notFound = "not_found"
        case alreadyPublished = "already_published"
        case alreadySeated = "already_seated"
        case limitReached = "limit_reached"
        case rateLimited = "rate_limited"
        case notRecorded = "not_recorded"
        case recordingUnavailable = "recording_unavailable"
        case invalidField = "invalid_field"
    }
}

extension RoomError {
    /// Nothing of what was marked is on the disk.
    package static let nothingRecorded = RoomError(
        .notRecorded,
        "nothing of it is recorded, neither the room nor a camera's stream by itself: record the room, then mark what follows")
}
