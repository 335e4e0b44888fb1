import BridgeModel

@testable import Bridge

func makeRow(_ destination: Destination = .keep, _ container: Container = .webm) -> RecordingRow {
    let context = SessionContext(
        session: SessionID("s"), account: AccountID("a"), client: ClientID("c"), stream: StreamID("c"), direction: .publish)
    return RecordingRow(
        id: RecordingID("r"), context: context, state: .armed, container: container, file: "r.\(container.fileExtension)",
        destination: destination, webhookURL: nil, startedAt: WallTime(milliseconds: 0))
}

/// The machine in virtual time. Effects are kept as short words, so that a test reads like a log.
struct RecordingStage {
    var machine: RecordingMachine
    var now: Int64 = 0
    var words: [String] = []
    var row: RecordingRow { machine.row }
    /// The segments' rows as they were committed, or noted, last.
    var segments: [Int: SegmentRow] = [:]

    init(
        _ destination: Destination = .keep, _ container: Container = .webm, sourcePresent: Bool = true, segmentation: Segmentation? = nil
    ) {
        var limits = RecordingMachine.Limits()
        limits.segmentation = segmentation
        machine = RecordingMachine(row: makeRow(destination, container), limits: limits)
        note(machine.begin(sourcePresent: sourcePresent, now: time, wall: wall))
    }

    init(recovered row: RecordingRow, _ remains: RecordingMachine.Remains) {
        let (machine, effects) = RecordingMachine.recovered(
            row: row, remains: remains, now: MonotonicTime(nanoseconds: 0), wall: WallTime(milliseconds: 0))
        self.machine = machine
        note(effects)
    }

    private var time: MonotonicTime { MonotonicTime(nanoseconds: UInt64(now) * 1_000_000) }
    private var wall: WallTime { WallTime(milliseconds: now) }

    /// Takes an input at `at` ms; the deadline fires first where it lies before. Returns the new words.
    @discardableResult
    mutating func take(_ input: RecordingMachine.Input, at moment: Int64? = nil) -> [String] {
        words = []
        let moment = moment ?? now
        while let deadline = machine.deadline, Int64(deadline.nanoseconds / 1_000_000) <= moment {
            now = Int64(deadline.nanoseconds / 1_000_000)
            note(machine.handle(.deadline, now: time, wall: wall))
        }
        now = moment
        note(machine.handle(input, now: time, wall: wall))
        return words
    }

    mutating func firstFrame(part: Int = 1, at moment: Int64? = nil) {
        let written = WallTime(milliseconds: moment ?? now)
        take(.recorder(part: part, .firstFrame(writtenAt: written, capturedAt: nil)), at: moment)
    }

    private mutating func note(_ effects: [RecordingMachine.Effect]) {
        for effect in effects {
            if case .commit(_, let rows, _) = effect { for row in rows { segments[row.number] = row } }
            if case .progress(let row) = effect { segments[row.number] = row }
            switch effect {
            case .launchRecorder(let part): words.append("launch \(part)")
            case .resumeRecorder(let part): words.append("resume \(part)")
            case .stopRecorder(let part): words.append("stop \(part)")
            case .killRecorder(let part): words.append("kill \(part)")
            case .launchFinisher(let parts, _): words.append("finish \(parts)")
            case .promote(.part(let part), _): words.append("promote \(part)")
            case .promote(.movie(let part), _): words.append("promote movie \(part)")
            case .promote(.joined, _): words.append("promote joined")
            case .commit(let row, _, nil): words.append("commit \(row.state.rawValue)")
            case .commit(let row, _, .upload?): words.append("commit \(row.state.rawValue)+upload")
            case .commit(let row, _, .event(.recordingDelivered)?): words.append("commit \(row.state.rawValue)+delivered")
            case .commit(let row, _, .event(.recordingFailed)?): words.append("commit \(row.state.rawValue)+failed")
            case .commit(_, _, .event?): words.append("another event")
            case .progress: break
            case .removeMovie(let part): words.append("remove movie \(part)")
            case .movieProgress(let part, let bytes, _): words.append("movie \(part) \(bytes)")
            case .settle: words.append("settle")
            case .notify(let update): words.append("say \(update.state.rawValue)" + (update.message.isEmpty ? "" : ": \(update.message)"))
            }
        }
    }
}

let first = PartName(segment: 1, number: 1)
let second = PartName(segment: 1, number: 2)
let put = Destination.put(url: Redacted("https://example.org/secret"))
let done = PipelineEvent.finished(bytes: 5000, duration: .milliseconds(4200))
func died(_ code: BridgeError.Code = .pipelineCrashed) -> PipelineEvent { .failed(BridgeError(code, "it died")) }
func closed(_ bytes: Int64, seconds: Int64) -> PipelineEvent { .segmentClosed(bytes: bytes, duration: .seconds(seconds)) }
