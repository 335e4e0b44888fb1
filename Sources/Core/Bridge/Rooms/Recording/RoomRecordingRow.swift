package import BridgeModel

/// A room's recording in the ledger: what is asked of it without reading its journal, of which the rest can be made again.
package struct RoomRecordingRow: Sendable, Equatable {
    /// One of its recordings.
    package struct Part: Sendable, Equatable {
        package var recording: RecordingID
        package var stream: StreamID
        /// It was recorded already, and is not the room's.
        package var isShared: Bool
        /// Something was drawn on its pictures.
        package var isDrawnOn: Bool

        package init(recording: RecordingID, stream: StreamID, isShared: Bool, isDrawnOn: Bool) {
            self.recording = recording
            self.stream = stream
            self.isShared = isShared
            self.isDrawnOn = isDrawnOn
        }
    }

    package let id: RoomRecordingID
    package var room: RoomID
    package var account: AccountID
    package var startedAt: WallTime
    /// nil: it runs.
    package var endedAt: WallTime?
    /// Its files are complete, and its manifest.
    package var isReady = false
    /// In the order of their beginning, each once; complete when it has ended.
    package var parts: [Part] = []
    /// The pictures that it keeps, by their ids; complete when it has ended.
    package var pictures: [String] = []
    /// The recording beside whose files its manifest and pictures are sent; nil: they stay on the bridge.
    package var host: RecordingID?
    /// It was decided that it goes, and it has not gone yet.
    package var removal: DeletionOrder?

    package init(id: RoomRecordingID, room: RoomID, account: AccountID, startedAt: WallTime) {
        self.id = id
        self.room = room
        self.account = account
        self.startedAt = startedAt
    }

    /// As it is listed.
    package var summary: RoomRecordingSummary {
        RoomRecordingSummary(
            id: id, room: room, account: account, startedAt: startedAt, endedAt: endedAt, isReady: isReady,
            recordings: parts.map(\.recording))
    }

    /// A line of the audit log about it: in place of a recording and its stream stand its own id and its room's.
    package func audit(_ action: AuditAction, by actor: AuditActor, detail: String, at now: WallTime) -> AuditDraft {
        AuditDraft(
            action, by: actor, recording: RecordingID(id.rawValue), stream: StreamID(room.rawValue), outcome: .done,
            detail: "the room's recording: \(detail)", at: now)
    }
}

/// Where a room's manifest and pictures go: keys below the destination of the recording that they lie beside.
package struct RoomRecordingKeys: Sendable, Equatable {
    /// nil: it stays on the bridge.
    package var manifest: String?
    /// By the ids of the pictures; those that are missing stay on the bridge.
    package var pictures: [String: String] = [:]

    /// Nothing goes anywhere.
    package init() {}

    /// `host`: the recording that they lie beside.
    package init(of pictures: [String], beside host: RecordingRow) {
        let key = { (name: String) in host.destination.key(of: host.keyFacts(of: name)) }
        manifest = key(SidecarName.room(of: host.id))
        for picture in pictures { self.pictures[picture] = key(SidecarName.roomPicture(picture, of: host.id)) }
    }
}

/// Which recordings of rooms are looked for; members that are nil exclude nothing.
package struct RoomRecordingQuery: Sendable, Equatable {
    package var room: RoomID?
    /// Those that were not over at this time yet.
    package var from: WallTime?
    /// Those that began before this time.
    package var to: WallTime?
    /// At most.
    package var limit: Int
    /// Those that follow this one; none when it is unknown.
    package var after: RoomRecordingID?

    package init(limit: Int) { self.limit = limit }
}

/// The recordings of rooms in the ledger; they are written by `Ledger.commit`. Implemented by StoragePlane.
package protocol RoomRecordingLedger: Sendable {
    /// Newest first.
    func roomRecordings(_ query: RoomRecordingQuery) async throws(BridgeError) -> [RoomRecordingRow]
    /// One of them; nil when there is none of this id.
    func roomRecording(_ id: RoomRecordingID) async throws(BridgeError) -> RoomRecordingRow?
    /// The newest that are over and in which something was drawn on pictures of this stream, at most `limit`.
    func roomRecordings(drawnOn stream: StreamID, limit: Int) async throws(BridgeError) -> [RoomRecordingID]
    /// All of them, and whether each is ready.
    func roomRecordingIDs() async throws(BridgeError) -> [RoomRecordingID: Bool]
    /// Every picture that one of them keeps.
    func roomPictures() async throws(BridgeError) -> Set<String>
    /// Decides in one transaction which of them go, with lines of the audit log, and returns all whose removal was decided, by whomever: at most
    /// `limit`. Nothing of a room goes while something is left of one of its recordings on the bridge, while one is held, or while something is on its
    /// way to a destination. It goes when all its recordings were removed, or when its manifest and pictures were delivered; others, and those of
    /// which no file ever was, when they ended before `age`, if that is not nil.
    func removeRoomRecordings(endedBefore age: WallTime?, at now: WallTime, limit: Int) async throws(BridgeError) -> [RoomRecordingRow]
}
