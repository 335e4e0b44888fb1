internal import AsyncHTTPClient
internal import Bridge
internal import BridgeModel
internal import NIOCore
internal import NIOHTTP1

/// Puts recordings into S3 stores: small files by one request, others in parts that a restarted bridge goes on with. Every body is signed with its
/// SHA-256, every part's MD5 is held against the store's entity tag, and the finished object's size and tag are asked for at the end.
struct S3UploadPerformer: Sendable {
    let client: EgressClient
    let ledger: any UploadLedger & UploadIntentions
    let transfer: TransferServices
    let clock: any OutboxClock
    /// Knows parts that were sent while the recording ran.
    let streams: StreamedParts

    func upload(_ job: UploadJob, to destination: S3Destination) async -> AttemptOutcome {
        let store = store(destination, key: destination.key.key(for: job.facts))
        guard job.file.size <= PartLayout.longestFile else { return .refused(status: 0, .full) }
        do {
            let begun = try await ledger.asking { () throws(BridgeError) in try await ledger.begunUpload(of: job.name) }
            if job.file.size <= PartLayout.firstLength, begun == nil {
                _ = await streams.take(job.name)
                try await putWhole(job, to: store)
            } else {
                let upload = S3MultipartUpload(performer: self, store: store, job: job)
                try await upload.run(begun: begun?.location == store.location ? begun : nil)
                try await ledger.asking { () throws(BridgeError) in try await ledger.forgetUpload(of: job.name) }
            }
            return .stored
        } catch {
            return error.outcome
        }
    }

    /// Removes what an upload that is given up has left at the store. Where that cannot be reached it is left to the sweeper.
    func abandon(_ name: String, at destination: S3Destination, facts: KeyFacts) async {
        let store = store(destination, key: destination.key.key(for: facts))
        guard let begun = try? await ledger.begunUpload(of: name), begun.location == store.location else { return }
        if await abort(begun.uploadID, at: store) {
            try? await ledger.forgetUpload(of: name)
        } else {
            try? await ledger.leaveUpload(of: name)
        }
    }

    /// Whether the store has nothing of the upload any more ("AbortMultipartUpload"): it says so, or does not know the upload.
    func abort(_ uploadID: String, at store: S3Store) async -> Bool {
        guard let reply = try? await ask(store, S3Call(method: .DELETE, query: [.init("uploadId", uploadID)])) else { return false }
        return reply.isSuccess || reply.status == 404
    }

    func store(_ destination: S3Destination, key: String) -> S3Store {
        S3Store(client: client, destination: destination, key: key, clock: clock)
    }

    private func putWhole(_ job: UploadJob, to store: S3Store) async throws(UploadStop) {
        let range = 0..<job.file.size
        let digest = try await transfer.digest(of: range, in: job.file)
        var call = S3Call(method: .PUT, headers: store.destination.objectHeaders(job.facts), payloadHash: digest.sha256)
        call.headers.append(.init("content-md5", digest.md5Base64))
        let reply = try await send(call, range, of: job.file, to: store)
        guard reply.isSuccess else { throw UploadStop(reply.s3Refusal) }
        try await verify(store, size: job.file.size, tag: digest.md5Text)
    }

    /// Asks the store what it has now. `tag`: as it is where tags are MD5s.
    func verify(_ store: S3Store, size: Int64, tag: String?) async throws(UploadStop) {
        let reply = try await ask(store, S3Call(method: .HEAD))
        guard reply.isSuccess else { throw UploadStop(reply.status == 404 ? .refused(status: 404, .notWhole) : reply.s3Refusal) }
        guard reply.length == size, reply.hasTag(of: tag) else { throw UploadStop(.refused(status: reply.status, .notWhole)) }
    }

    /// A call without a body.
    func ask(_ store: S3Store, _ call: S3Call) async throws(UploadStop) -> EgressReply {
        try await transfer.ask { await store.send(call) }
    }

    /// A call with bytes of a file.
    func send(_ call: S3Call, _ range: Range<Int64>, of file: SpoolFile, to store: S3Store) async throws(UploadStop) -> EgressReply {
        let result = await transfer.send(range, of: file) { body in
            var call = call
            call.body = { .stream(body, length: .known(Int64(range.count))) }
            return await store.send(call)
        }
        switch result {
        case .success(let reply): return reply
        case .failure(let fault): throw UploadStop(fault)
        }
    }
}

extension EgressReply {
    /// Whether the entity tag can be that of these bytes; with keys of a key service it is no MD5.
    func hasTag(of md5: String?) -> Bool {
        guard let md5, let entityTag, encryption == nil || encryption == "AES256" else { return true }
        return S3EntityTag.mayBe(entityTag, md5: md5)
    }
}

extension S3Destination {
    /// What a new object is told ("PutObject" and "CreateMultipartUpload").
    func objectHeaders(_ facts: KeyFacts) -> [CanonicalRequest.Field] {
        var fields = [CanonicalRequest.Field("content-type", facts.mediaType)]
        switch encryption {
        case .storeKeys: fields.append(.init("x-amz-server-side-encryption", "AES256"))
        case .keyService(let keyID):
            fields.append(.init("x-amz-server-side-encryption", "aws:kms"))
            if let keyID { fields.append(.init("x-amz-server-side-encryption-aws-kms-key-id", keyID)) }
        case nil: break
        }
        if !tags.isEmpty {
            let pairs = tags.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }
            fields.append(.init("x-amz-tagging", pairs.joined(separator: "&")))
        }
        if let lock {
            fields.append(.init("x-amz-object-lock-mode", lock.mode.rawValue))
            fields.append(.init("x-amz-object-lock-retain-until-date", lock.end(startedAt: facts.startedAt).iso8601))
        }
        if let storageClass { fields.append(.init("x-amz-storage-class", storageClass)) }
        return fields
    }
}

extension S3Destination.Lock {
    fileprivate func end(startedAt: WallTime) -> WallTime {
        switch retention {
        case .until(let moment): moment
        case .days(let days): startedAt.advanced(by: .seconds(days * 86_400))
        }
    }
}
