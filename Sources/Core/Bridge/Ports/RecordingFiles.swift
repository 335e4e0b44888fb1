package import BridgeModel

/// The spool as the control plane sees it: names and places of a recording's files. Implemented by RecordingPlane.
package protocol RecordingFiles: Sendable {
    /// Makes the recording's folder. Throws `storage_full` when the disk has less free than the reserve.
    func prepare(_ recording: RecordingID) async throws(BridgeError)
    /// Absolute path of a part that a recorder is to write.
    func partPath(of recording: RecordingID, part: Int, container: Container) -> String
    /// Absolute path where the finisher is to put the joined file.
    func joinedPath(of row: RecordingRow) -> String
    /// Moves the finished file to its place in the spool, `row.file`, durably.
    func promote(_ file: RecordingMachine.FinishedFile, of row: RecordingRow) async throws(BridgeError)
    /// What is on disk of an unfinished recording. Waits until a recorder that outlived the bridge has closed its file.
    func remains(of row: RecordingRow) async throws(BridgeError) -> RecordingMachine.Remains
    /// Whether the disk has more free than the reserve.
    func hasSpace() async -> Bool
    /// Absolute path of a finished file; nil when it is not there (any more).
    func finishedPath(of row: RecordingRow) async -> String?
}
