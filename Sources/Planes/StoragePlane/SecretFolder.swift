package import BridgeModel
internal import Foundation

/// The folder `<data>/secrets` (0700) with one file (0600) for each secret that the bridge makes for itself at its first start.
package struct SecretFolder: Sendable {
    private let path: String

    /// The `secrets` folder inside this data folder; nothing is touched yet.
    package init(dataFolder: String) {
        path = dataFolder + "/secrets"
    }

    /// The bytes of a secret file; nil when there is none. Throws `unavailable` when it cannot be read or is open to other users.
    package func read(_ name: String) throws(BridgeError) -> Redacted<[UInt8]>? {
        let file = self.path(of: name)
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        try refuseLooseAccess(file)
        do {
            return Redacted([UInt8](try Data(contentsOf: URL(fileURLWithPath: file))))
        } catch {
            throw BridgeError(.unavailable, "the secret file \(file) cannot be read: give the bridge's user read access to it")
        }
    }

    /// The bytes of a secret file, which is made at the first start. Throws as `read` and `create` do.
    package func read(_ name: String, orCreate make: () -> Redacted<[UInt8]>) throws(BridgeError) -> Redacted<[UInt8]> {
        if let stored = try read(name) { return stored }
        let fresh = make()
        try create(name, bytes: fresh)
        return fresh
    }

    /// Writes a new secret file; it is on disk, whole, when this returns, and an existing one is never replaced. Throws `unavailable` or `storage_full`.
    package func create(_ name: String, bytes: Redacted<[UInt8]>) throws(BridgeError) {
        let file = self.path(of: name)
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw BridgeError(.unavailable, "the folder \(path) cannot be created: give the bridge's user write access to the data folder")
        }
        let temporary = "\(file).\(UUID().uuidString).part"
        defer { unlink(temporary) }
        try write(bytes.revealed, to: temporary)
        // link(2) fails when the name exists: of two bridges that start together, one wins and the other says so.
        guard link(temporary, file) == 0 else { throw fault(writing: file, errno) }
        try synchronizeFolder()
    }

    private func path(of name: String) -> String { "\(path)/\(name)" }

    private func write(_ bytes: [UInt8], to file: String) throws(BridgeError) {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw fault(writing: file, errno) }
        defer { close(descriptor) }
        let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
        guard written == bytes.count, fsync(descriptor) == 0 else { throw fault(writing: file, errno) }
    }

    private func synchronizeFolder() throws(BridgeError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fault(writing: path, errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw fault(writing: path, errno) }
    }

    private func refuseLooseAccess(_ file: String) throws(BridgeError) {
        var status = stat()
        guard stat(file, &status) == 0 else { throw BridgeError(.unavailable, "the secret file \(file) cannot be examined") }
        guard status.st_mode & 0o077 == 0 else {
            throw BridgeError(.unavailable, "the secret file \(file) is open to other users: run `chmod 600 \(file)` and start again")
        }
    }

    private func fault(writing file: String, _ code: Int32) -> BridgeError {
        switch code {
        case ENOSPC, EDQUOT: BridgeError(.storageFull, "the disk is full, so \(file) cannot be written: free space and start again")
        case EEXIST: BridgeError(.unavailable, "\(file) exists already: is another bridge starting on the same data folder?")
        default:
            BridgeError(.unavailable, "\(file) cannot be written (errno \(code)): give the bridge's user write access to the data folder")
        }
    }
}
