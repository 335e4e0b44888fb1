package import Bridge
package import BridgeModel
internal import Foundation
internal import LinuxIO

/// The pictures that stand behind composites: a file each, named by the background.
package actor BackgroundFolder: BackgroundStore {
    private let folder: String
    /// What is being written; no background has such a name.
    private static let partial = ".partial"

    /// `folder`: absolute path; made when it is needed.
    package init(folder: String) { self.folder = folder }

    private func path(_ name: BackgroundName) -> String { "\(folder)/\(name)" }

    package func all() throws(BridgeError) -> [Background] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.sorted().compactMap { text -> Background? in
            let path = "\(folder)/\(text)"
            if text.hasSuffix(Self.partial) { try? DurableFiles.remove(path) }
            guard let name = BackgroundName(named: text), let bytes = Self.bytes(path), let header = try? PictureHeader(reading: bytes),
                let changed = (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
            else { return nil }
            let time = WallTime(milliseconds: Int64(changed.timeIntervalSince1970 * 1000))
            return Background(name: name, header: header, bytes: bytes.count, updatedAt: time, path: path)
        }
    }

    package func write(
        _ picture: [UInt8], _ header: PictureHeader, as name: BackgroundName
    ) throws(BridgeError) -> Background {
        let path = path(name)
        let temporary = path + Self.partial
        do throws(SystemError) {
            try? FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            try DurableFiles.remove(temporary)
            let file = try LockedFile(creating: temporary)
            try file.write(picture, at: 0)
            try file.synchronise()
            try DurableFiles.rename(temporary, to: path)
        } catch {
            try? DurableFiles.remove(temporary)
            throw error.isStorageFull
                ? BridgeError(.storageFull, "The background \(name) cannot be kept: the disk is full.")
                : BridgeError(.unavailable, "The background \(name) cannot be written into \(folder): \(error).")
        }
        return Background(
            name: name, header: header, bytes: picture.count, updatedAt: WallTime(nanoseconds: SystemClocks.wallNanoseconds), path: path)
    }

    package func read(_ background: Background) -> [UInt8]? { Self.bytes(background.path) }

    package func remove(_ background: Background) throws(BridgeError) {
        do throws(SystemError) {
            try DurableFiles.remove(background.path)
            try DurableFiles.synchronise(folderOf: background.path)
        } catch {
            throw BridgeError(.unavailable, "The background \(background.name) cannot be removed from \(folder): \(error).")
        }
    }

    private static func bytes(_ path: String) -> [UInt8]? {
        (try? ReadableFile(path: path))?.read(at: 0, count: PictureHeader.largestFile + 1)
    }
}
