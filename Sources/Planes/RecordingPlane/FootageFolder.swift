package import Bridge
package import BridgeModel
internal import Foundation
internal import LinuxIO
internal import Matroska

/// The files of cameras' own recordings while their pieces come in: one file each, named by the recording that it will be.
package actor FootageFolder: FootageFiles {
    private let folder: String
    private let spool: RecordingSpool

    /// Files that are not complete; more are refused.
    private static let mostFiles = 256
    /// A camera that has not gone on for so long begins anew.
    private let patience: Duration

    /// `folder`: absolute path, on the spool's file system; made when it is needed. `patience`: how long a file waits for its next piece.
    package init(folder: String, patience: Duration, spool: RecordingSpool) {
        self.folder = folder
        self.patience = patience
        self.spool = spool
    }

    private func path(_ piece: FootagePiece) -> String { "\(folder)/\(piece.recording)" }

    private func size(_ path: String) -> Int64? {
        ((try? FileManager.default.attributesOfItem(atPath: path))?[.size] as? NSNumber)?.int64Value
    }

    package func add(_ piece: FootagePiece) async throws(BridgeError) -> Int64 {
        guard await spool.makeRoom() else {
            throw BridgeError(.storageFull, "The recordings' disk is full up to its reserve or quota; send the file again later.")
        }
        let path = path(piece)
        let there = size(path) ?? 0
        guard piece.offset == there, !piece.bytes.isEmpty, there + Int64(piece.bytes.count) <= piece.size else {
            return min(there, piece.size)
        }
        if there == 0 { try prepare(path) }
        do {
            let file = try FileHandle(forWritingTo: URL(filePath: path))
            defer { try? file.close() }
            try file.seekToEnd()
            try file.write(contentsOf: piece.bytes)
            // Before it is read, and the camera is told that it may forget it.
            if there + Int64(piece.bytes.count) == piece.size { try file.synchronize() }
        } catch {
            throw BridgeError(.storageFull, "The file cannot be written here: \(error.localizedDescription)")
        }
        return there + Int64(piece.bytes.count)
    }

    private func prepare(_ path: String) throws(BridgeError) {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            removeForgotten(now: .systemNow)
            guard try FileManager.default.contentsOfDirectory(atPath: folder).count < Self.mostFiles else {
                throw BridgeError(.limitReached, "Too many cameras send their own recordings at once; send the file again later.")
            }
            guard FileManager.default.createFile(atPath: path, contents: nil) else {
                throw BridgeError(.internal, "The file \(path) cannot be made; check who owns the data folder.")
            }
        } catch let error as BridgeError {
            throw error
        } catch {
            throw BridgeError(.internal, "The folder \(folder) cannot be used; check who owns the data folder.")
        }
    }

    /// Removes files that have waited too long for their next piece; call it now and then. Returns how many.
    @discardableResult
    package func removeForgotten(now: WallTime) -> Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).count { name in
            let path = "\(folder)/\(name)"
            guard let changed = (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date else { return false }
            let written = WallTime(milliseconds: Int64(changed.timeIntervalSince1970 * 1000))
            return written.advanced(by: patience) < now && (try? FileManager.default.removeItem(atPath: path)) != nil
        }
    }

    package func inspect(_ piece: FootagePiece) async throws(BridgeError) -> FootageFacts {
        let path = path(piece)
        do throws(BridgeError) {
            let file = try await FinishedFile.read(path, container: .matroska)
            guard file.sha256 == piece.sha256 else {
                throw BridgeError(.invalidField, "The file is not the one whose sha256 was named; send it again.")
            }
            return try await Self.facts(of: path)
        } catch {
            try? FileManager.default.removeItem(atPath: path)
            throw error
        }
    }

    /// On a thread of its own, since it reads all of it.
    private static func facts(of path: String) async throws(BridgeError) -> FootageFacts {
        let facts: FootageFacts? = await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: FootageFacts(readingFile: path)) }
            thread.name = "footage"
            thread.start()
        }
        guard let facts else {
            throw BridgeError(
                .invalidField, "The file is no Matroska or WebM with frames and the time of its beginning, as cameras record it.")
        }
        return facts
    }

    package func move(_ piece: FootagePiece, to path: String) throws(BridgeError) {
        do throws(SystemError) {
            try DurableFiles.rename(self.path(piece), to: path)
        } catch {
            throw BridgeError(
                error.isStorageFull ? .storageFull : .internal, "The camera's recording cannot be moved to its place: \(error).")
        }
    }
}

extension FootageFacts {
    /// nil for what holds no frame, or does not say when it began.
    init?(readingFile path: String) {
        guard let file = try? ReadableFile(path: path),
            var reader = try? MatroskaReader(readBytes: { file.read(at: $0, count: $1) }), let startedAt = reader.startedAt
        else { return nil }
        var last: Duration?
        while let frame = reader.next() { last = max(last ?? .zero, frame.time) }
        guard let last else { return nil }
        self.init(startedAt: startedAt, duration: last, codecs: reader.tracks.map(\.codec))
    }
}
