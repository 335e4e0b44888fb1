internal import Bridge
internal import BridgeModel

/// Copies recordings into folders of this machine, often of a server: under a temporary name, synced, then renamed. A small file is copied at once, and a
/// repeated attempt replaces what an earlier one left; others go in parts, while they grow where they do, and a restarted bridge goes on with these.
struct FolderUploadPerformer: Sendable {
    /// Bytes that are copied at once, where nothing was while they grew.
    private static let longestWhole: Int64 = 8 << 20

    /// With threads of its own: a folder that hangs holds nobody else's.
    let transfer: TransferServices
    let ledger: any UploadLedger
    let clock: any OutboxClock
    /// Knows parts that were copied while the recording ran.
    let streams: StreamedParts

    /// `key`: below the folder.
    func copy(_ job: UploadJob, to folder: String, key: String) async -> AttemptOutcome {
        guard let place = FolderPlace(folder, key: key) else { return .failed(.impossible) }
        do throws(UploadStop) {
            // Nothing is written here any more by those who copy what grows.
            let sent = await streams.take(job.name)
            let begun = try await ledger.begun(job.name, at: place.location)
            let isWhole = job.file.size <= Self.longestWhole && begun == nil
            if isWhole || job.file.size > FolderPartialCopy.longestFile {
                try await copyWhole(job, to: place)
            } else {
                try await FolderPartialCopy(performer: self, place: place).run(job, sent: sent)
            }
            return .stored
        } catch {
            return error.outcome
        }
    }

    private func copyWhole(_ job: UploadJob, to place: FolderPlace) async throws(UploadStop) {
        let path = place.temporary(job.id.rawValue)
        do throws(UploadStop) {
            let file = try await blocking { _ in
                try FolderFile.makeFolder(place.folder)
                return try FolderFile(path: path, isNew: true)
            }
            try await copy(0..<job.file.size, of: job.file, to: file)
            try await blocking { _ in try file.complete(job.file.size, at: place) }
        } catch {
            _ = await clear(path, in: place.folder)
            throw error
        }
    }

    /// Copies bytes to the same place in another file, no faster than uploads may be.
    func copy(_ range: Range<Int64>, of file: SpoolFile, to copy: FolderFile) async throws(UploadStop) {
        var offset = range.lowerBound
        while offset < range.upperBound {
            let rest = offset..<range.upperBound
            let count = try await blocking { flag in
                try flag.check()
                return try copy.copy(rest, of: file)
            }
            await transfer.bandwidth.wait(for: Int(count)) {}
            offset += count
        }
    }

    /// Removes what an upload that is given up has left. Where that cannot be reached it is left to the sweeper.
    func abandon(_ name: String, at folder: String, key: String) async {
        guard let place = FolderPlace(folder, key: key), let begun = try? await ledger.begun(name, at: place.location) else { return }
        if await abort(begun.uploadID, at: place) {
            try? await ledger.forgetUpload(of: name)
        } else {
            try? await ledger.leaveUpload(of: name)
        }
    }

    /// Whether the folder has nothing of the upload any more. One that hangs is not waited for: nobody writes under this name again, so the file may
    /// go at any time.
    func abort(_ uploadID: String, at place: FolderPlace) async -> Bool {
        let path = place.temporary(uploadID)
        let result = await limited(to: transfer.stallTimeout) { [pool = transfer.pool] in
            let isGone = try? await pool.runAbandonable { FolderFile.remove(path, in: place.folder) }
            return isGone.map { .success($0) } ?? .failure(.timedOut)
        }
        return (try? result.get()) ?? false
    }

    private func clear(_ path: String, in folder: String) async -> Bool {
        // What is to go goes, even when the attempt was broken off.
        (try? await transfer.pool.run { _ in FolderFile.remove(path, in: folder) }) ?? false
    }

    /// Does what waits for the folder on a thread for that.
    func blocking<T: Sendable>(_ work: @escaping @Sendable (CancellationFlag) throws -> T) async throws(UploadStop) -> T {
        do {
            return try await transfer.pool.run(work)
        } catch let fault as AttemptFault {
            throw UploadStop(fault)
        } catch is FileBody.CutShort {
            throw UploadStop(.fileMissing)
        } catch {
            throw UploadStop(.timedOut)
        }
    }
}
