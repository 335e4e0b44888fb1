internal import Bridge
internal import BridgeModel
internal import Foundation

/// Copies a recording into a folder of this machine: under a temporary name, synced, then renamed, so that whoever watches the folder sees whole
/// files only. A repeated attempt replaces what an earlier one left.
struct FolderUploadPerformer: Sendable {
    private static let pieceLength = 1024 * 1024
    /// Read by the owner and the group; a recording is private.
    private static let fileMode: mode_t = 0o640
    private static let folderMode = 0o750

    let transfer: TransferServices

    /// `key`: below the folder; nil: the file's name in the spool.
    func copy(_ job: UploadJob, to folder: String, key: String?) async -> AttemptOutcome {
        guard folder.hasPrefix("/"), !folder.utf8.contains(0), !folder.split(separator: "/").contains("..") else {
            return .failed(.impossible)
        }
        let place = (key ?? job.name).split(separator: "/")
        let target = ([folder] + place.dropLast().map(String.init)).joined(separator: "/")
        do {
            return try await transfer.pool.run { flag in
                do {
                    try Self.copy(job.file, to: target, name: place.last.map(String.init) ?? job.name, id: job.id, flag)
                    return .stored
                } catch let fault as AttemptFault {
                    return .failed(fault)
                }
            }
        } catch {
            return .failed(.timedOut)
        }
    }

    private static func copy(_ file: SpoolFile, to folder: String, name: String, id: DeliveryID, _ flag: CancellationFlag) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: folderMode])
        } catch {
            throw AttemptFault.folderUnwritable
        }
        let temporary = "\(folder)/.\(name).\(id.rawValue).part"
        do {
            try write(file, to: temporary, flag)
            guard rename(temporary, "\(folder)/\(name)") == 0 else { throw fault(errno) }
        } catch {
            unlink(temporary)
            throw error
        }
        try synchronize(folder)
        // The folder may be new; whether its parent may be read does not decide about the file.
        try? synchronize(folder + "/..")
    }

    private static func write(_ file: SpoolFile, to path: String, _ flag: CancellationFlag) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, fileMode)
        guard descriptor >= 0 else { throw fault(errno) }
        defer { close(descriptor) }
        var offset: Int64 = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceLength, alignment: 16)
        defer { buffer.deallocate() }
        while offset < file.size {
            try flag.check()
            guard let count = try? file.read(into: buffer, at: offset), count > 0 else { throw AttemptFault.fileMissing }
            try write(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)), to: descriptor)
            offset += Int64(count)
        }
        guard fsync(descriptor) == 0 else { throw fault(errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, Int64(status.st_size) == file.size else { throw AttemptFault.folderUnwritable }
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws {
        var rest = bytes
        while !rest.isEmpty {
            let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw fault(errno) }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }

    private static func synchronize(_ folder: String) throws {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fault(errno) }
        defer { close(descriptor) }
        // Some network file systems have no fsync(2) for folders and say EINVAL: they sync a rename by themselves.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw fault(errno) }
    }

    private static func fault(_ code: Int32) -> AttemptFault {
        code == ENOSPC || code == EDQUOT || code == EFBIG ? .folderFull : .folderUnwritable
    }
}
