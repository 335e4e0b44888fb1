internal import Bridge
internal import BridgeModel

/// A place at a destination that takes a file in parts, while it grows and when it is complete.
protocol PartTaker: Sendable {
    /// What parts are sent to.
    associatedtype Upload: Sendable

    /// How a file is cut for it; no part is there.
    var plan: MultipartPlan { get }
    /// The upload that the ledger knows, or a new one, and the parts that it has. `sent`: by this process, and right if the destination still has them.
    func begin(_ job: UploadJob, sent: Set<Int>) async throws(UploadStop) -> (upload: Upload, plan: MultipartPlan)
    /// Sends one part; it is durable at the destination then.
    func send(_ number: Int, _ range: Range<Int64>, of job: UploadJob, to upload: Upload) async throws(UploadStop) -> StoredPart
}

/// Sends parts of growing files to S3 stores, WebDAV servers and into folders. A fault ends the round; the next growth begins another.
struct GrowingUploads: StreamingUploads {
    let streams: StreamedParts
    let stores: S3UploadPerformer
    let folders: FolderUploadPerformer
    let servers: WebDAVUploadPerformer

    func grown(_ file: GrowingFile, name: String, of recording: RecordingRow) async {
        let facts = recording.keyFacts(of: name)
        switch recording.destination {
        case .s3(let destination):
            let store = stores.store(destination, key: destination.key.key(for: facts))
            await follow(file, name, facts, to: S3GrowingObject(performer: stores, store: store))
        case .folder(let path, let key):
            guard let place = FolderPlace(path, key: facts.key(key, of: name)) else { return }
            await follow(file, name, facts, to: FolderPartialCopy(performer: folders, place: place))
        case .webdav(let server): await follow(file, name, facts, to: servers.partialFile(server, facts))
        case .keep, .put, .http: break
        }
    }

    func completed(_ path: String, name: String) async { await streams.completed(path, name: name) }

    private func follow(_ file: GrowingFile, _ name: String, _ facts: KeyFacts, to taker: some PartTaker) async {
        await streams.note(file, name: name) { [streams] in
            Task {
                repeat { await send(name, facts, to: taker) } while await streams.goesOn(name)
            }
        }
    }

    private func send<Taker: PartTaker>(_ name: String, _ facts: KeyFacts, to taker: Taker) async {
        var begun: (upload: Taker.Upload, plan: MultipartPlan)?
        while let state = await streams.latest(name) {
            var growing = state
            growing.isComplete = false
            guard case .send(let number, let range) = (begun?.plan ?? taker.plan).next(growing) else { return }
            guard let file = SpoolFile(path: state.path) else { return }
            let job = UploadJob(id: DeliveryID(name), name: name, file: file, facts: facts)
            do {
                if begun == nil { begun = try await begin(job, at: taker) }
                guard let (upload, plan) = begun else { return }
                guard plan.next(growing) == .send(part: number, range: range) else { continue }
                begun?.plan.finished(try await taker.send(number, range, of: job, to: upload))
                await streams.sent(number, of: name)
            } catch {
                return
            }
        }
    }

    private func begin<Taker: PartTaker>(_ job: UploadJob, at taker: Taker) async throws(UploadStop) -> (Taker.Upload, MultipartPlan) {
        let begun = try await taker.begin(job, sent: await streams.sent(job.name))
        await streams.has(Set(begun.plan.stored.keys), of: job.name)
        return begun
    }
}

/// An object of an S3 store, part by part.
struct S3GrowingObject: PartTaker {
    let performer: S3UploadPerformer
    let store: S3Store
    let plan = MultipartPlan()

    func begin(_ job: UploadJob, sent: Set<Int>) async throws(UploadStop) -> (upload: String, plan: MultipartPlan) {
        let ledger = performer.ledger
        let begun = try await ledger.begun(job.name, at: store.location)
        guard let begun else { return (try await multipart(job).create(), MultipartPlan()) }
        let remembered = try await ledger.asking { () throws(BridgeError) in try await ledger.sentParts(of: job.name) }
        return (begun.uploadID, MultipartPlan(stored: remembered.map(\.part)))
    }

    func send(_ number: Int, _ range: Range<Int64>, of job: UploadJob, to upload: String) async throws(UploadStop) -> StoredPart {
        try await multipart(job).send(number, range, upload).part
    }

    private func multipart(_ job: UploadJob) -> S3MultipartUpload { S3MultipartUpload(performer: performer, store: store, job: job) }
}

extension UploadLedger {
    /// The upload of a file that has begun at a place; nil when none has, or elsewhere.
    func begun(_ file: String, at location: String) async throws(UploadStop) -> BegunUpload? {
        let begun = try await asking { () throws(BridgeError) in try await begunUpload(of: file) }
        return begun?.location == location ? begun : nil
    }

    /// The ledger's failures are tried again with the upload.
    func asking<T: Sendable>(_ work: () async throws(BridgeError) -> T) async throws(UploadStop) -> T {
        do throws(BridgeError) {
            return try await work()
        } catch {
            throw UploadStop(.ledgerFailed)
        }
    }
}
