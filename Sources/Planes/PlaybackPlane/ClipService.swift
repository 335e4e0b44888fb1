package import Bridge
package import BridgeModel
internal import Foundation
internal import LinuxIO
package import Logging
internal import Matroska
package import Playback

/// Clips: each a file in a folder of its own, and a row. A file without a row does not outlive the next start, a row is written when its file is
/// durable.
package struct ClipService: ClipCommands {
    private static let unfinished = ".part"

    private let playback: PlaybackService
    private let ledger: any ClipLedger
    private let folder: String
    private let hasSpace: @Sendable () async -> Bool
    private let now: @Sendable () -> WallTime

    /// `folder` is an absolute path; `hasSpace` says whether its disk has more free than the reserve.
    package init(
        playback: PlaybackService, ledger: any ClipLedger, folder: String, hasSpace: @escaping @Sendable () async -> Bool,
        now: @escaping @Sendable () -> WallTime
    ) {
        self.playback = playback
        self.ledger = ledger
        self.folder = folder
        self.hasSpace = hasSpace
        self.now = now
    }

    /// Makes the folder, readable for its owner only, and removes what no clip knows. Throws `internal` or what the ledger throws.
    package func prepare(logger: Logger) async throws(BridgeError) {
        do {
            let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true, attributes: attributes)
        } catch {
            throw BridgeError(.internal, "The folder \(folder) cannot be made; check who owns the data folder.")
        }
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            let clip = try await ledger.clip(ClipID(String(name.prefix { $0 != "." })))
            guard clip?.fileName != name else { continue }
            try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
            logger.notice("A file that belongs to no clip was removed", metadata: ["name": "\(name)"])
        }
    }

    package func makeClip(_ order: ClipOrder, for account: AccountID) async throws(PlaybackError) -> Clip {
        guard await hasSpace() else {
            throw .failed(BridgeError(.storageFull, "The recordings' disk is full up to its reserve; free some space."))
        }
        let (file, container) = try await cut(order)
        var clip = Clip(id: ClipID(UUID().uuidString.lowercased()), account: account, order: order, container: container, createdAt: now())
        let path = "\(folder)/\(clip.fileName)"
        clip.sizeBytes = try await write(file, to: path)
        do throws(BridgeError) {
            try await ledger.add(clip)
            return clip
        } catch {
            try? DurableFiles.remove(path)
            throw .failed(error)
        }
    }

    /// MP4, exact to the frame, where the codecs allow it; else WebM.
    private func cut(_ order: ClipOrder) async throws(PlaybackError) -> (CutFile, Container) {
        do throws(PlaybackError) {
            return (try await playback.cutFile(of: order.stream, MediaCut(order.range, container: .mp4, isExact: true)).0, .mp4)
        } catch {
            guard case .unsuitable = error else { throw error }
            return (try await playback.cutFile(of: order.stream, MediaCut(order.range, container: .webm)).0, .webm)
        }
    }

    /// Writes all of it under another name first. Returns its size in bytes; throws `failed`.
    private func write(_ cut: CutFile, to path: String) async throws(PlaybackError) -> Int64 {
        let library = playback.library
        let temporary = path + Self.unfinished
        do throws(PlaybackError) {
            let file = try await library.blocking(.long) {
                try Self.storing { () throws(SystemError) in try LockedFile(creating: temporary) }
            }
            var size: UInt64 = 0
            while let end = try await library.blocking(.long, { [size] in try Self.append(cut, to: file, at: size) }) { size = end }
            try await library.blocking(.long) { try Self.finish(file, cut.corrections, temporary, to: path) }
            return Int64(clamping: size)
        } catch {
            try? DurableFiles.remove(temporary)
            throw error
        }
    }

    /// Writes the next part. Returns where it ends; nil when there is none.
    private static func append(_ cut: CutFile, to file: LockedFile, at offset: UInt64) throws(PlaybackError) -> UInt64? {
        guard let part = cut.next() else { return nil }
        try storing { () throws(SystemError) in try file.write(part, at: offset) }
        return offset + UInt64(part.count)
    }

    private static func finish(
        _ file: LockedFile, _ corrections: [MatroskaWriter.Overwrite], _ temporary: String, to path: String
    ) throws(PlaybackError) {
        try storing { () throws(SystemError) in
            for correction in corrections { try file.write(correction.bytes, at: correction.offset) }
            try file.synchronise()
            try DurableFiles.rename(temporary, to: path)
        }
    }

    private static func storing<Value>(_ work: () throws(SystemError) -> Value) throws(PlaybackError) -> Value {
        do throws(SystemError) {
            return try work()
        } catch {
            let code: BridgeError.Code = error.isStorageFull ? .storageFull : .internal
            throw .failed(BridgeError(code, "The clip cannot be written: \(error)."))
        }
    }

    package func clips(_ query: ClipQuery) async throws(BridgeError) -> [Clip] { try await ledger.clips(query) }

    package func clip(_ id: ClipID) async throws(BridgeError) -> Clip? { try await ledger.clip(id) }

    package func file(of clip: Clip) async -> String? {
        let path = "\(folder)/\(clip.fileName)"
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    package func removeClip(_ id: ClipID) async throws(BridgeError) -> Bool {
        guard let clip = try await ledger.clip(id), try await ledger.removeClip(id) else { return false }
        try? DurableFiles.remove("\(folder)/\(clip.fileName)")
        return true
    }
}
