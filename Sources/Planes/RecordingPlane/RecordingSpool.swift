package import Bridge
package import BridgeModel
internal import Foundation
internal import LinuxIO
package import Logging
internal import Synchronization

/// The recordings' files on the bridge's disk, from the first part until they are delivered and forgotten.
///
/// An actor, so that file operations of one recording never overlap; the operations are short (rename, stat, remove), whole files are never copied.
package actor RecordingSpool: RecordingFiles {
    /// Where everything lies.
    package nonisolated let layout: SpoolLayout
    let ledger: any Ledger & SegmentLedger & SidecarLedger
    let logger: Logger
    let limits: Limits
    let retention: Retention
    private nonisolated let readers = Mutex<(any SpoolReaders)?>(nil)
    /// What `Limits.others` hold, and until when that is good enough.
    private var counted: (bytes: Int64, until: ContinuousClock.Instant)?

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

    /// What the spool may take, and what stands in it.
    package struct Limits: Sendable, Equatable {
        /// Bytes that must stay free on its disk.
        package var reserve: Int64
        /// Bytes that it may hold; 0: as many as the reserve leaves.
        package var quota: Int64
        /// Each complete file gets a manifest.
        package var writesManifests: Bool
        /// Folders that belong to recordings and count as well, absolute: what rooms leave, and what cameras have sent a part of.
        package var others: [String] = []

        package init(reserve: Int64, quota: Int64 = 0, writesManifests: Bool = false) {
            self.reserve = reserve
            self.quota = quota
            self.writesManifests = writesManifests
        }
    }

    /// `folder` is an absolute path.
    package init(folder: String, limits: Limits, retention: Retention, ledger: any Ledger & SegmentLedger & SidecarLedger, logger: Logger) {
        layout = SpoolLayout(folder: folder)
        self.limits = limits
        self.retention = retention
        self.ledger = ledger
        self.logger = logger
    }

    /// Tells who has its files open, besides recorders. Nobody has until then.
    package nonisolated func attach(_ readers: any SpoolReaders) { self.readers.withLock { $0 = readers } }

    /// The disk gets the space of what was removed back.
    func letReadersGo() async { await readers.withLock { $0 }?.letGo() }

    /// Makes the spool, readable for its owner only. Throws `internal` when that is impossible.
    package func prepare() throws(BridgeError) {
        try makeFolder(layout.folder)
        try makeFolder(layout.orphans)
    }

    /// True when a recording may begin or go on: the spool is a folder that can be written, its disk has room above the reserve, and the quota is
    /// not used up.
    package func hasSpace() -> Bool {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: layout.folder, isDirectory: &isFolder), isFolder.boolValue,
            FileManager.default.isWritableFile(atPath: layout.folder)
        else { return false }
        guard let free = freeBytes else { return false }
        return free > limits.reserve && (limits.quota == 0 || usedBytes < limits.quota)
    }

    /// Of the disk; nil when it does not say.
    var freeBytes: Int64? {
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: layout.folder)
        return (attributes?[.systemFreeSize] as? NSNumber)?.int64Value
    }

    /// What recordings take: everything in the spool, and what belongs to them elsewhere.
    private var usedBytes: Int64 { Self.bytes(in: layout.folder) + otherBytes() }

    /// Looking takes time where thousands of files lie: it is done again when twenty times as long has passed.
    private func otherBytes() -> Int64 {
        let begun = ContinuousClock.now
        if let counted, begun < counted.until { return counted.bytes }
        let bytes = limits.others.reduce(0) { $0 + Self.bytes(in: $1) }
        let end = ContinuousClock.now
        counted = (bytes, end + (end - begun) * 20)
        return bytes
    }

    private static func bytes(in folder: String) -> Int64 {
        let names = FileManager.default.enumerator(atPath: folder)
        var sum: Int64 = 0
        while names?.nextObject() != nil {
            guard let attributes = names?.fileAttributes, attributes[.type] as? FileAttributeType == .typeRegular else { continue }
            sum += (attributes[.size] as? NSNumber)?.int64Value ?? 0
        }
        return sum
    }

    /// Makes the folder of a recording's parts, and room where there is none and delivered files can go. Throws `storage_full` when that is not
    /// enough, `internal` when the folder cannot be made.
    package func open(_ recording: RecordingID) async throws(BridgeError) {
        guard await makeRoom() else {
            throw BridgeError(.storageFull, "The recordings' disk is full up to its reserve or quota; free some space.")
        }
        try makeFolder(layout.workFolder(recording))
    }

    /// The plan's file of a recorder for this part.
    package nonisolated func partPath(_ part: PartName, row: RecordingRow) -> String {
        layout.part(part, of: row.id, container: row.container)
    }

    /// The finisher's plan for these parts, in order; nil without parts.
    package nonisolated func finishPlan(_ parts: [PartName], of segment: SegmentRow) -> FinishPlan? {
        let paths = parts.map { layout.part($0, of: segment.recording, container: segment.container) }
        guard let first = paths.first else { return nil }
        return FinishPlan(
            container: segment.container, source: first, continuations: Array(paths.dropFirst()), destination: layout.joined(segment))
    }

    /// Moves a segment's finished file to its place and removes what it was made of. Doing it twice is harmless. Returns its size in bytes.
    /// Throws `storage_full` or `internal`.
    @discardableResult
    package func promote(_ file: RecordingMachine.FinishedFile, of segment: SegmentRow) throws(BridgeError) -> Int64 {
        let source: String
        switch file {
        // A part of an MP4 that is delivered as it is has become a Matroska row: both names agree.
        case .part(let number):
            source = layout.part(
                PartName(segment: segment.number, number: number), of: segment.recording, container: segment.container)
        case .movie(let number):
            source = layout.movie(PartName(segment: segment.number, number: number), of: segment.recording)
        case .joined: source = layout.joined(segment)
        }
        let destination = layout.finished(segment)
        do throws(SystemError) {
            if FileManager.default.fileExists(atPath: source) { try DurableFiles.rename(source, to: destination) }
        } catch {
            throw failure(error, "The finished recording cannot be moved to its place")
        }
        guard let size = size(of: destination) else {
            throw BridgeError(.internal, "The finished recording \(segment.recording) is not in the spool; look at the disk.")
        }
        removeParts(of: segment)
        return size
    }

    /// Removes a segment's parts, and the work folder with the last of them.
    private func removeParts(of segment: SegmentRow) {
        let folder = layout.workFolder(segment.recording)
        let names = names(in: folder)
        let own = names.filter { name in
            PartName(fileName: name)?.segment == segment.number || name.hasPrefix("joined-\(segment.number).")
                || name.hasPrefix(PartName.moviePrefix(ofSegment: segment.number))
        }
        if own.count == names.count { return removeFolder(folder) }
        for name in own { try? FileManager.default.removeItem(atPath: "\(folder)/\(name)") }
    }

    /// Removes everything of a recording that holds no media.
    package func discard(_ recording: RecordingID) {
        removeFolder(layout.workFolder(recording))
    }

    package func finishedPath(_ segment: SegmentRow) -> String? {
        let path = layout.finished(segment)
        return segment.state.hasFile && size(of: path) != nil ? path : nil
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
