internal import Glibc

/// A file that one process writes while everybody may read: created new, mode 0600, and locked (`flock`) for as long as this object lives, so that
/// others can tell a writer that still runs from one that died. Not thread-safe: one thread writes.
package final class LockedFile: Sendable {
    private let descriptor: Int32

    /// Creates `path`, which must not exist; links are not followed.
    package init(creating path: String) throws(SystemError) {
        let opened = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw .last("open") }
        descriptor = opened
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .last("flock") }
    }

    deinit { close(descriptor) }

    /// Writes all bytes at `offset`. After an error any number of them may be there.
    package func write(_ bytes: [UInt8], at offset: UInt64) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                pwrite(
                    descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written, off_t(clamping: offset) + off_t(written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw count < 0 ? .last("pwrite") : SystemError(call: "pwrite", number: ENOSPC) }
            written += count
        }
    }

    /// Cuts the file to `size` bytes.
    package func truncate(to size: UInt64) throws(SystemError) {
        guard ftruncate(descriptor, off_t(clamping: size)) == 0 else { throw .last("ftruncate") }
    }

    /// Returns when everything that was written is on the disk, and the length with it.
    package func synchronise() throws(SystemError) {
        guard fdatasync(descriptor) == 0 else { throw .last("fdatasync") }
    }
}

/// The sign that a process works on something that is for one process alone: a file that is locked (`flock`) for as long as this object lives.
/// The kernel takes the lock back when the process ends, however it ends.
package final class ProcessLock: Sendable {
    private let descriptor: Int32

    /// Takes the lock on `path`, which is made where it is missing; its folder must exist. nil when another process has it.
    package init?(path: String) throws(SystemError) {
        descriptor = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .last("open") }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return }
        guard errno == EWOULDBLOCK else { throw .last("flock") }
        return nil
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
}

/// A file that is read at any place.
package final class ReadableFile: Sendable {
    private let descriptor: Int32

    /// Opens `path`; its last part may be a link only where that is asked for.
    package init(path: String, followingLinks: Bool = false) throws(SystemError) {
        descriptor = open(path, O_RDONLY | (followingLinks ? 0 : O_NOFOLLOW) | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open") }
    }

    deinit { close(descriptor) }

    /// Up to `count` bytes from `offset` on; fewer at the end and at an error.
    package func read(at offset: UInt64, count: Int) -> [UInt8] {
        // Without capacity the standard library writes the count, 0, into the one empty array that all threads share.
        guard count > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let place = off_t(clamping: offset) + off_t(filled)
                let got = pread(descriptor, buffer.baseAddress?.advanced(by: filled), count - filled, place)
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { break }
                filled += got
            }
        }
    }

    /// Its length now, bytes; 0 when that cannot be known.
    package var size: UInt64 {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { return 0 }
        return UInt64(clamping: facts.st_size)
    }

    /// True when no name leads to it any more: its disk gets the space back once nobody has it open.
    package var isRemoved: Bool {
        var facts = stat()
        return fstat(descriptor, &facts) == 0 && facts.st_nlink == 0
    }

    /// True while a `LockedFile` of any process has this file open.
    package var isBeingWritten: Bool {
        guard flock(descriptor, LOCK_SH | LOCK_NB) == 0 else { return errno == EWOULDBLOCK }
        flock(descriptor, LOCK_UN)
        return false
    }
}

/// Moves and removals of files that must outlive a power cut.
package enum DurableFiles {
    /// Renames within one file system, replacing, and makes the change durable.
    package static func rename(_ source: String, to destination: String) throws(SystemError) {
        guard Glibc.rename(source, destination) == 0 else { throw .last("rename") }
        try synchronise(folderOf: destination)
    }

    /// Removes a file, if it is there.
    package static func remove(_ path: String) throws(SystemError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw .last("unlink") }
    }

    /// Makes the folder's list of names durable.
    package static func synchronise(folderOf path: String) throws(SystemError) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .last("open") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .last("fsync") }
    }
}

extension SystemError {
    /// The disk, the quota or the largest file size is reached.
    package var isStorageFull: Bool { number == ENOSPC || number == EDQUOT || number == EFBIG }
}
