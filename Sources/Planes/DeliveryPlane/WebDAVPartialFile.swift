internal import Bridge
internal import BridgeModel

/// One file on its way to a WebDAV server in parts, under a temporary name that the ledger knows: PUT with `Content-Range` (RFC 9110 section 14.5),
/// which few servers know, which others refuse, and which the rest overlook: these put the part in the file's place. So it is tried out before
/// anything depends on it, and what was written is read back, part by part. The first part is there from the beginning, so that no part leaves a gap
/// before it, and is written over at the end.
struct WebDAVPartialFile: PartTaker {
    /// A temporary file there.
    struct Upload: Sendable {
        var url: String
        /// Bytes that may be right although this process has not sent them.
        var unproved: Int64
    }

    /// Bytes of the first parts.
    private static let first: Int64 = 1 << 20
    /// What is longer is sent at once.
    static let longestFile = PartLayout.offset(of: PartLayout.numbers.upperBound + 1, first: first)
    /// Parts of a complete file that go together.
    private static let longestPiece: Int64 = 32 << 20
    /// Bytes on either side of the first part's end with which the server is tried.
    private static let trialLength: Int64 = 64 << 10
    /// The end of a part that tells whether it is still there.
    private static let sampleLength: Int64 = 4 << 10

    let performer: WebDAVUploadPerformer
    let server: WebDAVDestination
    let key: String

    let plan = MultipartPlan(first: first)

    private var ledger: any UploadLedger { performer.ledger }
    private var location: String { place("").location }

    /// Sends what is missing, and gives the file its name; false when the server does not take it in parts: nothing is left there then, or the sweeper
    /// removes it. `sent`: parts, by this process.
    func run(_ job: UploadJob, sent: Set<Int>) async throws(UploadStop) -> Bool {
        do throws(UploadStop) {
            try await complete(job, sent)
            return true
        } catch {
            guard error.isAboutParts else { throw error }
            await giveUp(job.name)
            return false
        }
    }

    func begin(_ job: UploadJob, sent: Set<Int>) async throws(UploadStop) -> (upload: Upload, plan: MultipartPlan) {
        if let begun = try await resumed(job, sent), try await isWhole(begun, job, with: sent) {
            return (begun, MultipartPlan(stored: sent.map { part($0, of: job) }, first: Self.first))
        }
        guard !performer.partialPuts.pauses(server) else { throw .noParts }
        return (try await create(job), plan)
    }

    func send(_ number: Int, _ range: Range<Int64>, of job: UploadJob, to upload: Upload) async throws(UploadStop) -> StoredPart {
        do throws(UploadStop) {
            try await put(range, of: job, to: upload)
        } catch {
            // What is there now may have gaps.
            if error.isAboutParts { await giveUp(job.name) }
            throw error
        }
        return part(number, of: job)
    }

    /// Removes what is there of a file. Where the server cannot be reached it is left to the sweeper.
    func giveUp(_ name: String) async {
        guard let begun = try? await ledger.begun(name, at: location) else { return }
        if await performer.abort(place(begun.uploadID).temporary, server) {
            try? await ledger.forgetUpload(of: name)
        } else {
            try? await ledger.leaveUpload(of: name)
        }
    }

    private func place(_ id: String) -> WebDAVPlace { WebDAVPlace(server, key: key, id: DeliveryID(id)) }

    private func part(_ number: Int, of job: UploadJob) -> StoredPart {
        StoredPart(number: number, entityTag: "", size: Int64(PartLayout.range(of: number, size: job.file.size, first: Self.first).count))
    }
}

// MARK: Beginning, and going on

extension WebDAVPartialFile {
    /// What has begun, if the server has it still.
    private func resumed(_ job: UploadJob, _ sent: Set<Int>) async throws(UploadStop) -> Upload? {
        guard let begun = try await ledger.begun(job.name, at: location) else { return nil }
        let url = place(begun.uploadID).temporary
        guard sent.isEmpty else { return Upload(url: url, unproved: 0) }
        do throws(UploadStop) {
            let size = try await performer.size(of: url, server) ?? 0
            // Less than this is there when the trial was broken off.
            return size >= Self.first + Self.trialLength ? Upload(url: url, unproved: size) : nil
        } catch {
            guard error.saysMissing else { throw error }
            return nil
        }
    }

    /// Whether the first part that was proved is there still. A file that was removed meanwhile, and made anew by a part of a server that does not say so,
    /// has a gap there.
    private func isWhole(_ upload: Upload, _ job: UploadJob, with sent: Set<Int> = [2]) async throws(UploadStop) -> Bool {
        guard sent.contains(2) else { return true }
        let part = PartLayout.range(of: 2, size: job.file.size, first: Self.first)
        do throws(UploadStop) {
            return try await holds(max(part.lowerBound, part.upperBound - Self.sampleLength)..<part.upperBound, of: job, upload.url)
        } catch {
            guard error.saysMissing else { throw error }
            return false
        }
    }

    /// Begins under a new name: what was sent to an earlier one may arrive at any time.
    private func create(_ job: UploadJob) async throws(UploadStop) -> Upload {
        guard job.file.size >= 2 * Self.first, !performer.partialPuts.excludes(server) else { throw .noParts }
        var random = SystemRandomNumberGenerator()
        let id = DeliveryID.upload(at: performer.clock.now, using: &random).rawValue
        let origin = UploadOrigin(recording: job.facts.recording, destination: .webdav(server), key: key)
        let begun = BegunUpload(location: location, uploadID: id)
        // The name is remembered before there is such a file.
        try await ledger.asking { [ledger] () throws(BridgeError) in try await ledger.begin(begun, from: origin, of: job.name) }
        do throws(UploadStop) {
            try await performer.put(0..<Self.first, of: job, place(id), server)
        } catch {
            performer.partialPuts.note(server, isLasting: false)
            // Nothing is there where nothing was sent. Else it may still arrive.
            if error.outcome == .failed(.unreachable) {
                try? await ledger.forgetUpload(of: job.name)
            } else {
                try? await ledger.leaveUpload(of: job.name)
            }
            throw error
        }
        let upload = Upload(url: place(id).temporary, unproved: 0)
        try await tryOut(upload, job)
        return upload
    }

    /// Writes over the end of what is there, and behind it. Whoever puts that in the file's place, or at its end, is found out: what is there then, to
    /// its end, is read.
    private func tryOut(_ upload: Upload, _ job: UploadJob) async throws(UploadStop) {
        let (start, end) = (Self.first - Self.trialLength, Self.first + Self.trialLength)
        do throws(UploadStop) {
            try await write(start..<end, of: job, to: upload.url)
            guard try await holds((start - Self.trialLength)..<end, of: job, upload.url, isEnd: true) else { throw .noParts }
        } catch {
            performer.partialPuts.note(server, isLasting: error.isAboutParts)
            if case .failed = error.outcome { try? await ledger.leaveUpload(of: job.name) } else { await giveUp(job.name) }
            // Whatever it was: the file can be sent at once.
            throw .noParts
        }
    }
}

// MARK: Writing

extension WebDAVPartialFile {
    private func complete(_ job: UploadJob, _ sent: Set<Int>) async throws(UploadStop) {
        let begun = try await resumed(job, sent)
        let upload = if let begun { begun } else { try await create(job) }
        // Nothing cuts off what is behind the end.
        guard upload.unproved <= job.file.size else { throw .noParts }
        var plan = MultipartPlan(stored: begun == nil ? [] : sent.map { part($0, of: job) }, first: Self.first)
        while let (range, next) = piece(of: job, plan, upload) {
            if try await !isThere(range, of: job, upload) { try await put(range, of: job, to: upload) }
            plan = next
        }
        guard try await isWhole(upload, job), try await performer.size(of: upload.url, server) == job.file.size else { throw .noParts }
        try await performer.move(upload.url, place("").final, server)
        // The sweeper finds nothing to remove where this fails.
        try? await ledger.forgetUpload(of: job.name)
    }

    /// What is missing next, and how it stands with that; nil when nothing is missing. Parts that follow each other go together, as long as all of them may
    /// be there already, or none.
    private func piece(of job: UploadJob, _ plan: MultipartPlan, _ upload: Upload) -> (range: Range<Int64>, next: MultipartPlan)? {
        let file = GrowingFile(path: "", durableSize: job.file.size, rewritable: 0, isComplete: true)
        guard case .send(let number, var range) = plan.next(file) else { return nil }
        var next = plan
        next.finished(part(number, of: job))
        let mayBeThere = range.upperBound <= upload.unproved
        while range.count < Self.longestPiece, case .send(let number, let more) = next.next(file), more.lowerBound == range.upperBound,
            (more.upperBound <= upload.unproved) == mayBeThere
        {
            next.finished(part(number, of: job))
            range = range.lowerBound..<more.upperBound
        }
        return (range, next)
    }

    private func isThere(_ range: Range<Int64>, of job: UploadJob, _ upload: Upload) async throws(UploadStop) -> Bool {
        guard range.upperBound <= upload.unproved else { return false }
        return try await holds(range, of: job, upload.url)
    }

    private func put(_ range: Range<Int64>, of job: UploadJob, to upload: Upload) async throws(UploadStop) {
        try await write(range, of: job, to: upload.url)
        guard try await holds(range, of: job, upload.url) else { throw .noParts }
    }

    private func write(_ range: Range<Int64>, of job: UploadJob, to url: String) async throws(UploadStop) {
        // Where the file is lost meanwhile a part must not become one.
        let headers = [("content-range", "bytes \(range.lowerBound)-\(range.upperBound - 1)/*"), ("if-match", "*")]
        let reply = try await performer.send(range, of: job, to: url, server, headers: headers)
        // 201: there was no file (RFC 9110 section 9.3.4), and now there is one with a gap.
        if reply.isSuccess, reply.status != 201 { return }
        throw Self.passing.contains(reply.status) ? UploadStop(reply.refusal) : .noParts
    }

    /// Refusals that say nothing of parts: of the account, the load, the room.
    private static let passing: Set<Int> = [401, 402, 403, 408, 423, 425, 429, 500, 502, 503, 504, 507, 508]

    /// Whether these bytes there are the file's. `isEnd`: and nothing follows them.
    private func holds(_ range: Range<Int64>, of job: UploadJob, _ url: String, isEnd: Bool = false) async throws(UploadStop) -> Bool {
        let reading = CopyReading(limit: Int64(range.count))
        let wanted = "bytes=\(range.lowerBound)-\(isEnd ? "" : String(range.upperBound - 1))"
        do throws(UploadStop) {
            try await performer.transfer.read(into: reading) { [performer, server] sink in
                await performer.read(url, server, range: wanted, into: sink)
            }
        } catch {
            // The file ends before (RFC 9110 section 15.5.17).
            guard error.outcome.status == 416 else { throw error }
            return false
        }
        guard reading.count == range.count else { return false }
        return try await performer.transfer.digest(of: range, in: job.file).sha256 == reading.sha256
    }
}

extension UploadStop {
    /// The server does not take a file in parts, or not this one any more.
    fileprivate static let noParts = UploadStop(.refused(status: 0, .impossibleWish("Content-Range")))

    fileprivate var isAboutParts: Bool { outcome == Self.noParts.outcome }
    fileprivate var saysMissing: Bool { [404, 410].contains(outcome.status) }
}
