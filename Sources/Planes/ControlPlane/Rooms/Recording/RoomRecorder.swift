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

    /// Begins to record a room; nil when nothing can be written.
    func begin(_ recording: RoomRecording, _ order: RecordingOrder, _ room: RoomID, _ account: AccountID) -> RoomRecordingRun? {
        do throws(BridgeError) {
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
        } catch {
            services.logger.error("a room cannot be recorded", metadata: ["room": "\(room)", "error": "\(error.description)"])
            return nil
        }
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
        let picture = try await pictures.picture(of: source, PictureSpec(.jpeg, quality: 90))
        let id = RandomUUID.text()
        try await services.folder.write(picture.bytes, to: services.folder.picture(id))
        taken[room, default: []].insert(id)
        return RoomPicture(
            id: id, track: track.id, participant: participant, at: picture.takenAt, width: picture.width, height: picture.height)
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
