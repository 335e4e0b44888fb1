package import Bridge
internal import BridgeModel
internal import Foundation
internal import NIOHTTP1

/// Writes a small object and removes it again, by the same requests as a recording.
extension UploadRoutes: DestinationProbe {
    private static let content = Data("This file was written to try a destination of recordings, and can be removed.\n".utf8)

    package func trial(of destination: Destination) async -> String? {
        var random = SystemRandomNumberGenerator()
        let id = ULID(at: SystemOutboxClock().now, using: &random).description.lowercased()
        let path = FileManager.default.temporaryDirectory.appending(path: "viaduct-trial-\(id).webm").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        guard FileManager.default.createFile(atPath: path, contents: Self.content), let file = SpoolFile(path: path) else {
            return "the bridge cannot write to \(FileManager.default.temporaryDirectory.path): free space there"
        }
        return await trial(of: destination, job(id, file))
    }

    private func job(_ id: String, _ file: SpoolFile) -> UploadJob {
        let context = SessionContext(
            session: SessionID("trial"), account: AccountID("trial"), client: ClientID("trial"), stream: StreamID("trial"),
            direction: .publish)
        let facts = KeyFacts(
            context: context, recording: RecordingID("viaduct-trial-\(id)"), container: .webm, startedAt: SystemOutboxClock().now)
        return UploadJob(id: DeliveryID("trial-\(id)"), name: "viaduct-trial-\(id).webm", file: file, facts: facts)
    }

    private func trial(of destination: Destination, _ job: UploadJob) async -> String? {
        switch destination {
        case .keep: return nil
        case .put, .http: return "a plain URL cannot be tried without leaving something behind: make a short recording"
        case .folder(let path, let key):
            let name = key?.key(for: job.facts) ?? job.name
            let outcome = await folders.copy(job, to: path, key: name)
            try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
            return outcome.sentence
        case .s3(var store):
            // A locked object could not be removed.
            store.lock = nil
            let outcome = await stores.upload(job, to: store)
            guard outcome.sentence == nil else { return outcome.sentence }
            let removal = await stores.remove(store.key.key(for: job.facts), at: store)
            return removal.sentence.map { "writing works, but removing does not, and an object was left there: \($0)" }
        case .webdav(let server):
            let outcome = await servers.upload(job, to: server)
            await servers.remove(WebDAVPlace(server, key: server.key.key(for: job.facts), id: job.id).final, server)
            return outcome.sentence
        }
    }
}

extension S3UploadPerformer {
    /// Removes an object.
    func remove(_ key: String, at destination: S3Destination) async -> AttemptOutcome {
        do {
            let reply = try await ask(store(destination, key: key), S3Call(method: .DELETE))
            return reply.isSuccess ? .stored : reply.s3Refusal
        } catch {
            return error.outcome
        }
    }
}
