package import BridgeModel

/// The spool as the control plane sees it: names and places of a recording's files. Implemented by RecordingPlane.
package protocol RecordingFiles: Sendable {
    /// Whether the spool can be written and its disk has more free than the reserve.
    func hasSpace() async -> Bool
    /// Makes the folder of a recording's parts. Throws `storage_full` when the reserve is touched, `internal` when it cannot be made.
    func open(_ recording: RecordingID) async throws(BridgeError)
    /// Absolute path of a part that a recorder is to write.
    func partPath(_ part: PartName, row: RecordingRow) -> String
    /// The finisher's plan for these parts of a segment, in order; nil without parts.
    func finishPlan(_ parts: [PartName], of segment: SegmentRow) -> FinishPlan?
    /// Moves a segment's finished file to its place, durably, and removes what it was made of; doing it twice is harmless. Returns its size in
    /// bytes. Throws `storage_full` or `internal`.
    @discardableResult
    func promote(_ file: RecordingMachine.FinishedFile, of segment: SegmentRow) async throws(BridgeError) -> Int64
    /// Removes the work folder of a recording that holds no media.
    func discard(_ recording: RecordingID) async
    /// Absolute path of a segment's finished file; nil while it is being written and when it has been removed.
    func finishedPath(_ segment: SegmentRow) async -> String?
    /// Compares the ledger with the disk, at the bridge's start. Recorders that outlived the bridge before are waited for, `patience` at most
    /// in all. Throws what the ledger throws.
    func reconcile(patience: Duration) async throws(BridgeError) -> SpoolFindings
}

/// What a bridge that starts finds of the recordings of the one before it.
package struct SpoolFindings: Sendable, Equatable {
    /// Recordings whose rows are in `RecordingState.incomplete`, oldest first: each needs `RecordingMachine.recovered`.
    package var unfinished: [Unfinished] = []
    /// Segments whose file is gone although their rows promised it: those in `uploading` can never be delivered.
    package var withoutFile: [SegmentRow] = []
    /// Names that were moved to `orphans`.
    package var orphans: [String] = []

    package init() {}

    /// One unfinished recording.
    package struct Unfinished: Sendable, Equatable {
        package var row: RecordingRow
        package var remains: RecordingMachine.Remains

        package init(row: RecordingRow, remains: RecordingMachine.Remains) {
            self.row = row
            self.remains = remains
        }
    }
}
