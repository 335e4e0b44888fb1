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
}
