internal import Bridge
internal import BridgeModel
internal import Logging

/// What travels with a file. Its first row comes with the transaction that says that the destination has the file; when it is known which sidecars there
/// are, each gets a row of its own, by the schedule of uploads. None of them changes the recording.
extension UploadRunner {
    /// Pictures of a day's recording wait behind those of others.
    private static let longestMaking: Duration = .seconds(6 * 3600)
    private static let looks: ClosedRange<Duration> = .milliseconds(250) ... .seconds(60)

    func attempt(_ sidecar: SidecarName, _ upload: DeliveryRow, of id: RecordingID, _ source: any SidecarSource) async {
        guard let recording = await recording(id) else { return }
        // Nothing follows a recording that is removed.
        guard let recording, recording.deletion == nil else {
            return _ = await commit([.delivery(upload.ended(.dead, because: "the recording is removed"))])
        }
        guard sidecar.part == .all else { return await send(upload, of: recording) }
        guard case .upload(_, let name, let destination) = upload.work else { return }
        let file = name.dropLast(sidecar.ending.count + 1)
        var finding = SidecarFinding([], isGrowing: true)
        do throws(BridgeError) {
            finding = try await source.sidecars(of: String(file), in: recording)
        } catch {
            logger.warning("what travels with a recording cannot be found", metadata: ["error": "\(error)", "recording": "\(id)"])
        }
        guard !Task.isCancelled else { return }
        let now = clock.now
        let age = now.nanoseconds - upload.createdAt.nanoseconds
        if finding.isGrowing, age < Self.longestMaking.wholeNanoseconds {
            var later = upload
            let wait = Duration.nanoseconds(age / 4)
            later.dueAt = now.advanced(by: min(max(wait, Self.looks.lowerBound), Self.looks.upperBound))
            return _ = await commit([.delivery(later)])
        }
        let rows = settlement.uploads(of: finding.names, to: destination, after: upload, at: now)
        _ = await commit([.delivery(upload.ended(.delivered, because: nil))] + rows.map { .delivery($0) })
    }

    private func send(_ upload: DeliveryRow, of recording: RecordingRow) async {
        let outcome = await performer.attempt(upload, of: recording)
        guard !Task.isCancelled || outcome.sentence == nil else { return }
        guard let changes = await settle(upload, of: recording, outcome) else { return }
        for case .delivery(let row) in changes where row.id == upload.id {
            log(row, outcome)
            // It may have been ordered meanwhile that the recording goes.
            guard let current = await self.recording(recording.id), let current else { continue }
            if row.state == .dead || current.deletion != nil { await performer.abandon(row, of: current) }
        }
    }
}

extension DeliveryRow {
    fileprivate func ended(_ state: State, because reason: String?) -> DeliveryRow {
        var row = self
        (row.state, row.lastError) = (state, reason)
        return row
    }
}

extension UploadSettlement {
    /// A row for each of the sidecars.
    func uploads(of names: [String], to destination: Destination, after upload: DeliveryRow, at now: WallTime) -> [DeliveryRow] {
        guard case .upload(let recording, _, _) = upload.work else { return [] }
        var generator = generator
        return names.map { name in
            DeliveryRow(
                id: .upload(at: now, using: &generator), work: .upload(recording: recording, file: name, destination: destination),
                account: upload.account, session: upload.session, dueAt: now, createdAt: now)
        }
    }
}
