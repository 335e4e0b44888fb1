package import Bridge
package import BridgeModel

/// Makes one attempt of an upload.
package protocol UploadPerformer: Sendable {
    /// Ends soon after the task is cancelled; the outcome then means nothing unless it is a success.
    func attempt(_ upload: DeliveryRow, of recording: RecordingRow) async -> AttemptOutcome
    /// There will be no further attempt: removes what the upload has left at its destination, as far as that can be reached.
    func abandon(_ upload: DeliveryRow, of recording: RecordingRow) async
}

/// Sends each recording in the way of its destination.
package struct UploadRoutes: UploadPerformer {
    private let spoolFolder: String
    private let https: HTTPUploadPerformer
    let folders: FolderUploadPerformer
    /// For files that grow.
    private let growing: FolderUploadPerformer
    let stores: S3UploadPerformer
    let streams = StreamedParts()
    let servers: WebDAVUploadPerformer

    /// `spoolFolder` holds the finished recordings by their file names.
    package init(
        spoolFolder: String, client: EgressClient, ledger: any UploadLedger & UploadIntentions, settings: UploadSettings,
        clock: any OutboxClock
    ) {
        var transfer = TransferServices(
            pool: BlockingPool(threads: max(1, settings.parallel)), bandwidth: UploadBandwidth(bytesPerSecond: settings.bandwidth),
            stallTimeout: settings.stallTimeout)
        self.spoolFolder = spoolFolder
        https = HTTPUploadPerformer(client: client, transfer: transfer, clock: clock)
        stores = S3UploadPerformer(client: client, ledger: ledger, transfer: transfer, clock: clock, streams: streams)
        servers = WebDAVUploadPerformer(client: client, ledger: ledger, transfer: transfer, clock: clock, streams: streams)
        // A folder that hangs holds what waits for it alone.
        transfer.pool = BlockingPool(threads: max(1, settings.parallel))
        folders = FolderUploadPerformer(transfer: transfer, ledger: ledger, clock: clock, streams: streams)
        transfer.pool = BlockingPool(threads: max(1, settings.parallel))
        growing = FolderUploadPerformer(transfer: transfer, ledger: ledger, clock: clock, streams: streams)
    }

    /// A finished recording's file; nil when it is not here (any more).
    func spoolFile(_ name: String) -> SpoolFile? { SpoolFile(folder: spoolFolder, name: name) }

    package func attempt(_ upload: DeliveryRow, of recording: RecordingRow) async -> AttemptOutcome {
        guard case .upload(_, let name, let destination) = upload.work, destination != .keep else { return .failed(.impossible) }
        guard let file = spoolFile(name) else { return .failed(.fileMissing) }
        var job = UploadJob(id: upload.id, name: name, file: file, facts: recording.keyFacts(of: name))
        guard await job.nameOthers(as: destination, stores.transfer.pool) else { return .failed(.fileMissing) }
        return switch destination {
        case .keep: .failed(.impossible)
        case .put(let url): await https.put(job, to: url)
        case .http(let http): await https.send(job, to: http)
        case .folder(let path, let key): await folders.copy(job, to: path, key: job.facts.key(key, of: name))
        case .s3(let store): await stores.upload(job, to: store)
        case .webdav(let server): await servers.upload(job, to: server)
        }
    }

    package func abandon(_ upload: DeliveryRow, of recording: RecordingRow) async {
        guard case .upload(_, let name, let destination) = upload.work else { return }
        if upload.sidecar != nil, recording.deletion?.includesDestination == true {
            // It came after its recording had been removed.
            _ = await remove(DeliveredCopy(file: name, destination: destination), of: recording)
        }
        switch destination {
        case .s3(let store): await stores.abandon(name, at: store, facts: recording.keyFacts(of: name))
        case .webdav(let server): await servers.abandon(upload.id, name, at: server, facts: recording.keyFacts(of: name))
        case .folder(let path, let key):
            await folders.abandon(name, at: path, key: recording.keyFacts(of: name).key(key, of: name))
        case .keep, .put, .http: break
        }
    }

    /// Whether nothing of an upload is left at its destination.
    func abort(_ leftover: LeftoverUpload) async -> Bool {
        let (origin, id) = (leftover.origin, leftover.upload.uploadID)
        switch origin.destination {
        case .s3(let destination): return await stores.abort(id, at: stores.store(destination, key: origin.key))
        case .folder(let path, _):
            guard let place = FolderPlace(path, key: origin.key) else { return true }
            return await folders.abort(id, at: place)
        case .webdav(let server):
            return await servers.abort(WebDAVPlace(server, key: origin.key, id: DeliveryID(id)).temporary, server)
        case .keep, .put, .http: return true
        }
    }

    /// Sends parts of files that still grow, for the destinations that can take them.
    package var streaming: any StreamingUploads { GrowingUploads(streams: streams, stores: stores, folders: growing, servers: servers) }
}
