package import Bridge
package import BridgeModel
internal import Foundation
internal import Logging
internal import Playback

extension RecordingSpool: SpoolKeeping {
    package func describe(_ segment: SegmentRow, of recording: RecordingRow) async throws(BridgeError) -> String {
        let file = try await FinishedFile.read(layout.finished(segment), container: segment.container)
        guard limits.writesManifests || recording.sidecars?.contains(.manifest) == true else { return file.sha256 }
        var described = segment
        described.sha256 = file.sha256
        try ManifestFile.write(RecordingManifest(segment: described, context: recording.context, tracks: file.tracks), in: layout.folder)
        return file.sha256
    }

    package func makeRoom() async -> Bool {
        if hasSpace() { return true }
        do throws(BridgeError) {
            var last: [SegmentRow] = []
            // All of them: those that must stay may be the oldest.
            for segment in try await ledger.segments(in: [.delivered], limit: .max) {
                guard let row = try await ledger.recording(segment.recording), row.keepLocal != .always else { continue }
                if try await awaitsSidecars(segment, of: row) {
                    last.append(segment)
                } else if try await makesRoom(segment) {
                    return true
                }
            }
            // Nothing that is sent frees this disk, and what would not be recorded is gone for ever.
            for segment in last where try await makesRoom(segment) { return true }
        } catch {
            logger.error("No room can be made in the spool; free some space or look at the database", metadata: ["error": "\(error)"])
        }
        return hasSpace()
    }

    package func removeMovie(of part: PartName, in recording: RecordingID) {
        let path = layout.movie(part, of: recording)
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            logger.warning(
                "An MP4 that is of no use cannot be removed; it goes with its recording's work folder", metadata: ["file": "\(path)"])
        }
    }

    /// Removes the file; true when there is space then.
    private func makesRoom(_ segment: SegmentRow) async throws(BridgeError) -> Bool {
        guard try await remove(segment, by: .quota) else { return false }
        logger.warning(
            "A delivered recording was removed to make room",
            metadata: ["recording": "\(segment.recording)", "stream": "\(segment.stream)", "segment": "\(segment.number)"])
        await letReadersGo()
        return hasSpace()
    }

    /// Whether what travels with the file is still to be sent: it is made of the file, and goes with it.
    func awaitsSidecars(_ segment: SegmentRow, of row: RecordingRow) async throws(BridgeError) -> Bool {
        guard row.sidecars?.isEmpty == false else { return false }
        let stem = segment.file.prefix { $0 != "." }
        return try await ledger.sidecarUploads(of: row.id).contains { upload in
            upload.state == .pending && upload.sidecar.map { $0.stem == stem } ?? false
        }
    }

    package func shortage() -> StorageShortage { StorageShortage(freeBytes: freeBytes, reserveBytes: limits.reserve) }

    /// Removes a segment's file with its manifest, unless its recording is held; false when nothing was removed. The ledger decides and says so first, in
    /// one transaction: a bridge that ends between the two removes the file at its next start.
    func remove(_ segment: SegmentRow, by actor: AuditActor, at now: WallTime = .systemNow) async throws(BridgeError) -> Bool {
        let decided = try await ledger.settle(segment.recording) { row, segments in
            guard row.hold == nil, let current = segments.first(where: { $0.number == segment.number }), current.state == segment.state
            else { return [] }
            var removed = current
            removed.state = .removed
            return [.segment(removed), .audit(AuditDraft(.fileRemoved, by: actor, of: row, detail: current.file, at: now))]
        }
        guard !decided.isEmpty else { return false }
        if removeFiles(of: segment) { return true }
        try await ledger.settle(segment.recording) { row, _ in
            [.segment(segment), .audit(AuditDraft(.fileRemoved, by: actor, of: row, outcome: .failed, detail: segment.file, at: now))]
        }
        return false
    }

    /// False when the finished file is there and cannot be removed.
    private func removeFiles(of segment: SegmentRow) -> Bool {
        let path = layout.finished(segment)
        try? FileManager.default.removeItem(atPath: "\(layout.folder)/\(RecordingManifest.fileName(of: segment.file))")
        if segment.number == 1 {
            removeRoomFiles(of: segment.recording)
        }
        removeThumbnails(of: segment)
        guard FileManager.default.fileExists(atPath: path) else { return true }
        return (try? FileManager.default.removeItem(atPath: path)) != nil
    }

    /// At the start: files whose removal was decided, and that are still there.
    func finishRemovals() async throws(BridgeError) {
        for name in names(in: layout.folder) where name != SpoolLayout.orphansName && !name.hasSuffix(".json") {
            let (recording, number) = SpoolLayout.segment(name)
            let segment = try await ledger.segments(of: recording).first { $0.number == number && $0.file == name }
            guard let segment, segment.state == .removed else { continue }
            if !removeFiles(of: segment) {
                logger.warning("A file of a removed recording cannot be removed; look at the spool's disk", metadata: ["name": "\(name)"])
            }
        }
    }

    package func hasThumbnails(_ segment: SegmentRow) -> Bool { size(of: ThumbnailNames(ofFile: layout.finished(segment)).track) != nil }

    /// What it carries to its destination for the room that it is of.
    private func removeRoomFiles(of recording: RecordingID) {
        try? FileManager.default.removeItem(atPath: "\(layout.folder)/\(SidecarName.room(of: recording))")
        for name in names(in: layout.folder) where name.hasPrefix(SidecarName.roomPictures(of: recording)) {
            try? FileManager.default.removeItem(atPath: "\(layout.folder)/\(name)")
        }
    }

    private func removeThumbnails(of segment: SegmentRow) {
        let stem = ThumbnailNames(ofFile: segment.file).stem
        for name in names(in: layout.folder) where ThumbnailNames(ofThumbnail: name)?.stem == stem {
            try? FileManager.default.removeItem(atPath: "\(layout.folder)/\(name)")
        }
    }
}

extension RecordingSpool: SpoolErasing {
    package func erase(_ recording: RecordingID, _ segments: [SegmentRow]) throws(BridgeError) {
        discard(recording)
        // All of them, also when one cannot be removed.
        let stuck = segments.filter { !removeFiles(of: $0) }
        guard let first = stuck.first else { return }
        throw BridgeError(.internal, "The file \(first.file) cannot be removed from the spool; look at its disk and who owns it.")
    }
}

extension WallTime {
    /// CLOCK_REALTIME.
    static var systemNow: WallTime {
        WallTime(nanoseconds: Int64((Date().timeIntervalSince1970 * 1_000_000).rounded()) * 1000)
    }
}
