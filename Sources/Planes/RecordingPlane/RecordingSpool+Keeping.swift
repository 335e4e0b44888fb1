package import Bridge
package import BridgeModel
internal import Foundation
internal import Logging
internal import Playback

extension RecordingSpool: SpoolKeeping {
    package func describe(_ segment: SegmentRow, of recording: RecordingRow) async throws(BridgeError) -> String {
        let file = try await FinishedFile.read(layout.finished(segment), container: segment.container)
        guard limits.writesManifests else { return file.sha256 }
        var described = segment
        described.sha256 = file.sha256
        try ManifestFile.write(RecordingManifest(segment: described, context: recording.context, tracks: file.tracks), in: layout.folder)
        return file.sha256
    }

    /// Delivered files that are looked at in one go.
    private static let page = 500

    package func makeRoom() async -> Bool {
        if hasSpace() { return true }
        do throws(BridgeError) {
            for segment in try await ledger.segments(in: [.delivered], limit: Self.page) {
                guard let row = try await ledger.recording(segment.recording), row.keepLocal != .always else { continue }
                guard try await remove(segment) else { continue }
                logger.warning(
                    "A delivered recording was removed to make room",
                    metadata: ["recording": "\(segment.recording)", "stream": "\(segment.stream)", "segment": "\(segment.number)"])
                if hasSpace() { return true }
            }
        } catch {
            logger.error("No room can be made in the spool; free some space or look at the database", metadata: ["error": "\(error)"])
        }
        return hasSpace()
    }

    package func shortage() -> StorageShortage { StorageShortage(freeBytes: freeBytes, reserveBytes: limits.reserve) }

    /// Removes a segment's file with its manifest, and says so in the ledger; false when the file cannot be removed.
    func remove(_ segment: SegmentRow) async throws(BridgeError) -> Bool {
        let path = layout.finished(segment)
        if FileManager.default.fileExists(atPath: path) {
            guard (try? FileManager.default.removeItem(atPath: path)) != nil else { return false }
        }
        try? FileManager.default.removeItem(atPath: "\(layout.folder)/\(RecordingManifest.fileName(of: segment.file))")
        removeThumbnails(of: segment)
        var removed = segment
        removed.state = .removed
        try await ledger.commit([.segment(removed)])
        return true
    }

    package func hasThumbnails(_ segment: SegmentRow) -> Bool { size(of: ThumbnailNames(ofFile: layout.finished(segment)).track) != nil }

    private func removeThumbnails(of segment: SegmentRow) {
        let stem = ThumbnailNames(ofFile: segment.file).stem
        for name in names(in: layout.folder) where ThumbnailNames(ofThumbnail: name)?.stem == stem {
            try? FileManager.default.removeItem(atPath: "\(layout.folder)/\(name)")
        }
    }
}
