internal import AsyncHTTPClient
package import Bridge
internal import BridgeModel
internal import Foundation
internal import NIOHTTP1

/// Asks destinations for what they have taken, and to remove it: by the keys that it was written under.
extension UploadRoutes: DestinationKeeping {
    package func remove(_ copy: DeliveredCopy, of recording: RecordingRow) async -> AttemptOutcome {
        let facts = recording.keyFacts(of: copy.file)
        switch copy.destination {
        case .keep: return .stored
        case .put, .http: return .failed(.impossible)
        case .folder(let path, let key): return await folders.remove(facts.key(key, of: copy.file), in: path)
        case .s3(let store):
            let outcome = await stores.remove(store.key.key(for: facts), at: store)
            return outcome.status == 404 ? .stored : outcome
        case .webdav(let server): return await servers.delete(server.key.key(for: facts), at: server)
        }
    }

    package func inspect(_ copy: DeliveredCopy, of recording: RecordingRow, sizeBytes: Int64) async -> CopyFinding {
        let facts = recording.keyFacts(of: copy.file)
        switch copy.destination {
        case .keep: return .present
        case .put, .http: return .unknown("a plain URL cannot be asked")
        case .folder(let path, let key):
            return .comparing(FolderUploadPerformer.size(of: facts.key(key, of: copy.file), in: path), with: sizeBytes)
        case .s3(let store): return await stores.inspect(store.key.key(for: facts), at: store).finding(sizeBytes)
        case .webdav(let server): return await servers.inspect(server.key.key(for: facts), at: server).finding(sizeBytes)
        }
    }
}

extension CopyFinding {
    /// nil: there is none.
    static func comparing(_ size: Int64?, with expected: Int64) -> CopyFinding {
        guard let size else { return .missing }
        return size == expected ? .present : .wrongSize(size)
    }
}

extension Result<Int64?, UploadStop> {
    /// What a question for the size says.
    fileprivate func finding(_ expected: Int64) -> CopyFinding {
        switch self {
        case .success(let size?): return .comparing(size, with: expected)
        case .success(nil): return .unknown("the destination does not say how large it is")
        case .failure(let stop):
            guard stop.outcome.status != 404 else { return .missing }
            return .unknown(stop.outcome.sentence ?? "the destination did not answer")
        }
    }
}

extension S3UploadPerformer {
    /// An object's size by HEAD; nil when the store does not say.
    fileprivate func inspect(_ key: String, at destination: S3Destination) async -> Result<Int64?, UploadStop> {
        do throws(UploadStop) {
            let reply = try await ask(store(destination, key: key), S3Call(method: .HEAD))
            return reply.isSuccess ? .success(reply.length) : .failure(UploadStop(reply.s3Refusal))
        } catch {
            return .failure(error)
        }
    }
}

extension WebDAVUploadPerformer {
    /// A file's size by HEAD or PROPFIND; nil when the server does not say.
    fileprivate func inspect(_ key: String, at server: WebDAVDestination) async -> Result<Int64?, UploadStop> {
        do throws(UploadStop) {
            return .success(try await size(of: WebDAVPlace(server, key: key, id: DeliveryID("inspection")).final, server))
        } catch {
            return .failure(error)
        }
    }
}

extension FolderUploadPerformer {
    /// Removes a file below a folder; its folder stays.
    func remove(_ key: String, in folder: String) async -> AttemptOutcome {
        do {
            return try await transfer.pool.run { _ in
                unlink("\(folder)/\(key)") == 0 || errno == ENOENT || errno == ENOTDIR ? .stored : .failed(.folderUnwritable)
            }
        } catch {
            return .failed(.timedOut)
        }
    }

    /// Bytes; nil when there is no such file.
    static func size(of key: String, in folder: String) -> Int64? {
        let attributes = try? FileManager.default.attributesOfItem(atPath: "\(folder)/\(key)")
        return (attributes?[.size] as? NSNumber)?.int64Value
    }
}
