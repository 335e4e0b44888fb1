import Bridge
import BridgeModel
import Synchronization

/// A spool without a disk.
final class FakeFiles: RecordingFiles {
    enum Deed: Equatable {
        case open(RecordingID)
        case promote(RecordingMachine.FinishedFile, RecordingID)
        case discard(RecordingID)
    }

    private struct State {
        var hasSpace = true
        var openFailure: BridgeError?
        var findings = SpoolFindings()
        var finished: [RecordingID: String] = [:]
    }

    private let journal = Journal<Deed>()
    private let state = Mutex(State())

    var deeds: [Deed] { journal.all }

    func setSpace(_ hasSpace: Bool) { state.withLock { $0.hasSpace = hasSpace } }
    func refuseToOpen(_ error: BridgeError?) { state.withLock { $0.openFailure = error } }
    func find(_ findings: SpoolFindings) { state.withLock { $0.findings = findings } }

    func hasSpace() async -> Bool { state.withLock { $0.hasSpace } }

    func open(_ recording: RecordingID) async throws(BridgeError) {
        let failure = state.withLock { $0.openFailure }
        if let failure { throw failure }
        journal.note(.open(recording))
    }

    func partPath(_ part: Int, row: RecordingRow) -> String { "/spool/\(row.id)/\(part)" }

    func finishPlan(_ parts: [Int], row: RecordingRow) -> FinishPlan? {
        let paths = parts.map { partPath($0, row: row) }
        guard let first = paths.first else { return nil }
        return FinishPlan(
            container: row.container, source: first, continuations: Array(paths.dropFirst()), destination: "/spool/\(row.id)/joined")
    }

    func promote(_ file: RecordingMachine.FinishedFile, row: RecordingRow) async throws(BridgeError) -> Int64 {
        journal.note(.promote(file, row.id))
        state.withLock { $0.finished[row.id] = "/spool/\(row.file)" }
        return 0
    }

    func discard(_ recording: RecordingID) async { journal.note(.discard(recording)) }

    func finishedPath(_ row: RecordingRow) async -> String? { state.withLock { $0.finished[row.id] } }

    func reconcile(patience: Duration) async throws(BridgeError) -> SpoolFindings { state.withLock { $0.findings } }
}
