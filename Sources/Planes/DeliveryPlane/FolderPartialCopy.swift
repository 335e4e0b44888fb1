internal import Bridge
internal import BridgeModel

/// One file on its way into a folder, part by part, under a temporary name that the ledger knows. The parts are smaller than those of S3 uploads, so
/// that little is left for the end, and lie where they will lie then. What this process has copied is right; of everything else the bytes are compared.
struct FolderPartialCopy: PartTaker {
    let performer: FolderUploadPerformer
    let place: FolderPlace

    /// Bytes of the first parts.
    private static let first: Int64 = 1 << 20
    /// 1 TiB: what is longer is copied at once.
    static let longestFile = PartLayout.offset(of: PartLayout.numbers.upperBound + 1, first: first)

    let plan = MultipartPlan(first: first)

    private var ledger: any UploadLedger { performer.ledger }

    /// Copies what is missing, and gives the file its name. `sent`: parts, by this process.
    func run(_ job: UploadJob, sent: Set<Int>) async throws(UploadStop) {
        let (copy, known) = try await begin(job, sent: sent)
        var plan = try await compared(copy, job, known)
        let file = GrowingFile(path: copy.path, durableSize: job.file.size, rewritable: 0, isComplete: true)
        while case .send(let number, let range) = plan.next(file) {
            try await performer.copy(range, of: job.file, to: copy)
            plan.finished(part(number, of: job))
        }
        try await performer.blocking { [place] _ in try copy.complete(job.file.size, at: place) }
        // The sweeper finds nothing to remove where this fails.
        try? await ledger.forgetUpload(of: job.name)
    }

    func begin(_ job: UploadJob, sent: Set<Int>) async throws(UploadStop) -> (upload: FolderFile, plan: MultipartPlan) {
        try await performer.blocking { [place] _ in try FolderFile.makeFolder(place.folder) }
        let begun: BegunUpload
        if let known = try await ledger.begun(job.name, at: place.location) {
            begun = known
        } else {
            begun = try await create(job)
        }
        let path = place.temporary(begun.uploadID)
        let copy = try await performer.blocking { _ in try FolderFile(path: path, isNew: false) }
        let plan = MultipartPlan(stored: sent.filter { end(of: $0) <= copy.size }.map { part($0, of: job) }, first: Self.first)
        return (copy, plan)
    }

    func send(_ number: Int, _ range: Range<Int64>, of job: UploadJob, to copy: FolderFile) async throws(UploadStop) -> StoredPart {
        try await performer.copy(range, of: job.file, to: copy)
        // Part by part, so that the end of a long recording does not wait for all of them.
        try await performer.blocking { _ in try copy.synchronize() }
        return part(number, of: job)
    }

    /// Remembers the temporary name before there is such a file.
    private func create(_ job: UploadJob) async throws(UploadStop) -> BegunUpload {
        var random = SystemRandomNumberGenerator()
        let id = DeliveryID.upload(at: performer.clock.now, using: &random)
        let begun = BegunUpload(location: place.location, uploadID: id.rawValue)
        let origin = UploadOrigin(recording: job.facts.recording, destination: .folder(path: place.root), key: place.key)
        try await ledger.asking { [ledger] () throws(BridgeError) in try await ledger.begin(begun, from: origin, of: job.name) }
        return begun
    }

    /// With the parts that are there although this process has not copied them: an earlier one did, or an earlier attempt.
    private func compared(_ copy: FolderFile, _ job: UploadJob, _ known: MultipartPlan) async throws(UploadStop) -> MultipartPlan {
        var plan = known
        for number in 1...PartLayout.count(size: job.file.size, first: Self.first) where plan.stored[number] == nil {
            let range = range(of: number, job)
            guard range.upperBound <= copy.size else { break }
            let isRight = try await performer.blocking { flag in try copy.holds(range, of: job.file, flag) }
            if isRight { plan.finished(part(number, of: job)) }
        }
        return plan
    }

    private func part(_ number: Int, of job: UploadJob) -> StoredPart {
        StoredPart(number: number, entityTag: "", size: Int64(range(of: number, job).count))
    }

    private func range(of number: Int, _ job: UploadJob) -> Range<Int64> {
        PartLayout.range(of: number, size: job.file.size, first: Self.first)
    }

    private func end(of number: Int) -> Int64 { PartLayout.offset(of: number + 1, first: Self.first) }
}
