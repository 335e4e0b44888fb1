package import Bridge
package import BridgeModel
internal import Foundation
internal import LinuxIO

/// Reads a recording's files once more, against what the ledger says of them. For commands beside a bridge: it writes nothing into the spool.
package struct RecordingInspection: Sendable {
    private let layout: SpoolLayout

    package init(_ layout: SpoolLayout) { self.layout = layout }

    /// What is wrong with a segment's file, in words; empty when it is there, as long as it was, with the same hash, and readable. A segment whose
    /// file is still written, or has left the spool, has nothing that could be wrong.
    package func complaints(about segment: SegmentRow) async -> [String] {
        guard segment.state.hasFile, segment.failure?.code != .noMedia else { return [] }
        guard FileManager.default.fileExists(atPath: layout.finished(segment)) else { return ["the file is missing"] }
        let file: FinishedFile
        do throws(BridgeError) {
            file = try await FinishedFile.read(layout.finished(segment), container: segment.container)
        } catch {
            return [error.message]
        }
        return file.complaints(against: segment)
    }

    /// Copies a segment's file with its manifest into a folder, whole or not at all; the copy is read back and its hash compared. Throws
    /// `recording_gone`, `internal`, `storage_full`.
    package func export(_ segment: SegmentRow, of recording: RecordingRow, to folder: String) async throws(BridgeError) {
        guard segment.state.hasFile, FileManager.default.fileExists(atPath: layout.finished(segment)) else {
            throw BridgeError(.recordingGone, "The file \(segment.file) is not on the bridge (any more).")
        }
        let (target, temporary) = ("\(folder)/\(segment.file)", "\(folder)/.\(segment.file).partial")
        do {
            try? FileManager.default.removeItem(atPath: temporary)
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: layout.finished(segment), toPath: temporary)
        } catch {
            throw BridgeError(
                .internal, "The file \(segment.file) cannot be copied to \(folder): check who may write there, and its free space.")
        }
        defer { try? FileManager.default.removeItem(atPath: temporary) }
        let copy = try await FinishedFile.read(temporary, container: segment.container)
        let complaints = copy.complaints(against: segment)
        guard complaints.isEmpty else {
            throw BridgeError(.internal, "The copy of \(segment.file) is not what was recorded: \(complaints.joined(separator: ", ")).")
        }
        do throws(SystemError) {
            try DurableFiles.rename(temporary, to: target)
        } catch {
            throw BridgeError(.internal, "The file \(target) cannot be written: \(error).")
        }
        var described = segment
        described.sha256 = copy.sha256
        try ManifestFile.write(RecordingManifest(segment: described, context: recording.context, tracks: copy.tracks), in: folder)
    }
}

extension FinishedFile {
    fileprivate func complaints(against segment: SegmentRow) -> [String] {
        var complaints: [String] = []
        if sizeBytes != segment.sizeBytes { complaints.append("it has \(sizeBytes) bytes instead of \(segment.sizeBytes)") }
        if let expected = segment.sha256, expected != sha256 { complaints.append("its SHA-256 is another one") }
        if tracks.isEmpty { complaints.append("no track can be read from it") }
        return complaints
    }
}
