internal import Bridge
internal import Foundation

/// Where a file goes in a folder of this machine.
struct FolderPlace: Sendable {
    /// The destination.
    let root: String
    /// Below it.
    let key: String
    /// The folder that holds the file.
    let folder: String
    let name: String

    /// nil when it is no absolute path, or not in its folder.
    init?(_ root: String, key: String) {
        let parts = key.split(separator: "/").map(String.init)
        guard root.hasPrefix("/"), !root.utf8.contains(0), !root.split(separator: "/").contains("..") else { return nil }
        guard let name = parts.last else { return nil }
        self.root = root
        self.key = key
        self.name = name
        folder = ([root] + parts.dropLast()).joined(separator: "/")
    }

    var final: String { "\(folder)/\(name)" }

    /// In the ledger.
    var location: String { "folder \(final)" }

    /// What is not complete has this name, so that whoever watches the folder sees whole files only.
    func temporary(_ id: String) -> String { "\(folder)/.\(name).\(id).part" }
}

/// A file that is being written in a folder; closes with the last reference. All of it blocks.
final class FolderFile: Sendable {
    /// Read by the owner and the group; a recording is private.
    private static let mode: mode_t = 0o640
    private static let folderMode = 0o750
    private static let pieceLength = 256 * 1024

    private let descriptor: Int32
    let path: String
    /// Bytes when it was opened.
    let size: Int64

    /// Opens the file, which is made where there is none. `isNew`: nothing is left of what is there.
    init(path: String, isNew: Bool) throws(AttemptFault) {
        descriptor = open(path, O_RDWR | O_CREAT | (isNew ? O_TRUNC : 0) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, Self.mode)
        guard descriptor >= 0 else { throw AttemptFault(folder: errno) }
        self.path = path
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .folderUnwritable
        }
        size = Int64(status.st_size)
    }

    deinit {
        close(descriptor)
    }

    /// Makes a folder and those above it.
    static func makeFolder(_ path: String) throws(AttemptFault) {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: folderMode])
        } catch {
            throw .folderUnwritable
        }
    }

    /// Copies bytes to the same place; returns how many, fewer than wanted where the piece is long.
    func copy(_ range: Range<Int64>, of file: SpoolFile) throws(AttemptFault) -> Int64 {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: min(Self.pieceLength, range.count), alignment: 16)
        defer { buffer.deallocate() }
        guard let count = try? file.read(into: buffer, at: range.lowerBound), count > 0 else { throw .fileMissing }
        var written = 0
        while written < count {
            let rest = UnsafeRawBufferPointer(rebasing: buffer[written..<count])
            let wrote = pwrite(descriptor, rest.baseAddress, rest.count, off_t(range.lowerBound) + off_t(written))
            if wrote < 0, errno == EINTR { continue }
            guard wrote > 0 else { throw AttemptFault(folder: errno) }
            written += wrote
        }
        return Int64(count)
    }

    /// Whether the bytes at a place are the file's; a place without bytes has none.
    func holds(_ range: Range<Int64>, of file: SpoolFile, _ flag: CancellationFlag) throws -> Bool {
        let mine = UnsafeMutableRawPointer.allocate(byteCount: Self.pieceLength, alignment: 16)
        let theirs = UnsafeMutableRawPointer.allocate(byteCount: Self.pieceLength, alignment: 16)
        defer {
            mine.deallocate()
            theirs.deallocate()
        }
        var offset = range.lowerBound
        while offset < range.upperBound {
            try flag.check()
            let length = Int(min(Int64(Self.pieceLength), range.upperBound - offset))
            let wanted = try file.read(into: UnsafeMutableRawBufferPointer(start: theirs, count: length), at: offset)
            guard wanted > 0 else { throw AttemptFault.fileMissing }
            let count = pread(descriptor, mine, wanted, off_t(offset))
            guard count == wanted, memcmp(mine, theirs, wanted) == 0 else { return false }
            offset += Int64(wanted)
        }
        return true
    }

    /// What was written stays, whatever happens.
    func synchronize() throws(AttemptFault) {
        guard fdatasync(descriptor) == 0 else { throw AttemptFault(folder: errno) }
    }

    /// Cuts off what is behind the end, and gives the file its name.
    func complete(_ size: Int64, at place: FolderPlace) throws(AttemptFault) {
        var (mine, named) = (stat(), stat())
        guard ftruncate(descriptor, off_t(size)) == 0, fsync(descriptor) == 0, fstat(descriptor, &mine) == 0 else {
            throw AttemptFault(folder: errno)
        }
        // Nobody else may have put another file there meanwhile.
        guard lstat(path, &named) == 0, named.st_ino == mine.st_ino, named.st_dev == mine.st_dev, Int64(mine.st_size) == size,
            rename(path, place.final) == 0
        else { throw AttemptFault(folder: errno) }
        try Self.synchronize(place.folder)
        // The folder may be new; whether its parent may be read does not decide about the file.
        try? Self.synchronize(place.folder + "/..")
    }

    /// Removes a temporary file; false when it cannot be known to be gone.
    static func remove(_ path: String, in folder: String) -> Bool {
        if unlink(path) == 0 { return true }
        var status = stat()
        // Without its folder the file may be away with the disk that holds it.
        return lstat(path, &status) != 0 && errno == ENOENT && stat(folder, &status) == 0
    }

    private static func synchronize(_ folder: String) throws(AttemptFault) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw AttemptFault(folder: errno) }
        defer { close(descriptor) }
        // Some network file systems have no fsync(2) for folders and say EINVAL: they sync a rename by themselves.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw AttemptFault(folder: errno) }
    }
}

extension AttemptFault {
    /// What a call on a folder's file said.
    fileprivate init(folder code: Int32) {
        self = code == ENOSPC || code == EDQUOT || code == EFBIG ? .folderFull : .folderUnwritable
    }
}
