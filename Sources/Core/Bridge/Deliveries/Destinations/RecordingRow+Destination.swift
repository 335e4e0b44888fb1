package import BridgeModel

extension RecordingRow {
    /// Where it goes, with what belongs to that choice.
    package var choice: DestinationChoice {
        get {
            var choice = DestinationChoice(destination, fallback: fallback, keepLocal: keepLocal)
            choice.sidecars = sidecars
            return choice
        }
        set {
            (destination, fallback, keepLocal, sidecars) = (newValue.destination, newValue.fallback, newValue.keepLocal, newValue.sidecars)
        }
    }

    /// What the key of one of its files is made of. `file`: the id, a hyphen and the segment's number from the second one on, and an extension; or one
    /// that travels with it.
    package func keyFacts(of file: String) -> KeyFacts {
        let stem = file.prefix { $0 != "." }
        let number = stem.hasPrefix("\(id)-") ? Int(stem.dropFirst(id.rawValue.count + 1)) : nil
        let sidecar = SidecarName(file)
        let container = sidecar?.container ?? Container.allCases.first { file.hasSuffix(".\($0.fileExtension)") } ?? container
        var facts = KeyFacts(context: context, recording: id, segment: number ?? 1, container: container, startedAt: startedAt)
        facts.sidecar = sidecar
        return facts
    }

    /// The row of the outbox that looks for what travels with a file when an upload of it has ended so; nil when nothing is wanted there.
    package func sidecars(after upload: DeliveryRow, id: DeliveryID, at now: WallTime) -> DeliveryRow? {
        guard case .upload(let recording, let file, let destination) = upload.work, upload.sidecar == nil, upload.state == .delivered,
            sidecars?.isEmpty == false, destination.takesSidecars
        else { return nil }
        return DeliveryRow(
            id: id, work: .upload(recording: recording, file: SidecarName.all(of: file), destination: destination),
            account: upload.account, session: upload.session, dueAt: now, createdAt: now)
    }

    /// The upload that follows when this one, which has been given up, was not the recording's last resort; nil when it was.
    package func fallback(after upload: DeliveryRow, id: DeliveryID, at now: WallTime) -> DeliveryRow? {
        guard case .upload(let recording, let file, let given) = upload.work, let fallback, given != fallback, fallback != .keep else {
            return nil
        }
        return DeliveryRow(
            id: id, work: .upload(recording: recording, file: file, destination: fallback), account: upload.account,
            session: upload.session,
            dueAt: now, createdAt: now)
    }
}
