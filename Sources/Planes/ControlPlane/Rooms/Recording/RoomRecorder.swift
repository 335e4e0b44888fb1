package import Bridge
internal import BridgeModel
internal import Foundation
internal import Logging
internal import Signaling

/// What recordings of rooms stand on.
package struct RoomRecordingServices: Sendable {
    let recordings: RecordingDirector
    let ledger: any Ledger & SegmentLedger & RoomRecordingLedger
    let clips: any ClipCommands
    /// nil: nobody makes one picture of a room.
    let composites: (any RoomComposites)?
    let outbox: OutboxWriter
    let folder: RoomFolder
    /// Where uploads are taken from.
    let spool: String
    /// How long that stays of which no recording is left, and how often that is asked.
    let retention: RetentionSettings
    /// Carries the removal of recordings out.
    let deletions: any DeletionService
    let clock: BridgeClock
    let logger: Logger

    /// `folder`: where journals, manifests and pictures of rooms lie; `spool`: that of recordings. Both absolute.
    package init(
        _ services: RecordingServices, recordings: RecordingDirector, ledger: any Ledger & SegmentLedger & RoomRecordingLedger,
        clips: any ClipCommands, composites: (any RoomComposites)? = nil,
        keeping: (retention: RetentionSettings, deletions: any DeletionService),
        folder: String, spool: String
    ) {
        (retention, deletions) = keeping
        self.recordings = recordings
        self.ledger = ledger
        self.clips = clips
        self.composites = composites
        self.folder = RoomFolder(path: folder)
        self.spool = spool
        (outbox, clock, logger) = (services.outbox, services.clock, services.logger)
    }
}

/// The recordings of rooms: those that run, and what is left of others.
package actor RoomRecorder {
    let services: RoomRecordingServices
    private let pictures: any TrackPictures
    /// Those that run, or whose files are being completed.
    private var runs: [RoomRecordingID: Task<Void, Never>] = [:]
    /// Pictures of rooms that are open.
    private var taken: [RoomID: Set<String>] = [:]

    package init(_ services: RoomRecordingServices, pictures: any TrackPictures) {
        (self.services, self.pictures) = (services, pictures)
    }

    /// Why a room cannot be recorded so; nil when it can.
    nonisolated func fault(_ mode: RoomRecordingMode) -> RoomError? {
        guard mode.hasComposite, services.composites == nil else { return nil }
        return RoomError(
            .recordingUnavailable, "composite recording is not available; record tracks, or record a composite's stream by itself")
    }

    /// Why a recording of this room would not begin now, as far as that is known beforehand; nil when nothing is in its way. One that has more than the
    /// room's one picture begins without it.
    nonisolated func fault(_ mode: RoomRecordingMode, of room: RoomID) async -> RoomError? {
        if let fault = fault(mode) { return fault }
        guard mode == .composite else { return nil }
        do throws(BridgeError) {
            try await services.composites?.check(room)
            return nil
        } catch {
            let message = "the bridge makes as many pictures of several as it may: end a composite first, or record tracks"
            return error.code == .limitReached ? RoomError(.limitReached, message) : RoomError(.recordingUnavailable, error.message)
        }
    }

    /// Begins to record a room. Throws `storage_full` or `internal` when nothing can be written.
    func begin(
        _ recording: RoomRecording, _ order: RecordingOrder, _ room: RoomID, _ account: AccountID
    ) throws(BridgeError) -> RoomRecordingRun {
        let run = try RoomRecordingRun(recording, order, room: room, account: account, services: services)
        let row = RoomRecordingRow(id: recording.id, room: room, account: account, startedAt: recording.since)
        runs[recording.id] = Task {
            async let listed: Void = list(row)
            await run.run()
            await listed
            await finish(recording.id)
        }
        services.logger.info("room recording started", metadata: ["room": "\(room)", "room_recording": "\(recording.id)"])
        return run
    }

    /// A ledger that is away is told at the end.
    private func list(_ row: RoomRecordingRow) async {
        do throws(BridgeError) {
            try await services.ledger.commit([.roomRecording(row)])
        } catch {
            services.logger.error("a room's recording is not listed yet", metadata: ["room_recording": "\(row.id)", "error": "\(error)"])
        }
    }

    /// It runs, or its files are being completed.
    func isUnderWay(_ id: RoomRecordingID) -> Bool { runs[id] != nil }

    /// Those that run, or whose files are being completed.
    var underWay: [RoomRecordingID] { Array(runs.keys) }

    /// Completes what an earlier run left.
    func goOn(_ id: RoomRecordingID) { runs[id] = Task { await finish(id) } }

    private func finish(_ id: RoomRecordingID) async {
        await complete(id)
        runs[id] = nil
    }

    // MARK: - Pictures

    /// Takes a picture of a track, and keeps it for as long as the room is open; in its full size.
    func takePicture(of track: RoomTrack, _ source: RoomTrackSource, for participant: ParticipantID, in room: RoomID)
        async throws(BridgeError)
        -> RoomPicture
    {
        let (id, picture) = try await take(source, in: room)
        return RoomPicture(
            id: id, track: track.id, participant: participant, at: picture.takenAt, width: picture.width, height: picture.height)
    }

    /// Takes the picture that a board is drawn on, and keeps it until it is dropped or the room is over; in its full size.
    func takeFrame(_ source: RoomTrackSource, in room: RoomID) async throws(BridgeError) -> BoardFrame {
        let (id, picture) = try await take(source, in: room)
        let path = RoomPicture.path(of: id, in: room)
        return BoardFrame(id: id, path: path, at: picture.takenAt, width: picture.width, height: picture.height)
    }

    private func take(_ source: RoomTrackSource, in room: RoomID) async throws(BridgeError) -> (id: String, picture: Picture) {
        let picture = try await pictures.picture(of: source, PictureSpec(.jpeg, quality: 90))
        let id = RandomUUID.text()
        try await services.folder.write(picture.bytes, to: services.folder.picture(id))
        taken[room, default: []].insert(id)
        return (id, picture)
    }

    /// Nobody needs it any more.
    func drop(_ picture: String, of room: RoomID) {
        forget([picture], of: room)
        if taken[room]?.isEmpty == true { taken[room] = nil }
        services.folder.removePicture(picture)
    }

    /// Pictures that no recording keeps go with their room.
    func retired(_ room: RoomID, keeping kept: Set<String>) {
        let gone = taken.removeValue(forKey: room)?.subtracting(kept) ?? []
        services.folder.removePictures(where: gone.contains)
    }

    func isTaken(_ picture: String, in room: RoomID) -> Bool { taken[room]?.contains(picture) == true }

    /// They went with a recording.
    func forget(_ pictures: [String], of room: RoomID) { taken[room]?.subtract(pictures) }
}
