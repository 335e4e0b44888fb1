import BridgeModel
import Testing

@testable import Bridge

@Suite struct RecordingMachineTests {
    @Test func fromRequestToUpload() {
        var stage = RecordingStage(put)
        #expect(stage.words == ["commit armed", "say armed", "launch 1"])
        stage.firstFrame(at: 300)
        #expect(stage.words == ["commit recording", "say recording"])
        #expect(stage.take(.stop, at: 5000) == ["stop 1", "commit closing", "say closing"])
        #expect(
            stage.take(.recorder(part: 1, done), at: 5200) == [
                "commit closing", "promote 1", "commit uploading+upload", "say uploading",
            ])
        #expect(stage.row.sizeBytes == 5000 && stage.row.durationMilliseconds == 4200)
        #expect(stage.row.stoppedAt == WallTime(milliseconds: 5000) && stage.machine.deadline == nil)
        var uploaded = stage.row
        #expect(stage.take(.uploadChanged(uploaded)) == [])
        uploaded.state = .delivered
        #expect(stage.take(.uploadChanged(uploaded)) == ["say delivered"])
        uploaded.state = .failed
        #expect(stage.take(.uploadChanged(uploaded)) == [])
    }

    @Test func withoutADestinationTheFileIsStoredAndStillReported() {
        var stage = RecordingStage()
        stage.firstFrame()
        stage.take(.stop)
        #expect(stage.take(.recorder(part: 1, done)) == ["commit closing", "promote 1", "commit ready+delivered", "say ready"])
    }

    @Test func anMP4IsMadeByTheFinisher() {
        var stage = RecordingStage(put, .mp4)
        stage.firstFrame()
        stage.take(.stop)
        #expect(stage.take(.recorder(part: 1, done)) == ["remove movie 1", "finish [1]"])
        #expect(stage.take(.finisher(.started)) == [])
        #expect(stage.take(.finisher(done)) == ["commit closing", "promote joined", "commit uploading+upload", "say uploading"])
    }

    @Test func anMP4ThatItsRecorderWroteNeedsNoFinisher() {
        var stage = RecordingStage(put, .mp4)
        stage.firstFrame()
        #expect(stage.take(.recorder(part: 1, .movieGrew(part: 1, bytes: 20_000))) == ["movie 1 20000"])
        stage.take(.stop)
        let movie = WrittenFile(bytes: 30_000, duration: .milliseconds(4300))
        #expect(stage.take(.recorder(part: 1, .movieEnded(part: 1, movie))) == [])
        #expect(
            stage.take(.recorder(part: 1, done)) == ["commit closing", "promote movie 1", "commit uploading+upload", "say uploading"])
        #expect(stage.row.sizeBytes == 30_000 && stage.row.durationMilliseconds == 4300)
    }

    /// What is joined of several parts is another file, and so is what a recorder gave up or did not end.
    @Test(arguments: ["given up", "died", "another part", "never ended"])
    func anMP4ThatIsNotWholeIsMadeByTheFinisher(fate: String) {
        var stage = RecordingStage(put, .mp4)
        stage.firstFrame()
        stage.take(.recorder(part: 1, .movieGrew(part: 1, bytes: 20_000)))
        let movie = WrittenFile(bytes: 30_000, duration: .milliseconds(4300))
        if fate != "never ended" {
            let words = stage.take(.recorder(part: 1, .movieEnded(part: 1, fate == "given up" ? nil : movie)))
            #expect(words == (fate == "given up" ? ["remove movie 1"] : []))
        }
        if fate == "another part" {
            #expect(stage.take(.sourceReturned(sameTracks: false)) == ["stop 1", "launch 2"])
            stage.firstFrame(part: 2)
            #expect(stage.take(.recorder(part: 1, .movieGrew(part: 1, bytes: 25_000))) == [], "it is not to be the file any more")
        }
        stage.take(.stop)
        let last = stage.take(.recorder(part: 1, fate == "died" ? died() : done))
        guard fate == "another part" else {
            return #expect(last == (fate == "given up" ? [] : ["remove movie 1"]) + ["finish [1]"])
        }
        #expect(stage.take(.recorder(part: 2, done)) == ["remove movie 1", "finish [1, 2]"])
    }

    /// Until the recording ends, which may be hours, it would only take room.
    @Test func theMP4OfADeadRecorderGoesAtOnce() {
        var stage = RecordingStage(put, .mp4)
        stage.firstFrame()
        #expect(stage.take(.recorder(part: 1, died())) == ["remove movie 1", "launch 2"])
        #expect(stage.take(.recorder(part: 1, .movieGrew(part: 1, bytes: 20_000))) == [])
        stage.firstFrame(part: 2)
        #expect(stage.take(.recorder(part: 2, died())) == ["launch 3"], "what goes on in a segment is written without one")
        stage.take(.stop)
        #expect(stage.take(.recorder(part: 3, done)) == ["finish [1, 2, 3]"])
    }

    /// The part that came last held nothing.
    @Test func theMP4StaysWhileItMayBeTheFile() {
        var stage = RecordingStage(put, .mp4)
        stage.firstFrame()
        stage.take(.sourceReturned(sameTracks: false))
        let movie = WrittenFile(bytes: 30_000, duration: .milliseconds(4300))
        #expect(stage.take(.recorder(part: 1, .movieEnded(part: 1, movie))) == [])
        #expect(stage.take(.recorder(part: 1, done)) == [])
        stage.take(.stop)
        #expect(stage.take(.recorder(part: 2, .finished(bytes: 0, duration: .zero))).contains("promote movie 1"))
    }

    @Test func otherContainersHaveNoMP4() {
        var stage = RecordingStage(put)
        stage.firstFrame()
        #expect(stage.take(.recorder(part: 1, .movieEnded(part: 1, nil))) == [])
        #expect(stage.take(.recorder(part: 1, died())) == ["launch 2"])
    }

    @Test func noKeyframeInTenSecondsFailsTheRecording() {
        var stage = RecordingStage(put)
        #expect(stage.take(.recorder(part: 1, .alive), at: 9999) == [])
        #expect(stage.take(.recorder(part: 1, .alive), at: 10_000) == ["stop 1", "commit closing", "say closing"])
        #expect(
            stage.take(.recorder(part: 1, .finished(bytes: 0, duration: .zero)), at: 10_100) == [
                "commit failed+failed", "say failed: no media",
            ])
        #expect(stage.row.uploadStatus == 0 && stage.row.failure?.code == .noMedia)
    }

    @Test func theRecordersOwnVerdictOfNoMediaCounts() {
        var stage = RecordingStage(put)
        #expect(
            stage.take(.recorder(part: 1, died(.noMedia)), at: 9900) == [
                "commit closing", "say closing", "commit failed+failed", "say failed: no media",
            ])
    }

    @Test func armedBeforeTheSourceIsThereWaitsForIt() {
        var stage = RecordingStage(put, sourcePresent: false)
        #expect(stage.words == ["commit armed", "say armed"])
        #expect(stage.machine.deadline == nil)
        #expect(stage.take(.sourceReturned(sameTracks: false), at: 25_000) == ["launch 1"])
        #expect(stage.take(.stop, at: 35_000).contains("commit closing"))
    }

    @Test func stoppedBeforeAnySourceIsNoMedia() {
        var stage = RecordingStage(put, sourcePresent: false)
        #expect(stage.take(.stop) == ["commit closing", "say closing", "commit failed+failed", "say failed: no media"])
    }

    @Test func aCrashedRecorderIsReplacedAndThePartsJoined() {
        var stage = RecordingStage(put)
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
        var stage = RecordingStage(put)
        stage.firstFrame()
        stage.take(.stop)
        #expect(stage.take(.recorder(part: 1, died())) == ["finish [1]"])
    }

    @Test func aRecorderThatIsSilentWhileStoppingIsKilled() {
        var stage = RecordingStage(put)
        stage.firstFrame()
        stage.take(.stop, at: 1000)
        #expect(stage.take(.deadline, at: 6000) == ["kill 1", "finish [1]"])
        #expect(stage.take(.recorder(part: 1, done), at: 6100) == [])
    }

    @Test func recordersThatKeepDyingEndTheRecording() {
        var stage = RecordingStage(put)
        stage.firstFrame()
        #expect(stage.take(.recorder(part: 1, died())) == ["launch 2"])
        #expect(stage.take(.recorder(part: 2, died())) == ["launch 3"])
        #expect(
            stage.take(.launchFailed(part: 3, BridgeError(.pipelineUnavailable, "no child"))) == [
                "commit closing", "say closing: recorder failed", "finish [1, 2, 3]",
            ])
        #expect(stage.row.failure?.code == .pipelineUnavailable)
    }

    @Test func anAwaySourceLeavesTheFileOpen() {
        var stage = RecordingStage(put)
        stage.firstFrame(at: 100)
        #expect(stage.take(.sourceLost, at: 2000) == ["commit gap"])
        #expect(stage.take(.sourceReturned(sameTracks: true), at: 30_000) == ["commit recording", "resume 1"])
        #expect(stage.machine.deadline == nil)
        stage.take(.stop, at: 40_000)
        #expect(stage.take(.recorder(part: 1, done), at: 40_100).contains("promote 1"))
    }

    @Test func aSourceThatStaysAwayEndsTheRecording() {
        var stage = RecordingStage(put)
        stage.firstFrame(at: 100)
        stage.take(.sourceLost, at: 2000)
        #expect(stage.take(.recorder(part: 1, .alive), at: 37_000) == ["stop 1", "commit closing", "say closing"])
    }

    @Test func otherTracksBeginAnotherPart() {
        var stage = RecordingStage(put)
        stage.firstFrame(at: 100)
        stage.take(.sourceLost, at: 2000)
        #expect(stage.take(.sourceReturned(sameTracks: false), at: 3000) == ["commit recording", "stop 1", "launch 2"])
        #expect(stage.take(.recorder(part: 1, done), at: 3100) == [])
        stage.firstFrame(part: 2, at: 3200)
        stage.take(.stop, at: 5000)
        #expect(stage.take(.recorder(part: 2, done), at: 5100) == ["finish [1, 2]"])
    }

    @Test func aRecorderThatDiesWhileItsSourceIsAwayIsReplacedOnReturn() {
        var stage = RecordingStage(put)
        stage.firstFrame(at: 100)
        stage.take(.sourceLost, at: 1000)
        #expect(stage.take(.recorder(part: 1, died()), at: 2000) == [])
        #expect(stage.take(.sourceReturned(sameTracks: true), at: 3000) == ["commit recording", "launch 2"])
    }

    @Test func aFullDiskDeliversWhatWasWritten() {
        var stage = RecordingStage(put)
        stage.firstFrame()
        stage.take(.recorder(part: 1, closed(7000, seconds: 7)))
        #expect(
            stage.take(.recorder(part: 1, died(.storageFull))) == [
                "commit closing", "say closing: storage full", "commit closing", "promote 1", "commit uploading+upload",
                "say uploading",
            ])
        #expect(stage.row.sizeBytes == 7000 && stage.row.durationMilliseconds == 7000)
    }

    @Test func lowSpaceStopsTheRecorder() {
        var stage = RecordingStage(put)
        stage.firstFrame()
        #expect(stage.take(.spaceLow) == ["stop 1", "commit closing", "say closing: storage full"])
    }

    @Test func theSizeLimitStopsTheRecorder() {
        var stage = RecordingStage(put)
        stage.firstFrame()
        #expect(
            stage.take(.recorder(part: 1, closed(50 << 30, seconds: 9))) == [
                "stop 1", "commit closing", "say closing: size limit reached",
            ])
    }

    @Test func aFinisherThatFailsTwiceLeavesTheLongestPart() {
        var stage = RecordingStage(put, .mp4)
        stage.firstFrame()
        stage.take(.recorder(part: 1, closed(9000, seconds: 9)))
        stage.take(.recorder(part: 1, died()))
        stage.take(.stop)
        #expect(stage.take(.recorder(part: 2, done)) == ["finish [1, 2]"])
        #expect(stage.take(.finisher(died())) == ["finish [1, 2]"])
        #expect(
            stage.take(.finisherFailed(BridgeError(.storageFull, "full"))) == [
                "commit closing", "promote 1", "commit uploading+upload", "say uploading",
            ])
        #expect(stage.row.file == "r.mkv" && stage.row.container == .matroska && stage.row.failure?.code == .storageFull)
    }

    @Test func aFinisherThatHangsIsTakenAsFailed() {
        var stage = RecordingStage(put)
        stage.firstFrame()
        stage.take(.stop)
        stage.take(.recorder(part: 1, died()))
        #expect(stage.take(.deadline, at: 1_800_000) == ["finish [1]"])
    }

    @Test func theSourcesClockMayBecomeKnownLater() {
        var stage = RecordingStage(put)
        stage.firstFrame(at: 100)
        let captured = WallTime(milliseconds: 50)
        let event = PipelineEvent.firstFrame(writtenAt: WallTime(milliseconds: 100), capturedAt: captured)
        #expect(stage.take(.recorder(part: 1, event)) == ["commit recording"])
        #expect(stage.take(.recorder(part: 1, event)) == [])
        #expect(stage.row.firstFrameCapturedAt == captured && stage.row.firstFrameWrittenAt == WallTime(milliseconds: 100))
    }

    @Test func aLateWordDoesNotWriteOverTheUploadersRow() {
        var stage = RecordingStage(put)
        stage.firstFrame()
        stage.take(.stop)
        stage.take(.recorder(part: 1, done))
        let late = PipelineEvent.firstFrame(writtenAt: WallTime(milliseconds: 1), capturedAt: WallTime(milliseconds: 1))
        #expect(stage.take(.recorder(part: 1, late)) == [])
    }

    @Test(arguments: [RecordingState.armed, .recording, .closing])
    func aRestartOfTheBridgeFinishesWhatIsOnDisk(state: RecordingState) {
        var row = makeRow(put)
        row.state = state
        var stage = RecordingStage(recovered: row, .init(parts: [first, second], lastWrittenAt: WallTime(milliseconds: 77)))
        let announcement = state == .closing ? [] : ["commit closing", "say closing"]
        #expect(stage.words == announcement + ["finish [1, 2]"])
        #expect(stage.row.stoppedAt == WallTime(milliseconds: 77))
        #expect(stage.take(.finisher(done)) == ["commit closing", "promote joined", "commit uploading+upload", "say uploading"])
    }

    @Test func aRestartWithNothingOnDiskIsNoMedia() {
        var row = makeRow(put)
        row.state = .recording
        let stage = RecordingStage(recovered: row, .init(parts: []))
        #expect(stage.words == ["commit closing", "say closing", "commit failed+failed", "say failed: no media"])
    }

    @Test func aRestartAfterThePromotionDelivers() {
        var row = makeRow(put)
        row.state = .closing
        row.durationMilliseconds = 4200
        row.sizeBytes = 1
        let stage = RecordingStage(recovered: row, .init(parts: [], files: [1: 5000]))
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
            var stage = RecordingStage(run % 2 == 0 ? put : .keep, run % 3 == 0 ? .mp4 : .webm, sourcePresent: run % 5 != 0)
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
