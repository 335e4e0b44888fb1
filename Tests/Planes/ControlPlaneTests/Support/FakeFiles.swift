import Bridge
import BridgeModel
import BridgeTesting
import Synchronization

/// A spool without a disk.
final class FakeFiles: RecordingFiles, SpoolKeeping {
    enum Deed: Equatable {
        case open(RecordingID)
        case promote(RecordingMachine.FinishedFile, RecordingID)
        case discard(RecordingID)
        case removeMovie(PartName, RecordingID)
    }

    private struct State {
        var hasSpace = true
        var openFailure: BridgeError?
        var readFailure: BridgeError?
        /// Those that cannot be read; nil: all.
        var unreadable: [String]?
        var findings = SpoolFindings()
        var finished: [RecordingID: String] = [:]
    }

    private let journal = Journal<Deed>()
    private let state = Mutex(State())

    var deeds: [Deed] { journal.all }

    func setSpace(_ hasSpace: Bool) { state.withLock { $0.hasSpace = hasSpace } }
    func refuseToOpen(_ error: BridgeError?) { state.withLock { $0.openFailure = error } }
    func refuseToRead(_ error: BridgeError?, files: [String]? = nil) {
        state.withLock { ($0.readFailure, $0.unreadable) = (error, files) }
    }
    func find(_ findings: SpoolFindings) { state.withLock { $0.findings = findings } }

    func hasSpace() async -> Bool { state.withLock { $0.hasSpace } }

    func makeRoom() async -> Bool { await hasSpace() }
    func shortage() async -> StorageShortage { StorageShortage(freeBytes: 7, reserveBytes: 9) }
    func hasThumbnails(_ segment: SegmentRow) async -> Bool { false }

    func describe(_ segment: SegmentRow, of recording: RecordingRow) async throws(BridgeError) -> String {
        let failure = state.withLock { $0.unreadable?.contains(segment.file) == false ? nil : $0.readFailure }
        if let failure { throw failure }
        return "hash of \(segment.file)"
    }

    func open(_ recording: RecordingID) async throws(BridgeError) {
        let failure = state.withLock { $0.openFailure }
        if let failure { throw failure }
        journal.note(.open(recording))
    }

    func partPath(_ part: PartName, row: RecordingRow) -> String { "/spool/\(row.id)/\(part.number)" }

    func finishPlan(_ parts: [PartName], of segment: SegmentRow) -> FinishPlan? {
        let paths = parts.map { "/spool/\(segment.recording)/\($0.number)" }
        guard let first = paths.first else { return nil }
        return FinishPlan(
            container: segment.container, source: first, continuations: Array(paths.dropFirst()),
            destination: "/spool/\(segment.recording)/joined")
    }

    func promote(_ file: RecordingMachine.FinishedFile, of segment: SegmentRow) async throws(BridgeError) -> Int64 {
        journal.note(.promote(file, segment.recording))
        state.withLock { $0.finished[segment.recording] = "/spool/\(segment.file)" }
        return 0
    }

    func removeMovie(of part: PartName, in recording: RecordingID) async { journal.note(.removeMovie(part, recording)) }

    /// The finished file of a recording is here from now on; nil: nowhere.
    func put(_ recording: RecordingID, at path: String?) { state.withLock { $0.finished[recording] = path } }

    func discard(_ recording: RecordingID) async { journal.note(.discard(recording)) }

    func finishedPath(_ segment: SegmentRow) async -> String? { state.withLock { $0.finished[segment.recording] } }

    func reconcile(patience: Duration) async throws(BridgeError) -> SpoolFindings { state.withLock { $0.findings } }
}
