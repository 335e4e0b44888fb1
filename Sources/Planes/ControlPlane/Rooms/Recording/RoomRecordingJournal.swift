internal import Bridge
internal import BridgeModel
internal import Foundation
internal import LinuxIO
internal import Logging
internal import Signaling

/// What a room's recording keeps, on the disk: a line for each thing that happens, and the manifest that is made of them.
///
/// ```
/// rooms/<room recording>.journal     lines of JSON, appended
/// rooms/<room recording>.room.json   the manifest, when all is complete
/// rooms/<picture>.jpg                pictures that were taken in rooms
/// ```
struct RoomFolder: Sendable {
    let path: String

    /// Makes the folder, readable for its owner only.
    func prepare() throws(BridgeError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw BridgeError(.internal, "The folder \(path) cannot be made; check who owns the data folder.")
        }
    }

    /// Behind the name of what is being written.
    private static let partial = ".partial"

    func journal(_ id: RoomRecordingID) -> String { "\(path)/\(id).journal" }
    func manifest(_ id: RoomRecordingID) -> String { "\(path)/\(id).room.json" }
    func picture(_ id: String) -> String { "\(path)/\(id).jpg" }

    /// What is there of recordings, in no order.
    func recordings() throws(BridgeError) -> [RoomRecordingID] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            throw BridgeError(.internal, "The folder \(path) cannot be read; check who owns the data folder.")
        }
        return names.filter { $0.hasSuffix(".journal") }.map { RoomRecordingID(String($0.dropLast(".journal".count))) }
    }

    func isReady(_ id: RoomRecordingID) -> Bool { FileManager.default.fileExists(atPath: manifest(id)) }

    /// What the journal says; nil where it says nothing.
    @concurrent func read(_ id: RoomRecordingID) async -> RoomManifest? {
        FileManager.default.contents(atPath: journal(id)).flatMap { RoomManifest(journal: $0) }
    }

    /// Whole or not at all, and again over itself. Throws `storage_full` or `internal`.
    @concurrent func write(_ bytes: [UInt8], to path: String) async throws(BridgeError) {
        let temporary = path + Self.partial
        do throws(SystemError) {
            try DurableFiles.remove(temporary)
            let file = try LockedFile(creating: temporary)
            try file.write(bytes, at: 0)
            try file.synchronise()
            try DurableFiles.rename(temporary, to: path)
        } catch {
            try? DurableFiles.remove(temporary)
            throw error.isStorageFull
                ? BridgeError(.storageFull, "What is kept of a room cannot be written: the disk is full.")
                : BridgeError(.internal, "What is kept of a room cannot be written: \(error).")
        }
    }
}

// What goes.
extension RoomFolder {
    func hasPicture(_ id: String) -> Bool { FileManager.default.fileExists(atPath: picture(id)) }

    func removePicture(_ id: String) { try? FileManager.default.removeItem(atPath: picture(id)) }

    func removePictures(where isGone: (String) -> Bool) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] where name.hasSuffix(".jpg") {
            guard isGone(String(name.dropLast(".jpg".count))) else { continue }
            try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
        }
    }

    /// Puts pictures beside files that are sent, under these names; again over themselves.
    @concurrent func copy(_ pictures: [String], to paths: [String]) async throws(BridgeError) {
        for (id, path) in zip(pictures, paths) {
            guard let bytes = FileManager.default.contents(atPath: picture(id)) else {
                throw BridgeError(.internal, "The picture \(picture(id)) cannot be read.")
            }
            try await write(Array(bytes), to: path)
        }
    }

    /// Removes all that is here of a room's recording, and in the spool beside its host; the journal goes last. False when something stays.
    func remove(_ row: RoomRecordingRow, spool: String) -> Bool {
        var paths = row.pictures.map(picture) + [manifest(row.id)]
        if let host = row.host {
            let names = row.pictures.map { SidecarName.roomPicture($0, of: host) } + [SidecarName.room(of: host)]
            paths += names.map { "\(spool)/\($0)" }
        }
        paths += paths.map { $0 + Self.partial }
        return (paths + [journal(row.id)]).allSatisfy { (try? DurableFiles.remove($0)) != nil }
    }
}

/// The journal of one room's recording, while it is written. Not thread-safe: its recording's actor writes.
struct RoomRecordingJournal {
    private let file: LockedFile
    private var size: UInt64 = 0
    private let logger: Logger
    private let metadata: Logger.Metadata

    /// Begins it; its first line is on the disk when this returns. Throws `storage_full` or `internal`.
    init(_ recording: RoomRecording, room: RoomID, account: AccountID, in folder: RoomFolder, logger: Logger) throws(BridgeError) {
        let path = folder.journal(recording.id)
        do throws(SystemError) {
            file = try LockedFile(creating: path)
        } catch {
            throw Self.failure(error)
        }
        self.logger = logger
        metadata = ["room_recording": "\(recording.id)"]
        do throws(SystemError) {
            try write(.begun(recording, room: room, account: account), at: recording.since)
        } catch {
            try? DurableFiles.remove(path)
            throw Self.failure(error)
        }
    }

    private static func failure(_ error: SystemError) -> BridgeError {
        BridgeError(error.isStorageFull ? .storageFull : .internal, "The journal of the room's recording cannot be written: \(error).")
    }

    /// A line that cannot be written is left out: the media is worth more than what is said of it.
    mutating func append(_ entry: RoomRecordingEntry, at moment: WallTime) {
        do throws(SystemError) {
            try write(entry, at: moment)
        } catch {
            logger.error("the journal of a room's recording cannot be written", metadata: metadata.merging(["error": "\(error)"]) { $1 })
        }
    }

    private mutating func write(_ entry: RoomRecordingEntry, at moment: WallTime) throws(SystemError) {
        let line = Array(entry.value(at: moment).text.utf8) + [UInt8(ascii: "\n")]
        try file.write(line, at: size)
        size += UInt64(line.count)
        // Strokes come many a second: they are on the disk with what follows them, and outlive the bridge meanwhile.
        if entry.isStroke { return }
        try file.synchronise()
    }
}

extension RoomRecordingJournal {
    /// What ends a journal that a bridge that died left open. Appends to the file by its path.
    static func end(_ path: String, at moment: WallTime) throws {
        let handle = try FileHandle(forWritingTo: URL(filePath: path))
        defer { try? handle.close() }
        try handle.seekToEnd()
        // The last line may have been cut off.
        try handle.write(contentsOf: Data("\n\(RoomRecordingEntry.ended(.bridgeRestarted).value(at: moment).text)\n".utf8))
        try handle.synchronize()
    }
}
