package import BridgeModel

/// What the native API does with recordings that are over. Implemented by ControlPlane.
package protocol RecordingKeeping: Sendable {
    /// Places a hold, or changes its reason. Throws `not_found`, `recording_gone` when the recording is removed or about to be.
    func hold(_ id: RecordingID, reason: String, by actor: AuditActor) async throws(BridgeError) -> RecordingRow
    /// Releases it; nothing happens without one. Throws `not_found`.
    func release(_ id: RecordingID, by actor: AuditActor) async throws(BridgeError) -> RecordingRow
    /// Decides that a recording goes; its deletion is durable when this returns, and is carried out from then on. Throws `not_found` and as
    /// `RecordingRow.deletion`.
    func delete(_ id: RecordingID, _ order: DeletionOrder) async throws(BridgeError) -> RecordingRow
    /// Sends a recording again, to its destination or a named one. Throws `not_found`, `recording_in_use`, `recording_gone`, `invalid_field` where
    /// there is no destination.
    func redeliver(_ id: RecordingID, to name: DestinationName?, by actor: AuditActor) async throws(BridgeError) -> RecordingRow
    /// What follows this place in the audit log (0: from the beginning), in order, at most `limit`; of one recording only, when it is given.
    func audit(after: Int64, limit: Int, recording: RecordingID?) async throws(BridgeError) -> [AuditEntry]
    /// The rule of a stream: its own, or else the configured one.
    func retention(of stream: StreamID) async throws(BridgeError) -> (rule: RetentionRule, isOwn: Bool)
    /// Gives a stream a rule of its own; nil takes it away.
    func setRetention(_ rule: RetentionRule?, of stream: StreamID) async throws(BridgeError)
}

/// What retention needs to know. Implemented by StoragePlane.
package protocol RetentionLedger: Sendable {
    /// Streams that have a rule of their own.
    func retentionRules() async throws(BridgeError) -> [StreamID: RetentionRule]
    /// The rule of one; nil when it has none.
    func retentionRule(of stream: StreamID) async throws(BridgeError) -> RetentionRule?
    /// nil removes it.
    func setRetentionRule(_ rule: RetentionRule?, of stream: StreamID) async throws(BridgeError)
    /// Streams of which something is there.
    func recordedStreams() async throws(BridgeError) -> [StreamID]
    /// A stream's recordings of which something is left, with the bytes that they have in the spool. `delivered`: also those of which only their
    /// destination has something.
    func remaining(of stream: StreamID, delivered: Bool) async throws(BridgeError) -> [(row: RecordingRow, localBytes: Int64)]
}

/// Deletions as their runner sees them. Implemented by StoragePlane; they are written by `Ledger.commit`.
package protocol DeletionLedger: Sendable {
    /// Recordings whose deletion has something to do by then, in the order of time, at most `limit`.
    func dueDeletions(at now: WallTime, limit: Int) async throws(BridgeError) -> [RecordingRow]
    /// When the next one is due; nil when none is pending.
    func nextDeletionDue() async throws(BridgeError) -> WallTime?
    /// What the destinations of a recording have taken, as far as the outbox knows: file and destination.
    func deliveredCopies(of recording: RecordingID) async throws(BridgeError) -> [DeliveredCopy]
}

/// A file of a recording at a destination.
package struct DeliveredCopy: Sendable, Equatable {
    /// Its name in the spool, of which the key there is made.
    package var file: String
    package var destination: Destination

    package init(file: String, destination: Destination) {
        self.file = file
        self.destination = destination
    }
}

/// The audit log; it is written by `Ledger.commit`. Implemented by StoragePlane.
package protocol AuditLog: Sendable {
    /// See `RecordingKeeping.audit`.
    func audit(after: Int64, limit: Int, recording: RecordingID?) async throws(BridgeError) -> [AuditEntry]
}

/// Takes files out of the spool. Implemented by RecordingPlane.
package protocol SpoolErasing: Sendable {
    /// Removes all files of a recording; those that are not there are no fault. Throws `internal` when one cannot be removed.
    func erase(_ recording: RecordingID, _ segments: [SegmentRow]) async throws(BridgeError)
}

/// Looks after what was delivered. Implemented by DeliveryPlane.
package protocol DestinationKeeping: Sendable {
    /// Removes a file at its destination; what is not there counts as removed.
    func remove(_ copy: DeliveredCopy, of recording: RecordingRow) async -> AttemptOutcome
    /// Compares a file at its destination with what the ledger knows, to the byte: by what the destination can prove, else by reading it.
    /// `progress` hears how many bytes have been read.
    func inspect(
        _ copy: DeliveredCopy, of recording: RecordingRow, against segment: SegmentRow, progress: @escaping @Sendable (Int64) -> Void
    ) async -> CopyFinding
}

/// What a destination says of a file.
package enum CopyFinding: Sendable, Equatable {
    /// It has the file, byte for byte.
    case present
    /// Its size is another one.
    case wrongSize(Int64)
    /// It is as long, and its bytes are others.
    case wrongContent
    case missing
    /// It cannot be asked, or did not answer; one sentence.
    case unknown(String)
}

/// Carries deletions out. Implemented by DeliveryPlane.
package protocol DeletionService: Sendable {
    /// Looks at the deletions now: call after a commit that holds one.
    func wake()
}
