internal import Bridge
internal import BridgeModel
internal import Synchronization

/// Which parts of which files were sent by this process while the files grew, and are known to be right. A file's parts are taken once, by the upload
/// that completes the object: it waits for a part that is under way.
actor StreamedParts {
    private struct Stream {
        var numbers: Set<Int> = []
        var latest: GrowingFile
        /// It has grown since somebody looked.
        var hasGrown = true
        /// Sends its parts.
        var task: Task<Void, Never>?
        /// The upload that completes the object has begun: nothing more is sent here.
        var isTaken = false
        /// The complete file is another one.
        var isReplaced = false
    }

    private var streams: [String: Stream] = [:]

    /// The file as it is now. `start` begins to send its parts, where nobody does.
    func note(_ file: GrowingFile, name: String, start: @Sendable () -> Task<Void, Never>) {
        var stream = streams[name] ?? Stream(latest: file)
        guard !stream.isTaken, !stream.isReplaced, stream.latest.path == file.path else { return }
        // News may overtake each other.
        if file.durableSize >= stream.latest.durableSize {
            stream.latest = file
            stream.hasGrown = true
        }
        if stream.task == nil { stream.task = start() }
        streams[name] = stream
    }

    /// The complete file is what lies at `path`.
    func completed(_ path: String, name: String) {
        guard let stream = streams[name], stream.latest.path != path else { return }
        streams[name]?.isReplaced = true
    }

    /// The newest state of the file; nil when its parts have been taken, or are for nothing.
    func latest(_ name: String) -> GrowingFile? {
        guard let stream = streams[name], !stream.isTaken, !stream.isReplaced else { return nil }
        streams[name]?.hasGrown = false
        return stream.latest
    }

    func sent(_ number: Int, of name: String) { streams[name]?.numbers.insert(number) }

    /// Whether the file has grown since `latest` was asked for; if not, the sender is at its end.
    func goesOn(_ name: String) -> Bool {
        guard let stream = streams[name], !stream.isTaken, !stream.isReplaced, stream.hasGrown else {
            streams[name]?.task = nil
            return false
        }
        return true
    }

    /// The parts, when none is under way any more; forgets the file.
    func take(_ name: String) async -> Set<Int> {
        guard streams[name] != nil else { return [] }
        streams[name]?.isTaken = true
        await streams[name]?.task?.value
        guard let stream = streams.removeValue(forKey: name), !stream.isReplaced else { return [] }
        return stream.numbers
    }
}

/// Sends parts of growing files to S3 stores. A fault ends the round; the next growth begins another.
struct S3StreamingUploads: StreamingUploads {
    let performer: S3UploadPerformer

    func grown(_ file: GrowingFile, name: String, of recording: RecordingRow) async {
        guard case .s3(let destination) = recording.destination else { return }
        let facts = recording.keyFacts(of: name)
        await performer.streams.note(file, name: name) {
            Task {
                repeat { await send(name, to: destination, facts) } while await performer.streams.goesOn(name)
            }
        }
    }

    func completed(_ path: String, name: String) async { await performer.streams.completed(path, name: name) }

    private func send(_ name: String, to destination: S3Destination, _ facts: KeyFacts) async {
        let store = performer.store(destination, key: destination.key.key(for: facts))
        var upload: (id: String, plan: MultipartPlan)?
        while let state = await performer.streams.latest(name) {
            var growing = state
            growing.isComplete = false
            guard case .send(let number, let range) = (upload?.plan ?? MultipartPlan()).next(growing) else { return }
            guard let file = SpoolFile(path: state.path) else { return }
            let job = UploadJob(id: DeliveryID(name), name: name, file: file, facts: facts)
            let multipart = S3MultipartUpload(performer: performer, store: store, job: job)
            do {
                if upload == nil { upload = try await begun(multipart, name) }
                guard let (id, plan) = upload else { return }
                guard plan.next(growing) == .send(part: number, range: range) else { continue }
                upload?.plan.finished(try await multipart.send(number, range, id).part)
                await performer.streams.sent(number, of: name)
            } catch {
                return
            }
        }
    }

    /// The upload that the ledger knows, or a new one.
    private func begun(_ upload: S3MultipartUpload, _ name: String) async throws(UploadStop) -> (id: String, plan: MultipartPlan) {
        let ledger = performer.ledger
        let begun = try await performer.stored { () throws(BridgeError) in try await ledger.begunUpload(of: name) }
        guard let begun, begun.location == upload.store.location else { return (try await upload.create(), MultipartPlan()) }
        let sent = try await performer.stored { () throws(BridgeError) in try await ledger.sentParts(of: name) }
        return (begun.uploadID, MultipartPlan(stored: sent.map(\.part)))
    }
}
