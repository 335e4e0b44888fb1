internal import AsyncHTTPClient
package import Bridge
internal import BridgeModel
internal import Crypto
internal import Foundation
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// Compares what destinations have with what was recorded, to the byte.
extension UploadRoutes {
    package func inspect(
        _ copy: DeliveredCopy, of recording: RecordingRow, against segment: SegmentRow, progress: @escaping @Sendable (Int64) -> Void
    ) async -> CopyFinding {
        let facts = recording.keyFacts(of: copy.file)
        do throws(UploadStop) {
            switch copy.destination {
            case .keep: return .present
            case .put, .http: return .unknown("a plain URL cannot be asked")
            case .folder(let path, let key):
                return try await folders.inspect("\(path)/\(facts.key(key, of: copy.file))", segment)
            case .s3(let destination):
                let store = stores.store(destination, key: destination.key.key(for: facts))
                return try await stores.inspect(store, segment, spoolFile(copy.file), progress)
            case .webdav(let server):
                let place = WebDAVPlace(server, key: server.key.key(for: facts), id: DeliveryID("inspection"))
                return try await servers.inspect(place.final, server, segment, progress)
            }
        } catch {
            guard error.outcome.status != 404 else { return .missing }
            return .unknown(error.outcome.sentence ?? "the destination did not answer")
        }
    }
}

extension CopyFinding {
    /// What the size says; nil: nothing is wrong with it, and the content can be compared.
    fileprivate init?(size: Int64?, of segment: SegmentRow) {
        if let size, size != segment.sizeBytes {
            self = .wrongSize(size)
        } else if segment.sha256 == nil {
            self = .unknown("the ledger has no SHA-256 of the file yet, so that its content cannot be compared")
        } else {
            return nil
        }
    }

    /// What a hash says of content that is as long as it was.
    fileprivate static func comparing(_ sha256: String, with segment: SegmentRow) -> CopyFinding {
        sha256 == segment.sha256 ? .present : .wrongContent
    }
}

extension FolderUploadPerformer {
    fileprivate func inspect(_ path: String, _ segment: SegmentRow) async throws(UploadStop) -> CopyFinding {
        guard FileManager.default.fileExists(atPath: path) else { return .missing }
        guard let file = SpoolFile(path: path) else { return .unknown("the file cannot be read: check who may read the folder") }
        if let finding = CopyFinding(size: file.size, of: segment) { return finding }
        return .comparing(try await transfer.digest(of: 0..<file.size, in: file).sha256, with: segment)
    }
}

extension WebDAVUploadPerformer {
    fileprivate func inspect(
        _ url: String, _ server: WebDAVDestination, _ segment: SegmentRow, _ progress: @escaping @Sendable (Int64) -> Void
    ) async throws(UploadStop) -> CopyFinding {
        if let finding = CopyFinding(size: try await size(of: url, server), of: segment) { return finding }
        return try await transfer.inspect(segment, progress) { await read(url, server, into: $0) }
    }
}

extension S3UploadPerformer {
    /// The entity tag proves the content where it is the MD5 of what lies here, or of its parts as they are cut here; else the object is read.
    fileprivate func inspect(
        _ store: S3Store, _ segment: SegmentRow, _ local: SpoolFile?, _ progress: @escaping @Sendable (Int64) -> Void
    ) async throws(UploadStop) -> CopyFinding {
        let head = try await ask(store, S3Call(method: .HEAD))
        guard head.isSuccess else { throw UploadStop(head.s3Refusal) }
        if let finding = CopyFinding(size: head.length, of: segment) { return finding }
        if let local, try await proves(head, local, segment) { return .present }
        return try await transfer.inspect(segment, progress) { sink in
            await store.send(S3Call(method: .GET, sink: sink))
        }
    }

    /// Whether the tag is that of the file here, which is the one that was recorded. With keys of a key service it is no MD5.
    private func proves(_ head: EgressReply, _ local: SpoolFile, _ segment: SegmentRow) async throws(UploadStop) -> Bool {
        guard let tag = head.entityTag?.lowercased().filter({ $0 != "\"" }), head.encryption == nil || head.encryption == "AES256",
            local.size == segment.sizeBytes
        else { return false }
        let whole = try await transfer.digest(of: 0..<local.size, in: local)
        guard whole.sha256 == segment.sha256 else { return false }
        guard tag.hasSuffix("-\(PartLayout.count(size: local.size))") else { return tag == whole.md5Text }
        var parts: [String] = []
        for number in 1...PartLayout.count(size: local.size) {
            parts.append(try await transfer.digest(of: PartLayout.range(of: number, size: local.size), in: local).md5Text)
        }
        return tag == FileDigest.entityTag(ofParts: parts)
    }
}

extension TransferServices {
    /// Reads a copy by a request that `get` makes, without keeping it; ends when nothing moves for too long. `progress`: bytes so far.
    fileprivate func inspect(
        _ segment: SegmentRow, _ progress: @escaping @Sendable (Int64) -> Void,
        _ get: @escaping @Sendable (@escaping EgressRequest.Sink) async -> Result<EgressReply, AttemptFault>
    ) async throws(UploadStop) -> CopyFinding {
        let reading = CopyReading(limit: segment.sizeBytes)
        try await read(into: reading, progress, get)
        // Longer than it may be is another content, whatever would follow.
        if reading.count > segment.sizeBytes { return .wrongContent }
        return reading.count == segment.sizeBytes ? .comparing(reading.sha256, with: segment) : .wrongSize(reading.count)
    }

    /// Reads what a request that `get` makes is answered with, without keeping it; ends when nothing moves for too long, and, as if nothing followed, when
    /// there is more than `reading` takes. `progress`: bytes so far.
    func read(
        into reading: CopyReading, _ progress: @escaping @Sendable (Int64) -> Void = { _ in },
        _ get: @escaping @Sendable (@escaping EgressRequest.Sink) async -> Result<EgressReply, AttemptFault>
    ) async throws(UploadStop) {
        let result = await limited(by: { [stallTimeout] in await reading.progress.untilStalled(for: stallTimeout) }) {
            await get { bytes in progress(try reading.take(bytes)) }
        }
        guard reading.count <= reading.limit else { return }
        switch result {
        case .failure(let fault): throw UploadStop(fault)
        case .success(let reply) where !reply.isSuccess:
            throw UploadStop(.refused(status: reply.status, ServiceRefusal(status: reply.status)))
        case .success: return
        }
    }
}

/// The hash of a copy while it comes.
final class CopyReading: Sendable {
    /// More comes than there may be.
    private struct TooLong: Error {}

    let progress: TransferProgress
    /// More bytes than these are too many.
    let limit: Int64
    private let state = Mutex((hash: SHA256(), count: Int64(0)))

    init(limit: Int64) {
        self.limit = limit
        progress = TransferProgress(total: limit)
    }

    var count: Int64 { state.withLock { $0.count } }
    var sha256: String { state.withLock { FileDigest.hexadecimal($0.hash.finalize()) } }

    /// How many there are now.
    func take(_ bytes: ByteBuffer) throws -> Int64 {
        progress.advance(by: bytes.readableBytes)
        let count = state.withLock { state in
            bytes.withUnsafeReadableBytes { state.hash.update(bufferPointer: $0) }
            state.count += Int64(bytes.readableBytes)
            return state.count
        }
        guard count <= limit else { throw TooLong() }
        return count
    }
}
