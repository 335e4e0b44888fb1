package import Bridge
package import BridgeModel
internal import Foundation
internal import LinuxIO
package import Logging

/// The recordings' files on the bridge's disk, from the first part until they are delivered and forgotten.
///
/// An actor, so that file operations of one recording never overlap; the operations are short (rename, stat, remove), whole files are never copied.
package actor RecordingSpool: RecordingFiles {
    /// Where everything lies.
    package nonisolated let layout: SpoolLayout
    let ledger: any Ledger
    let logger: Logger
    private let reserve: Int64
    let retention: Retention

    /// How long finished files stay.
    package struct Retention: Sendable, Equatable {
        /// After a delivery.
        package var delivered: Duration
        /// When the delivery failed for good, or the recording did.
        package var failed: Duration

        package init(delivered: Duration, failed: Duration) {
            self.delivered = delivered
            self.failed = failed
        }
    }

    /// `folder` is an absolute path; `reserve` the bytes that must stay free on its disk.
    package init(folder: String, reserve: Int64, retention: Retention, ledger: any Ledger, logger: Logger) {
        layout = SpoolLayout(folder: folder)
        self.reserve = reserve
        self.retention = retention
        self.ledger = ledger
        self.logger = logger
    }

    /// Makes the spool, readable for its owner only. Throws `internal` when that is impossible.
    package func prepare() throws(BridgeError) {
        try makeFolder(layout.folder)
        try makeFolder(layout.orphans)
    }

    /// True when a recording may begin or go on: the spool is a folder that can be written, and its disk has room above the reserve.
    package func hasSpace() -> Bool {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: layout.folder, isDirectory: &isFolder), isFolder.boolValue,
            FileManager.default.isWritableFile(atPath: layout.folder)
        else { return false }
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: layout.folder)
        guard let free = (attributes?[.systemFreeSize] as? NSNumber)?.int64Value else { return false }
        return free > reserve
    }

    /// Makes the folder of a recording's parts. Throws `storage_full` when the reserve is touched, `internal` when the folder cannot be made.
    package func open(_ recording: RecordingID) throws(BridgeError) {
        guard hasSpace() else {
            throw BridgeError(.storageFull, "The recordings' disk is full up to its reserve; free some space.")
        }
        try makeFolder(layout.workFolder(recording))
    }

    /// The plan's file of a recorder for this part.
    package nonisolated func partPath(_ part: Int, row: RecordingRow) -> String {
        layout.part(part, of: row.id, container: row.container)
    }

    /// The finisher's plan for these parts, in order; nil without parts.
    package nonisolated func finishPlan(_ parts: [Int], row: RecordingRow) -> FinishPlan? {
        let paths = parts.map { layout.part($0, of: row.id, container: row.container) }
        guard let first = paths.first else { return nil }
        return FinishPlan(
            container: row.container, source: first, continuations: Array(paths.dropFirst()),
            destination: layout.joined(row.id, container: row.container))
    }

    /// Moves the finished file to its place and removes what it was made of. Doing it twice is harmless. Returns its size in bytes.
    /// Throws `storage_full` or `internal`.
    @discardableResult
    package func promote(_ file: RecordingMachine.FinishedFile, row: RecordingRow) throws(BridgeError) -> Int64 {
        let source: String
        switch file {
        // A part of an MP4 that is delivered as it is has become a Matroska row: both names agree.
        case .part(let number): source = layout.part(number, of: row.id, container: row.container)
        case .joined: source = layout.joined(row.id, container: row.container)
        }
        let destination = layout.finished(row)
        do throws(SystemError) {
            if FileManager.default.fileExists(atPath: source) { try DurableFiles.rename(source, to: destination) }
        } catch {
            throw failure(error, "The finished recording cannot be moved to its place")
        }
        guard let size = size(of: destination) else {
            throw BridgeError(.internal, "The finished recording \(row.id) is not in the spool; look at the disk.")
        }
        removeFolder(layout.workFolder(row.id))
        return size
    }

    /// Removes everything of a recording that holds no media.
    package func discard(_ recording: RecordingID) {
        removeFolder(layout.workFolder(recording))
    }

    package func finishedPath(_ row: RecordingRow) -> String? {
        let path = layout.finished(row)
        return row.state.hasFile && size(of: path) != nil ? path : nil
    }

    func size(of path: String) -> Int64? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? NSNumber)?.int64Value
    }

    func writtenAt(_ path: String) -> WallTime? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.modificationDate] as? Date).map { WallTime(milliseconds: Int64($0.timeIntervalSince1970 * 1000)) }
    }

    func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    private func makeFolder(_ path: String) throws(BridgeError) {
        do {
            let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: attributes)
            // A folder that was there already may be open to others.
            try FileManager.default.setAttributes(attributes, ofItemAtPath: path)
        } catch {
            throw BridgeError(.internal, "The folder \(path) cannot be made; check who owns the data folder.")
        }
    }

    private func removeFolder(_ path: String) {
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            logger.warning("A recording's work folder cannot be removed", metadata: ["folder": "\(path)"])
        }
    }

    private func failure(_ error: SystemError, _ what: String) -> BridgeError {
        error.isStorageFull ? BridgeError(.storageFull, "\(what): the disk is full.") : BridgeError(.internal, "\(what): \(error).")
    }
}

extension RecordingState {
    /// The finished file is in its place.
    fileprivate var hasFile: Bool {
        switch self {
        case .armed, .recording, .finalizing: false
        case .uploading, .uploaded, .uploadFailed, .stored: true
        }
    }
}
