internal import AsyncHTTPClient
internal import Bridge
internal import BridgeModel
internal import NIOCore
internal import NIOHTTP1

/// One object in parts. What the store lists is the truth about what it has; what the ledger remembers, and the file itself, tell whether these are
/// the right bytes.
struct S3MultipartUpload: Sendable {
    let performer: S3UploadPerformer
    let store: S3Store
    let job: UploadJob

    private var ledger: any UploadLedger & UploadIntentions { performer.ledger }
    private var file: GrowingFile { GrowingFile(path: "", durableSize: job.file.size, rewritable: 0, isComplete: true) }

    /// Sends what is missing and completes the object. `begun`: by an earlier attempt, or while the recording ran.
    func run(begun: BegunUpload?) async throws(UploadStop) {
        guard var state = try await resumed(begun) else { return }
        while case .send(let number, let range) = state.plan.next(file) {
            let sent = try await send(number, range, state.uploadID)
            state.plan.finished(sent.part)
            state.digests[number] = sent.md5
        }
        guard let parts = state.plan.parts(size: job.file.size) else { throw UploadStop(.refused(status: 0, .lostUpload)) }
        let tag = FileDigest.entityTag(ofParts: parts.map { state.digests[$0.number] ?? "" })
        try await complete(state.uploadID, parts)
        try await performer.verify(store, size: job.file.size, tag: tag)
    }

    /// Sends one part, and remembers it.
    func send(_ number: Int, _ range: Range<Int64>, _ uploadID: String) async throws(UploadStop) -> SentPart {
        let digest = try await performer.transfer.digest(of: range, in: job.file)
        let call = S3Call(
            method: .PUT, query: [.init("partNumber", String(number)), .init("uploadId", uploadID)],
            headers: [.init("content-md5", digest.md5Base64)], payloadHash: digest.sha256)
        let reply = try await performer.send(call, range, of: job.file, to: store)
        guard reply.isSuccess else { throw await stop(reply) }
        guard let tag = reply.entityTag, reply.hasTag(of: digest.md5Text) else {
            throw UploadStop(.refused(status: reply.status, .notWhole))
        }
        let sent = SentPart(StoredPart(number: number, entityTag: tag, size: Int64(range.count)), md5: digest.md5Text)
        try await ledger.asking { [ledger] () throws(BridgeError) in try await ledger.sent(sent, of: job.name) }
        return sent
    }

    /// Begins a new upload, and remembers it. That it is asked for is remembered before: the store may have it although no answer comes to be stored.
    func create() async throws(UploadStop) -> String {
        let call = S3Call(method: .POST, query: [.init("uploads", "")], headers: store.destination.objectHeaders(job.facts))
        let origin = UploadOrigin(recording: job.facts.recording, destination: .s3(store.destination), key: store.key)
        let intention = UploadIntention(id: RandomUUID.text(), origin: origin, location: store.location, since: performer.clock.now)
        try await ledger.asking { [ledger] () throws(BridgeError) in try await ledger.intend(intention) }
        let reply = try await performer.ask(store, call)
        guard reply.isSuccess else {
            // Whoever says that the call is wrong has begun nothing.
            if (400..<500).contains(reply.status) { try? await ledger.forget(intention) }
            throw UploadStop(reply.s3Refusal)
        }
        guard let uploadID = S3Answer.uploadID(reply.body) else { throw UploadStop(.invalidReply) }
        let begun = BegunUpload(location: store.location, uploadID: uploadID)
        try await ledger.asking { [ledger] () throws(BridgeError) in try await ledger.begin(begun, from: origin, of: job.name) }
        try? await ledger.forget(intention)
        return uploadID
    }

    private func complete(_ uploadID: String, _ parts: [StoredPart]) async throws(UploadStop) {
        let body = Array(S3Answer.completionOrder(parts).utf8)
        let call = S3Call(
            method: .POST, query: [.init("uploadId", uploadID)], headers: [.init("content-type", "application/xml")],
            payloadHash: FileDigest(of: body).sha256, body: { .bytes(ByteBuffer(bytes: body)) })
        let reply = try await performer.ask(store, call)
        guard reply.isSuccess, S3Answer.completion(reply.body) != nil else {
            // An error may come with the status of success, once the store has begun to answer.
            throw reply.isSuccess && S3Answer.errorCode(reply.body) == nil ? UploadStop(.invalidReply) : await stop(reply)
        }
    }

    /// What a refusal comes to; an upload that the store does not know any more is begun anew next time.
    private func stop(_ reply: EgressReply) async -> UploadStop {
        if reply.s3Refusal == .refused(status: reply.status, .lostUpload) { try? await ledger.forgetUpload(of: job.name) }
        return UploadStop(reply.s3Refusal)
    }
}

// MARK: Going on

extension S3MultipartUpload {
    private typealias State = (uploadID: String, plan: MultipartPlan, digests: [Int: String])

    /// What there is to go on from; nil when the object is complete already.
    private func resumed(_ begun: BegunUpload?) async throws(UploadStop) -> State? {
        let trusted = await performer.streams.take(job.name)
        guard let begun else { return (try await create(), MultipartPlan(), [:]) }
        let remembered = try await ledger.asking { [ledger] () throws(BridgeError) in try await ledger.sentParts(of: job.name) }
        guard let listed = try await list(begun.uploadID) else {
            if try await isComplete(remembered) { return nil }
            return (try await create(), MultipartPlan(), [:])
        }
        let known = Dictionary(remembered.map { ($0.part.number, $0) }, uniquingKeysWith: { $1 })
        var digests: [Int: String] = [:]
        var right: [StoredPart] = []
        for part in listed {
            let range = PartLayout.range(of: part.number, size: job.file.size)
            guard Int64(range.count) == part.size else { continue }
            let sent = known[part.number].flatMap { $0.part == part ? $0 : nil }
            if let sent, trusted.contains(part.number) {
                digests[part.number] = sent.md5
            } else {
                let digest = try await performer.transfer.digest(of: range, in: job.file).md5Text
                guard sent.map({ $0.md5 == digest }) ?? S3EntityTag.mayBe(part.entityTag, md5: digest) else { continue }
                digests[part.number] = digest
            }
            right.append(part)
        }
        return (begun.uploadID, MultipartPlan(stored: right), digests)
    }

    /// Whether an upload that the store does not know any more was completed: by a bridge that was ended before it could remember that.
    private func isComplete(_ sent: [SentPart]) async throws(UploadStop) -> Bool {
        guard MultipartPlan(stored: sent.map(\.part)).parts(size: job.file.size) != nil else { return false }
        do {
            let tag = FileDigest.entityTag(ofParts: sent.map(\.md5))
            try await performer.verify(store, size: job.file.size, tag: tag)
            return true
        } catch {
            guard case .refused(_, .notWhole) = error.outcome else { throw error }
            return false
        }
    }

    /// All parts that the store has; nil when it does not know the upload.
    private func list(_ uploadID: String) async throws(UploadStop) -> [StoredPart]? {
        var parts: [StoredPart] = []
        var marker: Int?
        repeat {
            var call = S3Call(method: .GET, query: [.init("uploadId", uploadID)])
            if let marker { call.query.append(.init("part-number-marker", String(marker))) }
            let reply = try await performer.ask(store, call)
            if reply.status == 404, S3Answer.errorCode(reply.body) != "NoSuchBucket" { return nil }
            guard reply.isSuccess else { throw UploadStop(reply.s3Refusal) }
            guard let page = S3Answer.parts(reply.body), page.next.map({ $0 > marker ?? 0 }) ?? true else {
                throw UploadStop(.invalidReply)
            }
            parts += page.parts
            marker = page.next
        } while marker != nil
        return parts
    }
}
