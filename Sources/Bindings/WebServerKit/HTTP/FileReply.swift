import Glibc
import HTTPTypes

/// An open regular file with the facts its validators are made of. Closed when it is dropped.
struct OpenFile: ~Copyable {
    private let descriptor: Int32
    let size: Int
    /// Strong: changes with content, by modification time in nanoseconds, size and inode.
    let entityTag: String
    /// Seconds since 1970.
    let modified: Int

    /// Opens the file for reading; nil when it is not there, not readable or not a regular file.
    init?(path: String) {
        // O_NONBLOCK keeps a FIFO at this path from blocking the open.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            return nil
        }
        self.descriptor = descriptor
        size = Int(facts.st_size)
        modified = facts.st_mtim.tv_sec
        let stamp = UInt64(bitPattern: Int64(facts.st_mtim.tv_sec)) &* 1_000_000_000 &+ UInt64(facts.st_mtim.tv_nsec)
        entityTag = "\"\(String(stamp, radix: 36))-\(String(facts.st_size, radix: 36))-\(String(facts.st_ino, radix: 36))\""
    }

    deinit { close(descriptor) }

    /// Up to `count` bytes at `offset`; fewer only at the end or on an error.
    func read(at offset: Int, count: Int) -> [UInt8] {
        // Without capacity the standard library writes the count, 0, into the one empty array that all threads share.
        guard count > 0 else { return [] }
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let length = pread(descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
                if length < 0 && errno == EINTR { continue }
                guard length > 0 else { break }
                filled += length
            }
        }
    }
}

/// What a request gets of a file, by its conditions and its range (RFC 9110, 13.2.2 and 14.2).
struct FileReply: Equatable {
    let status: HTTPResponse.Status
    /// The bytes to send; empty where the status has no content.
    let bytes: Range<Int>
    /// The fields to add to the handler's own.
    let fields: HTTPFields

    init(request: HTTPRequest, size: Int, entityTag: String, modified: Int) {
        var fields: HTTPFields = [.eTag: entityTag, .lastModified: HTTPDate.text(of: modified), .acceptRanges: "bytes"]
        let conditions = Conditions(fields: request.headerFields, entityTag: entityTag, modified: modified)
        let isRead = request.method == .get || request.method == .head
        if conditions.hasFailed {
            self.init(status: .preconditionFailed, bytes: 0..<0, fields: fields)
        } else if isRead, conditions.isUnchanged {
            self.init(status: .notModified, bytes: 0..<0, fields: fields)
        } else {
            let range = request.method == .get && conditions.allowsRange ? request.headerFields[.range] : nil
            switch ByteRange(range, size: size) {
            case .whole: self.init(status: .ok, bytes: 0..<size, fields: fields)
            case .unsatisfiable:
                fields[.contentRange] = "bytes */\(size)"
                self.init(status: .rangeNotSatisfiable, bytes: 0..<0, fields: fields)
            case .part(let part):
                fields[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
                self.init(status: .partialContent, bytes: part, fields: fields)
            }
        }
    }

    private init(status: HTTPResponse.Status, bytes: Range<Int>, fields: HTTPFields) {
        self.status = status
        self.bytes = bytes
        self.fields = fields
    }
}

/// The preconditions of a request against one file (RFC 9110, 13.1).
private struct Conditions {
    let fields: HTTPFields
    let entityTag: String
    let modified: Int

    /// If-Match, or If-Unmodified-Since without it, does not hold.
    var hasFailed: Bool {
        if let tags = fields[.ifMatch] { return !Self.list(tags, contains: entityTag) }
        guard let date = fields[.ifUnmodifiedSince].flatMap(HTTPDate.seconds) else { return false }
        return modified > date
    }

    /// If-None-Match, or If-Modified-Since without it, says that the client has this already.
    var isUnchanged: Bool {
        if let tags = fields[.ifNoneMatch] { return Self.list(tags, contains: entityTag) }
        guard let date = fields[.ifModifiedSince].flatMap(HTTPDate.seconds) else { return false }
        return modified <= date
    }

    /// If-Range: a range of another version is no use (RFC 9110, 13.1.5).
    var allowsRange: Bool {
        guard let validator = fields[.ifRange] else { return true }
        return validator == entityTag || HTTPDate.seconds(of: validator) == modified
    }

    private static func list(_ tags: String, contains tag: String) -> Bool {
        tags.split(separator: ",").contains { entry in
            let entry = entry.trimmingOptionalWhitespace()
            return entry == "*" || entry == tag || entry == "W/" + tag
        }
    }
}
