package import BridgeModel

/// Recordings of rooms, as the native API shows them: while they run, and when they are over. Implemented by ControlPlane.
package protocol RoomRecordings: Sendable {
    /// Newest first.
    func roomRecordings(_ query: RoomRecordingQuery) async throws(BridgeError) -> [RoomRecordingSummary]
    /// Its manifest as it is now; nil when there is none of this id.
    func manifest(of id: RoomRecordingID) async throws(BridgeError) -> JSONValue?
    /// What was drawn on pictures of a stream while a room was recorded, as its manifest has it: of the newest thousand recordings that have some.
    func boards(of stream: StreamID) async throws(BridgeError) -> [JSONValue]
    /// Absolute path of a picture that was taken in a room: one that is open, or a recording's. nil when there is none.
    func picture(_ id: String, in room: RoomID) async -> String?
    /// Absolute path of a picture of a recording; nil when there is none.
    func picture(_ id: String, of recording: RoomRecordingID) async throws(BridgeError) -> String?
    /// Decides that a room's recording goes, with the recordings that were begun for it; that is durable when this returns, and is carried out from
    /// then on. Throws `not_found`, `recording_in_use` while it runs or is completed, and as `RecordingRow.deletion`.
    func remove(_ id: RoomRecordingID, _ order: DeletionOrder) async throws(BridgeError)
}

/// The recording of a room in a list.
package struct RoomRecordingSummary: Sendable, Equatable {
    package var id: RoomRecordingID
    package var room: RoomID
    package var account: AccountID
    package var startedAt: WallTime
    /// nil: it takes media yet.
    package var endedAt: WallTime?
    /// Its files are complete.
    package var isReady: Bool
    package var recordings: [RecordingID]

    package init(
        id: RoomRecordingID, room: RoomID, account: AccountID, startedAt: WallTime, endedAt: WallTime?, isReady: Bool,
        recordings: [RecordingID]
    ) {
        self.id = id
        self.room = room
        self.account = account
        self.startedAt = startedAt
        self.endedAt = endedAt
        self.isReady = isReady
        self.recordings = recordings
    }
}

/// Pictures of tracks that are no streams of their own. Implemented by ControlPlane.
package protocol TrackPictures: Sendable {
    /// What a video track shows now, as `Snapshots.live`.
    func picture(of source: RoomTrackSource, _ spec: PictureSpec) async throws(BridgeError) -> Picture
}

/// What a room's one picture is for.
package enum RoomPictureUse: Sendable {
    /// The room is recorded as one picture.
    case recording
    /// Participants take it instead of each track.
    case watching
}

/// One picture of all of a room's pictures. Implemented by whoever makes composites.
package protocol RoomComposites: Sendable {
    /// Throws what `start` would throw now, where that is known without trying: `limit_reached`.
    func check(_ room: RoomID) async throws(BridgeError)
    /// Makes a stream of a room, one for all uses; it lives until each of them has ended. Throws as `CompositeCommands.make`.
    func start(_ room: RoomID, for use: RoomPictureUse) async throws(BridgeError) -> LiveStream
    /// Nothing when it is not used so.
    func end(_ room: RoomID, for use: RoomPictureUse) async
}
