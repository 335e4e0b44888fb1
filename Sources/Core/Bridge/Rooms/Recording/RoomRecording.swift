package import BridgeModel

/// What is made of a room that is recorded.
package enum RoomRecordingMode: String, Sendable, Codable, CaseIterable {
    /// A recording of each stream.
    case tracks
    /// One of all of them together.
    case composite
    case both

    package var hasTracks: Bool { self != .composite }
    package var hasComposite: Bool { self != .tracks }
}

/// How a room is to be recorded.
package struct RoomRecordingOrder: Sendable, Equatable {
    package var id: RoomRecordingID
    package var mode: RoomRecordingMode
    /// Of each of its recordings, as in `RecordingOrder`.
    package var recording: RecordingOrder

    package init(id: RoomRecordingID, mode: RoomRecordingMode = .tracks, recording: RecordingOrder = RecordingOrder()) {
        self.id = id
        self.mode = mode
        self.recording = recording
    }
}

/// A room's recording, as everybody in the room knows it.
package struct RoomRecording: Sendable, Equatable {
    package let id: RoomRecordingID
    package let mode: RoomRecordingMode
    package let since: WallTime
    /// Who began it; nil: the account.
    package let participant: ParticipantID?

    package init(id: RoomRecordingID, mode: RoomRecordingMode, since: WallTime, participant: ParticipantID?) {
        self.id = id
        self.mode = mode
        self.since = since
        self.participant = participant
    }
}

/// A stretch of time that somebody in a room wants to keep.
package struct RoomClipMark: Sendable, Equatable {
    package let id: String
    /// nil: the whole room.
    package let track: RoomTrackID?
    package let participant: ParticipantID
    package let from: WallTime
    package let to: WallTime

    package init(id: String, track: RoomTrackID?, participant: ParticipantID, from: WallTime, to: WallTime) {
        self.id = id
        self.track = track
        self.participant = participant
        self.from = from
        self.to = to
    }
}

/// A picture that somebody in a room took.
package struct RoomPicture: Sendable, Equatable {
    package let id: String
    package let track: RoomTrackID
    package let participant: ParticipantID
    /// The moment that it shows.
    package let at: WallTime
    package let width: Int
    package let height: Int

    package init(id: String, track: RoomTrackID, participant: ParticipantID, at: WallTime, width: Int, height: Int) {
        self.id = id
        self.track = track
        self.participant = participant
        self.at = at
        self.width = width
        self.height = height
    }

    /// Where it is fetched, with the token of a link to the room.
    package func path(in room: RoomID) -> String { Self.path(of: id, in: room) }

    /// The same of any picture that a room keeps.
    package static func path(of id: String, in room: RoomID) -> String { "/bridge/v1/rooms/\(room)/snapshots/\(id).jpg" }
}
