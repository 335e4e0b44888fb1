internal import Bridge
internal import BridgeModel
internal import Logging
internal import Signaling

// A room's recording comes to its end.
extension RoomRecorder {
    private static let interval = Duration.milliseconds(200)

    /// Waits until its files are complete, writes the manifest and tells of it.
    func complete(_ id: RoomRecordingID) async {
        guard let manifest = await services.folder.read(id), var row = manifest.row else { return }
        row.endedAt = row.endedAt ?? services.clock.wall()
        var isListed = false
        while !Task.isCancelled {
            do throws(BridgeError) {
                if !isListed { try await services.ledger.commit([.roomRecording(row)]) }
                isListed = true
                let files = try await files(of: manifest)
                let isComplete = manifest.ownRecordingIDs.allSatisfy {
                    files[$0].map { !RecordingState.incomplete.contains($0.row.state) } ?? true
                }
                if isComplete { return try await tell(manifest, files, row) }
            } catch {
                services.logger.error("a room's manifest could not be written", metadata: ["room_recording": "\(id)", "error": "\(error)"])
            }
            guard (try? await services.clock.pause(Self.interval)) != nil else { return }
        }
    }

    private func tell(
        _ manifest: RoomManifest, _ files: [RecordingID: RoomManifest.RecordingFiles], _ listed: RoomRecordingRow
    ) async throws(BridgeError) {
        var row = listed
        // Where the files go, if that has room for others.
        let host = manifest.ownRecordingIDs.lazy.compactMap { files[$0]?.row }.first { $0.destination.takesSidecars && $0.deletion == nil }
        let sent = row.pictures.filter(services.folder.hasPicture)
        let keys = host.map { RoomRecordingKeys(of: sent, beside: $0) } ?? RoomRecordingKeys()
        let bytes = Array((manifest.document(files, keys).text + "\n").utf8)
        var uploads: [LedgerChange] = []
        if let host {
            let names = sent.map { SidecarName.roomPicture($0, of: host.id) }
            try await services.folder.copy(sent, to: names.map { "\(services.spool)/\($0)" })
            let name = SidecarName.room(of: host.id)
            try await services.folder.write(bytes, to: "\(services.spool)/\(name)")
            uploads = (names + [name]).map { services.outbox.upload(of: $0, in: host) }
        }
        try await services.folder.write(bytes, to: services.folder.manifest(row.id))
        (row.isReady, row.host) = (true, host?.id)
        try await services.ledger.commit(
            [.roomRecording(row)] + services.outbox.changes(for: .roomRecordingReady(row, keys)) + uploads)
        services.outbox.wake()
        services.logger.info("room recording ready", metadata: ["room": "\(row.room)", "room_recording": "\(row.id)"])
    }

    func files(of manifest: RoomManifest) async throws(BridgeError) -> [RecordingID: RoomManifest.RecordingFiles] {
        var files: [RecordingID: RoomManifest.RecordingFiles] = [:]
        for id in manifest.recordingIDs {
            guard let row = try await services.ledger.recording(id) else { continue }
            files[id] = RoomManifest.RecordingFiles(row: row, segments: try await services.ledger.segments(of: id))
        }
        return files
    }
}
