import BridgeModel
import Testing

@testable import Bridge

private func makeRow(_ destination: Destination = .keep, _ container: Container = .webm) -> RecordingRow {
    let context = SessionContext(
        session: SessionID("s"), account: AccountID("a"), client: ClientID("c"), stream: StreamID("c"), direction: .publish)
    return RecordingRow(
        id: RecordingID("r"), context: context, state: .armed, container: container, file: "r.\(container.fileExtension)",
        destination: destination, webhookURL: nil, startedAt: WallTime(milliseconds: 0))
}

/// The machine in virtual time. Effects are kept as short words, so that a test reads like a log.
private struct Stage {
    var machine: RecordingMachine
    var now: Int64 = 0
    var words: [String] = []
    var row: RecordingRow { machine.row }

    init(_ destination: Destination = .keep, _ container: Container = .webm, sourcePresent: Bool = true) {
        machine = RecordingMachine(row: makeRow(destination, container))
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
            switch effect {
            case .launchRecorder(let part): words.append("launch \(part)")
            case .resumeRecorder(let part): words.append("resume \(part)")
            case .stopRecorder(let part): words.append("stop \(part)")
            case .killRecorder(let part): words.append("kill \(part)")
            case .launchFinisher(let parts): words.append("finish \(parts)")
            case .promote(.part(let part)): words.append("promote \(part)")
            case .promote(.joined): words.append("promote joined")
            case .commit(let row, nil): words.append("commit \(row.state.rawValue)")
            case .commit(let row, .upload?): words.append("commit \(row.state.rawValue)+upload")
            case .commit(let row, .event(.recordingDelivered)?): words.append("commit \(row.state.rawValue)+delivered")
            case .commit(let row, .event(.recordingFailed)?): words.append("commit \(row.state.rawValue)+failed")
            case .commit(_, .event(.sessionEnded)?): words.append("never")
            case .notify(let update): words.append("say \(update.state.rawValue)" + (update.message.isEmpty ? "" : ": \(update.message)"))
            }
        }
    }
}

private let put = Destination.put(url: Redacted("https://example.org/secret"))
private let done = PipelineEvent.finished(bytes: 5000, duration: .milliseconds(4200))
private func died(_ code: BridgeError.Code = .pipelineCrashed) -> PipelineEvent { .failed(BridgeError(code, "it died")) }
private func closed(_ bytes: Int64, seconds: Int64) -> PipelineEvent { .segmentClosed(bytes: bytes, duration: .seconds(seconds)) }

@Suite struct RecordingMachineTests {
    @Test func fromRequestToUpload() {
        var stage = Stage(put)
        #expect(stage.words == ["commit armed", "say armed", "launch 1"])
        stage.firstFrame(at: 300)
        #expect(stage.words == ["commit recording", "say recording"])
        #expect(stage.take(.stop, at: 5000) == ["stop 1", "commit finalizing", "say finalizing"])
        #expect(
            stage.take(.recorder(part: 1, done), at: 5200) == [
                "commit finalizing", "promote 1", "commit uploading+upload", "say uploading",
            ])
        #expect(stage.row.sizeBytes == 5000 && stage.row.durationMilliseconds == 4200)
        #expect(stage.row.stoppedAt == WallTime(milliseconds: 5000) && stage.machine.deadline == nil)
        // The row is the uploader's now: a recorder's late word does not write over it.
        let late = WallTime(milliseconds: 1)
        #expect(stage.take(.recorder(part: 1, .firstFrame(writtenAt: late, capturedAt: late))) == [])
        var uploaded = stage.row
        #expect(stage.take(.uploadChanged(uploaded)) == [])
        uploaded.state = .uploaded
        #expect(stage.take(.uploadChanged(uploaded)) == ["say uploaded"])
        uploaded.state = .uploadFailed
        #expect(stage.take(.uploadChanged(uploaded)) == [])
    }

    @Test func withoutADestinationTheFileIsStoredAndStillReported() {
        var stage = Stage()
        stage.firstFrame()
        stage.take(.stop)
        #expect(stage.take(.recorder(part: 1, done)) == ["commit finalizing", "promote 1", "commit stored+delivered", "say stored"])
    }

    @Test func anMP4IsMadeByTheFinisher() {
        var stage = Stage(put, .mp4)
        stage.firstFrame()
        stage.take(.stop)
        #expect(stage.take(.recorder(part: 1, done)) == ["finish [1]"])
        #expect(stage.take(.finisher(.started)) == [])
        #expect(stage.take(.finisher(done)) == ["commit finalizing", "promote joined", "commit uploading+upload", "say uploading"])
    }

    @Test func noKeyframeInTenSecondsFailsTheRecording() {
        var stage = Stage(put)
        #expect(stage.take(.recorder(part: 1, .alive), at: 9999) == [])
        #expect(stage.take(.recorder(part: 1, .alive), at: 10_000) == ["stop 1", "commit finalizing", "say finalizing"])
        #expect(
            stage.take(.recorder(part: 1, .finished(bytes: 0, duration: .zero)), at: 10_100) == [
                "commit upload_failed+failed", "say upload_failed: no media",
            ])
        #expect(stage.row.uploadStatus == 0 && stage.row.failure?.code == .noMedia)
    }

    @Test func theRecordersOwnVerdictOfNoMediaCounts() {
        var stage = Stage(put)
        #expect(
            stage.take(.recorder(part: 1, died(.noMedia)), at: 9900) == [
                "commit finalizing", "say finalizing", "commit upload_failed+failed", "say upload_failed: no media",
            ])
    }

    @Test func armedBeforeTheSourceIsThereWaitsForIt() {
        var stage = Stage(put, sourcePresent: false)
        #expect(stage.words == ["commit armed", "say armed"])
        #expect(stage.machine.deadline == nil)
        #expect(stage.take(.sourceReturned(sameTracks: false), at: 25_000) == ["launch 1"])
        #expect(stage.take(.stop, at: 35_000).contains("commit finalizing"))
    }

    @Test func stoppedBeforeAnySourceIsNoMedia() {
        var stage = Stage(put, sourcePresent: false)
        #expect(stage.take(.stop) == ["commit finalizing", "say finalizing", "commit upload_failed+failed", "say upload_failed: no media"])
    }

    @Test func aCrashedRecorderIsReplacedAndThePartsJoined() {
        var stage = Stage(put)
        stage.firstFrame(at: 100)
        stage.take(.recorder(part: 1, closed(1000, seconds: 1)), at: 1100)
        #expect(stage.take(.recorder(part: 1, died()), at: 2000) == ["launch 2"])
        stage.firstFrame(part: 2, at: 2200)
        #expect(stage.words == [])
        stage.take(.stop, at: 4000)
        #expect(stage.take(.recorder(part: 2, done), at: 4100) == ["finish [1, 2]"])
        #expect(stage.take(.finisher(done), at: 4200).contains("promote joined"))
        #expect(stage.row.firstFrameWrittenAt == WallTime(milliseconds: 100))
    }

    @Test func aRecorderThatDiesWhileStoppingIsFinished() {
        var stage = Stage(put)
        stage.firstFrame()
        stage.take(.stop)
        #expect(stage.take(.recorder(part: 1, died())) == ["finish [1]"])
    }

    @Test func aRecorderThatIsSilentWhileStoppingIsKilled() {
        var stage = Stage(put)
        stage.firstFrame()
        stage.take(.stop, at: 1000)
        #expect(stage.take(.deadline, at: 6000) == ["kill 1", "finish [1]"])
        #expect(stage.take(.recorder(part: 1, done), at: 6100) == [])
    }

    @Test func recordersThatKeepDyingEndTheRecording() {
        var stage = Stage(put)
        stage.firstFrame()
        #expect(stage.take(.recorder(part: 1, died())) == ["launch 2"])
        #expect(stage.take(.recorder(part: 2, died())) == ["launch 3"])
        #expect(
            stage.take(.launchFailed(part: 3, BridgeError(.pipelineUnavailable, "no child"))) == [
                "commit finalizing", "say finalizing: recorder failed", "finish [1, 2, 3]",
            ])
        #expect(stage.row.failure?.code == .pipelineUnavailable)
    }

    @Test func anAwaySourceLeavesTheFileOpen() {
        var stage = Stage(put)
        stage.firstFrame(at: 100)
        #expect(stage.take(.sourceLost, at: 2000) == [])
        #expect(stage.take(.sourceReturned(sameTracks: true), at: 30_000) == ["resume 1"])
        #expect(stage.machine.deadline == nil)
        stage.take(.stop, at: 40_000)
        #expect(stage.take(.recorder(part: 1, done), at: 40_100).contains("promote 1"))
    }

    @Test func aSourceThatStaysAwayEndsTheRecording() {
        var stage = Stage(put)
        stage.firstFrame(at: 100)
        stage.take(.sourceLost, at: 2000)
        #expect(stage.take(.recorder(part: 1, .alive), at: 37_000) == ["stop 1", "commit finalizing", "say finalizing"])
    }

    @Test func otherTracksBeginAnotherPart() {
        var stage = Stage(put)
        stage.firstFrame(at: 100)
        stage.take(.sourceLost, at: 2000)
        #expect(stage.take(.sourceReturned(sameTracks: false), at: 3000) == ["stop 1", "launch 2"])
        #expect(stage.take(.recorder(part: 1, done), at: 3100) == [])
        stage.firstFrame(part: 2, at: 3200)
        stage.take(.stop, at: 5000)
        #expect(stage.take(.recorder(part: 2, done), at: 5100) == ["finish [1, 2]"])
    }

    @Test func aRecorderThatDiesWhileItsSourceIsAwayIsReplacedOnReturn() {
        var stage = Stage(put)
        stage.firstFrame(at: 100)
        stage.take(.sourceLost, at: 1000)
        #expect(stage.take(.recorder(part: 1, died()), at: 2000) == [])
        #expect(stage.take(.sourceReturned(sameTracks: true), at: 3000) == ["launch 2"])
    }

    @Test func aFullDiskDeliversWhatWasWritten() {
        var stage = Stage(put)
        stage.firstFrame()
        stage.take(.recorder(part: 1, closed(7000, seconds: 7)))
        #expect(
            stage.take(.recorder(part: 1, died(.storageFull))) == [
                "commit finalizing", "say finalizing: storage full", "commit finalizing", "promote 1", "commit uploading+upload",
                "say uploading",
            ])
        #expect(stage.row.sizeBytes == 7000 && stage.row.durationMilliseconds == 7000)
    }

    @Test func lowSpaceStopsTheRecorder() {
        var stage = Stage(put)
        stage.firstFrame()
        #expect(stage.take(.spaceLow) == ["stop 1", "commit finalizing", "say finalizing: storage full"])
    }

    @Test func theSizeLimitStopsTheRecorder() {
        var stage = Stage(put)
        stage.firstFrame()
        #expect(
            stage.take(.recorder(part: 1, closed(50 << 30, seconds: 9))) == [
                "stop 1", "commit finalizing", "say finalizing: size limit reached",
            ])
    }

    @Test func aFinisherThatFailsTwiceLeavesTheLongestPart() {
        var stage = Stage(put, .mp4)
        stage.firstFrame()
        stage.take(.recorder(part: 1, closed(9000, seconds: 9)))
        stage.take(.recorder(part: 1, died()))
        stage.take(.stop)
        #expect(stage.take(.recorder(part: 2, done)) == ["finish [1, 2]"])
        #expect(stage.take(.finisher(died())) == ["finish [1, 2]"])
        #expect(
            stage.take(.finisherFailed(BridgeError(.storageFull, "full"))) == [
                "commit finalizing", "promote 1", "commit uploading+upload", "say uploading",
            ])
        #expect(stage.row.file == "r.mkv" && stage.row.container == .matroska && stage.row.failure?.code == .storageFull)
    }

    @Test func aFinisherThatHangsIsTakenAsFailed() {
        var stage = Stage(put)
        stage.firstFrame()
        stage.take(.stop)
        stage.take(.recorder(part: 1, died()))
        #expect(stage.take(.deadline, at: 1_800_000) == ["finish [1]"])
    }

    @Test func theSourcesClockMayBecomeKnownLater() {
        var stage = Stage(put)
        stage.firstFrame(at: 100)
        let captured = WallTime(milliseconds: 50)
        let event = PipelineEvent.firstFrame(writtenAt: WallTime(milliseconds: 100), capturedAt: captured)
        #expect(stage.take(.recorder(part: 1, event)) == ["commit recording"])
        #expect(stage.take(.recorder(part: 1, event)) == [])
        #expect(stage.row.firstFrameCapturedAt == captured && stage.row.firstFrameWrittenAt == WallTime(milliseconds: 100))
    }

    @Test(arguments: [RecordingState.armed, .recording, .finalizing])
    func aRestartOfTheBridgeFinishesWhatIsOnDisk(state: RecordingState) {
        var row = makeRow(put)
        row.state = state
        var stage = Stage(recovered: row, .init(parts: [1, 2], lastWrittenAt: WallTime(milliseconds: 77)))
        let announcement = state == .finalizing ? [] : ["commit finalizing", "say finalizing"]
        #expect(stage.words == announcement + ["finish [1, 2]"])
        #expect(stage.row.stoppedAt == WallTime(milliseconds: 77))
        #expect(stage.take(.finisher(done)) == ["commit finalizing", "promote joined", "commit uploading+upload", "say uploading"])
    }

    @Test func aRestartWithNothingOnDiskIsNoMedia() {
        var row = makeRow(put)
        row.state = .recording
        let stage = Stage(recovered: row, .init(parts: []))
        #expect(stage.words == ["commit finalizing", "say finalizing", "commit upload_failed+failed", "say upload_failed: no media"])
    }

    @Test func aRestartAfterThePromotionDelivers() {
        var row = makeRow(put)
        row.state = .finalizing
        row.durationMilliseconds = 4200
        row.sizeBytes = 1
        let stage = Stage(recovered: row, .init(parts: [], finalBytes: 5000))
        #expect(stage.words == ["commit uploading+upload", "say uploading"])
        #expect(stage.row.sizeBytes == 5000 && stage.row.durationMilliseconds == 4200)
    }

    @Test func everyInputIsTakenInEveryState() {
        let inputs: [RecordingMachine.Input] = [
            .sourceLost, .sourceReturned(sameTracks: true), .sourceReturned(sameTracks: false), .stop, .spaceLow, .deadline,
            .launchFailed(part: 1, BridgeError(.pipelineUnavailable, "")), .recorder(part: 1, done), .recorder(part: 2, died()),
            .recorder(part: 1, .firstFrame(writtenAt: WallTime(milliseconds: 1), capturedAt: nil)), .recorder(part: 3, .alive),
            .recorder(part: 1, closed(10, seconds: 1)), .finisher(done), .finisher(died()), .uploadChanged(makeRow()),
        ]
        var state: UInt64 = 99
        for run in 0..<3000 {
            var stage = Stage(run % 2 == 0 ? put : .keep, run % 3 == 0 ? .mp4 : .webm, sourcePresent: run % 5 != 0)
            var deliveries = 0
            for _ in 0..<40 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let words = stage.take(inputs[Int(state >> 33) % inputs.count], at: stage.now + Int64(state >> 50) % 4000)
                deliveries += words.filter { $0.hasPrefix("commit") && $0.contains("+") }.count
            }
            #expect(deliveries <= 1)
        }
    }
}
