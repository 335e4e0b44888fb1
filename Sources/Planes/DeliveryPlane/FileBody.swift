internal import Foundation
internal import NIOCore

/// An open file of the spool; closes with the last reference.
final class SpoolFile: Sendable {
    /// An open descriptor; read with pread(2) only, so that readers share no position.
    let descriptor: Int32
    /// Bytes when it was opened; a finished recording does not change.
    let size: Int64

    /// nil when there is no such regular file directly in the folder, or it cannot be read. `name` is a bare file name.
    convenience init?(folder: String, name: String) {
        guard !name.isEmpty, name != ".", name != "..", !name.contains("/"), !name.utf8.contains(0) else { return nil }
        self.init(path: folder + "/" + name)
    }

    /// nil when there is no such regular file, or it cannot be read. The path is the bridge's own.
    init?(path: String) {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
        size = Int64(status.st_size)
    }

    /// A file without a name that holds these bytes, in the system's folder for such files. Blocks; throws what the disk says.
    init(holding bytes: [UInt8]) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "viaduct-\(UUID().uuidString)").path
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileBody.CutShort() }
        unlink(path)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                close(descriptor)
                throw FileBody.CutShort()
            }
            rest = rest.dropFirst(count)
        }
        self.descriptor = descriptor
        size = Int64(bytes.count)
    }

    deinit {
        close(descriptor)
    }

    /// All of it. Blocks.
    func bytes() throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            while count < buffer.count {
                let read = try read(
                    into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...]), at: Int64(count))
                guard read > 0 else { throw FileBody.CutShort() }
                count += read
            }
        }
    }

    /// At most `count` bytes from `offset` into `buffer`; 0 at the end. Blocks.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws -> Int {
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 { return count }
            guard errno == EINTR else { throw FileBody.CutShort() }
        }
    }
}

/// A file, or a part of it, as a request's body: read piece by piece as the connection takes it, never held whole.
struct FileBody: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    /// The file ended before its size, or could not be read.
    struct CutShort: Error {}

    /// Bytes of a piece: few calls, little memory for each upload.
    private static let pieceLength = 128 * 1024

    let file: SpoolFile
    /// Bytes of the file.
    let range: Range<Int64>
    let progress: TransferProgress
    let transfer: TransferServices
    /// Before the last bytes.
    var tailPause: Duration = .zero

    /// Bytes that are held back.
    private static let tailLength: Int64 = 64

    func makeAsyncIterator() -> AsyncIterator {
        progress.restart()
        return AsyncIterator(body: self, offset: range.lowerBound)
    }

    struct AsyncIterator: AsyncIteratorProtocol {
        let body: FileBody
        var offset: Int64

        mutating func next() async throws -> ByteBuffer? {
            guard offset < body.range.upperBound else { return nil }
            if body.isTail(offset) { try await Task.sleep(for: body.tailPause) }
            let piece = try await body.piece(at: offset)
            // Who waits for a turn has not stalled.
            await body.transfer.bandwidth.wait(for: piece.readableBytes) { body.progress.advance(by: 0) }
            offset += Int64(piece.readableBytes)
            body.progress.advance(by: piece.readableBytes)
            return piece
        }
    }

    /// Where the bytes begin that are held back; nil without a pause.
    private var tail: Int64? { tailPause > .zero ? Swift.max(range.lowerBound, range.upperBound - Self.tailLength) : nil }

    private func isTail(_ offset: Int64) -> Bool { tail == offset }

    private func piece(at offset: Int64) async throws -> ByteBuffer {
        let end = tail.flatMap { offset < $0 ? $0 : nil } ?? range.upperBound
        let length = Int(Swift.min(Int64(Self.pieceLength), end - offset))
        return try await transfer.pool.run { [file] _ in
            var buffer = ByteBuffer()
            let count = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { space in
                try file.read(into: UnsafeMutableRawBufferPointer(rebasing: space.prefix(length)), at: offset)
            }
            guard count > 0 else { throw CutShort() }
            return buffer
        }
    }
}
