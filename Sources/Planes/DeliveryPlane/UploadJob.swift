internal import Bridge
internal import BridgeModel

/// A file that goes to a destination.
struct UploadJob: Sendable {
    /// Of the outbox row, for temporary names.
    var id: DeliveryID
    /// In the spool.
    var name: String
    var file: SpoolFile
    var facts: KeyFacts
}

extension UploadJob {
    /// Gives a sidecar that names other files the names which those have at the destination; false when it cannot be read. Other files stay as they are.
    mutating func nameOthers(as destination: Destination, _ pool: BlockingPool) async -> Bool {
        guard facts.sidecar != nil, file.size <= Self.longestSidecar else { return facts.sidecar == nil }
        let (file, facts) = (file, facts)
        guard let bytes = try? await pool.run({ _ in try file.bytes() }) else { return false }
        guard let rewritten = SidecarText.rewritten(bytes, facts, for: destination) else { return true }
        guard let copy = try? await pool.run({ _ in try SpoolFile(holding: rewritten) }) else { return false }
        self.file = copy
        return true
    }

    /// Bytes; a sheet has a tenth of them, and the longest track less.
    private static let longestSidecar: Int64 = 16 << 20
}

extension KeyFacts {
    /// The key of a file in a folder, with or without a template. `file`: its name in the spool.
    func key(_ template: KeyTemplate?, of file: String) -> String {
        template?.key(for: self) ?? (sidecar == nil ? file : fileName)
    }
}

/// Why an upload stopped short: what its attempt comes to.
struct UploadStop: Error {
    var outcome: AttemptOutcome

    init(_ outcome: AttemptOutcome) { self.outcome = outcome }
    init(_ fault: AttemptFault) { outcome = .failed(fault) }
}

extension TransferServices {
    /// Sends bytes of a file by a request that `send` makes of the body; ends when nothing moves for too long. `holdingBack`: the last bytes wait for
    /// so long, so that a reply that does not depend on the body comes before them.
    func send(
        _ range: Range<Int64>, of file: SpoolFile, holdingBack pause: Duration = .zero,
        _ send: @escaping @Sendable (FileBody) async -> Result<EgressReply, AttemptFault>
    ) async -> Result<EgressReply, AttemptFault> {
        let progress = TransferProgress(total: Int64(range.count))
        let body = FileBody(file: file, range: range, progress: progress, transfer: self, tailPause: pause)
        let result = await limited(by: { [stallTimeout] in await progress.untilStalled(for: stallTimeout) }) { await send(body) }
        // Success that is claimed before the file was sent is none: the destination cannot have it.
        if case .success(let reply) = result, reply.isSuccess, !progress.wasCompleteAtReply { return .failure(.invalidReply) }
        return result
    }

    /// Waits for a request without a body that matters.
    func ask(
        _ send: @escaping @Sendable () async -> Result<EgressReply, AttemptFault>
    ) async throws(UploadStop) -> EgressReply {
        switch await limited(to: stallTimeout, send) {
        case .success(let reply): return reply
        case .failure(let fault): throw UploadStop(fault)
        }
    }

    /// Hashes bytes of a file.
    func digest(of range: Range<Int64>, in file: SpoolFile) async throws(UploadStop) -> FileDigest {
        do {
            return try await pool.run { flag in try FileDigest(of: range, in: file, flag) }
        } catch {
            throw UploadStop(AttemptFault(transport: error))
        }
    }
}
