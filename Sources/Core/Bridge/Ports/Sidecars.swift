package import BridgeModel

/// Finds what travels with recordings' files, and has it made. Implemented by ControlPlane.
package protocol SidecarSource: Sendable {
    /// Those of a file that its recording wants.
    func sidecars(of file: String, in recording: RecordingRow) async throws(BridgeError) -> SidecarFinding
    /// Whether a recording's file is being read for its hash, or waits for that: the event that tells of it is still to come.
    func isBeingRegistered(_ file: String) async -> Bool
}

/// What there is of what travels with a file.
package struct SidecarFinding: Sendable, Equatable {
    /// Names in the spool.
    package var names: [String]
    /// More is being made.
    package var isGrowing: Bool

    package init(_ names: [String], isGrowing: Bool = false) {
        self.names = names
        self.isGrowing = isGrowing
    }
}

/// What the outbox knows of what travels with files. Implemented by StoragePlane.
package protocol SidecarLedger: Sendable {
    /// The rows of the outbox of a recording that are about its sidecars, oldest first.
    func sidecarUploads(of recording: RecordingID) async throws(BridgeError) -> [DeliveryRow]
}

/// A sidecar on its way or at its destination.
package struct SidecarCopy: Sendable, Equatable {
    package var sidecar: SidecarName
    /// Below the destination.
    package var key: String
    package var state: DeliveryRow.State
    /// One sentence about the last attempt, without secrets; nil when that succeeded.
    package var lastError: String?

    package init(sidecar: SidecarName, key: String, state: DeliveryRow.State, lastError: String?) {
        self.sidecar = sidecar
        self.key = key
        self.state = state
        self.lastError = lastError
    }
}

extension RecordingRow {
    /// What the outbox says of the sidecars of one segment: each once, as it is now.
    package func sidecarCopies(of segment: SegmentRow, in uploads: [DeliveryRow]) -> [SidecarCopy] {
        let stem = segment.file.prefix { $0 != "." }
        var latest: [SidecarName: SidecarCopy] = [:]
        for upload in uploads {
            guard case .upload(_, let file, let destination) = upload.work, let name = SidecarName(file), name.part != .all,
                name.stem == stem, let key = destination.key(of: keyFacts(of: file))
            else { continue }
            latest[name] = SidecarCopy(sidecar: name, key: key, state: upload.state, lastError: upload.lastError)
        }
        return latest.values.sorted { $0.key < $1.key }
    }
}
