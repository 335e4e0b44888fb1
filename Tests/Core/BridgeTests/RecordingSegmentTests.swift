import BridgeModel
import Testing

@testable import Bridge

private let folder = Destination.folder(path: "/out")
private let cut = Segmentation(duration: .seconds(60))

private func began(_ part: Int, at milliseconds: Int64) -> PipelineEvent {
    .fileBegan(part: part, startedAt: WallTime(milliseconds: milliseconds))
}

private func ended(_ part: Int, bytes: Int64 = 1000, seconds: Int64 = 60) -> PipelineEvent {
    .fileEnded(part: part, bytes: bytes, duration: .seconds(seconds))
}

/// A recording that is cut into several files, and what a segment's row says.
@Suite struct RecordingSegmentTests {
    private func recording(_ destination: Destination = folder, _ container: Container = .webm) -> RecordingStage {
        var stage = RecordingStage(destination, container, segmentation: cut)
        stage.take(.recorder(part: 1, began(1, at: 100)), at: 200)
        stage.firstFrame(at: 200)
        return stage
    }

    @Test func eachSegmentIsDeliveredWhileTheNextOneIsRecorded() {
        var stage = recording()
        #expect(stage.take(.recorder(part: 1, began(2, at: 60_100)), at: 60_200) == ["commit recording"])
        #expect(
            stage.take(.recorder(part: 1, ended(1)), at: 60_201) == ["commit recording", "promote 1", "commit recording+upload"])
        #expect(stage.segments[1]?.state == .uploading && stage.segments[1]?.file == "r.webm" && stage.segments[2]?.file == "r-2.webm")
        #expect(stage.segments[2]?.startedAt == WallTime(milliseconds: 60_100))
        #expect(stage.take(.stop, at: 90_000) == ["stop 1", "commit closing", "say closing"])
        #expect(
            stage.take(.recorder(part: 1, done), at: 90_100) == [
                "commit closing", "promote 2", "commit uploading+upload", "say uploading",
            ])
        #expect(stage.row.sizeBytes == 6000 && stage.row.durationMilliseconds == 64_200)
    }

    @Test func whatIsKeptIsReportedOnce() {
        var stage = recording(.keep)
        stage.take(.recorder(part: 1, began(2, at: 60_100)))
        #expect(stage.take(.recorder(part: 1, ended(1))) == ["commit recording", "promote 1", "commit recording"])
        stage.take(.stop)
        #expect(stage.take(.recorder(part: 1, done)) == ["commit closing", "promote 2", "commit ready+delivered", "say ready"])
        #expect(stage.segments.values.allSatisfy { $0.state == .ready })
    }

    @Test func segmentsOfAnMP4AreFinishedOneAfterTheOther() {
        var stage = recording(folder, .mp4)
        stage.take(.recorder(part: 1, began(2, at: 60_100)))
        #expect(stage.take(.recorder(part: 1, ended(1))) == ["remove movie 1", "finish [1]"])
        stage.take(.recorder(part: 1, began(3, at: 120_100)))
        #expect(stage.take(.recorder(part: 1, ended(2))) == ["remove movie 2"], "the finisher is busy")
        #expect(
            stage.take(.finisher(done)) == ["commit recording", "promote joined", "commit recording+upload", "finish [2]"])
        stage.take(.stop)
        #expect(stage.take(.recorder(part: 1, done)) == ["remove movie 3"])
        #expect(stage.take(.finisher(done)) == ["commit closing", "promote joined", "commit closing+upload", "finish [3]"])
        #expect(stage.take(.finisher(done)) == ["commit closing", "promote joined", "commit uploading+upload", "say uploading"])
        #expect(stage.machine.deadline == nil)
    }

    @Test func aRecorderThatDiesGoesOnInItsSegment() {
        var stage = recording()
        stage.take(.recorder(part: 1, began(2, at: 60_100)))
        stage.take(.recorder(part: 1, ended(1)))
        stage.take(.recorder(part: 1, closed(500, seconds: 5)))
        #expect(stage.take(.recorder(part: 1, died())) == ["launch 3"])
        #expect(stage.machine.name(of: 3) == PartName(segment: 2, number: 3))
        stage.take(.recorder(part: 3, began(3, at: 68_100)))
        stage.take(.recorder(part: 3, began(4, at: 128_100)))
        #expect(stage.take(.recorder(part: 3, ended(3))) == ["finish [2, 3]"])
        stage.take(.finisher(done))
        #expect(
            stage.segments[2]?.gaps == [RecordingGap(offset: .seconds(5), length: .seconds(3), cause: .recorder)],
            "from where the dead recorder's file ends to the next one's first frame")
    }

    @Test func aRecorderThatDiesBetweenTwoFilesIsReplaced() {
        var stage = recording()
        stage.take(.recorder(part: 1, began(2, at: 60_100)))
        stage.take(.recorder(part: 1, ended(1)))
        #expect(stage.take(.recorder(part: 1, died())) == ["launch 3"])
    }

    @Test func otherTracksBeginAnotherSegment() {
        var stage = recording()
        stage.take(.sourceLost, at: 2000)
        #expect(stage.take(.sourceReturned(sameTracks: false), at: 3000) == ["commit recording", "stop 1", "launch 2"])
        #expect(stage.machine.name(of: 2) == PartName(segment: 2, number: 2))
        #expect(stage.take(.recorder(part: 1, done)) == ["commit recording", "promote 1", "commit recording+upload"])
        stage.firstFrame(part: 2)
        stage.take(.stop)
        #expect(stage.take(.recorder(part: 2, done)).last == "say uploading")
    }

    @Test func theLastSegmentWithoutMediaIsLeftOut() {
        var stage = recording()
        stage.take(.recorder(part: 1, began(2, at: 60_100)))
        stage.take(.recorder(part: 1, ended(1)))
        stage.take(.stop)
        let nothing = PipelineEvent.finished(bytes: 0, duration: .zero)
        #expect(stage.take(.recorder(part: 1, nothing)) == ["commit uploading", "say uploading", "settle"])
        #expect(stage.segments[2]?.state == .failed && stage.row.failure == nil)
    }

    @Test func aWordOfAFileThatNobodyMayBeginIsIgnored() {
        var stage = recording()
        #expect(stage.take(.recorder(part: 1, began(9, at: 1))) == [])
        #expect(stage.take(.recorder(part: 7, began(2, at: 1))) == [], "an unknown recorder")
        #expect(stage.take(.recorder(part: 1, ended(9))) == [])
        #expect(stage.machine.segments.count == 1)
    }

    @Test func progressGapsAndWallClockStandInTheRow() {
        var stage = recording()
        stage.take(.recorder(part: 1, closed(500, seconds: 5)))
        #expect(stage.segments[1]?.sizeBytes == 500 && stage.segments[1]?.duration == .seconds(5))
        #expect(stage.segments[1]?.startedAt == WallTime(milliseconds: 100) && stage.segments[1]?.endsAt == WallTime(milliseconds: 5100))
        stage.take(.recorder(part: 1, .gap(offset: .seconds(2), length: .seconds(1))))
        stage.take(.stop)
        stage.take(.recorder(part: 1, done))
        #expect(stage.segments[1]?.gaps == [RecordingGap(offset: .seconds(2), length: .seconds(1), cause: .source)])
    }

    @Test func aRestartForgetsNoGap() {
        var stage = recording()
        stage.take(.recorder(part: 1, .gap(offset: .seconds(2), length: .seconds(1))))
        stage.take(.recorder(part: 1, closed(500, seconds: 5)))
        let gaps = [RecordingGap(offset: .seconds(2), length: .seconds(1), cause: .source)]
        #expect(stage.segments[1]?.gaps == gaps, "with what was recorded next")
        let segment = stage.machine.segments[0].row
        var later = RecordingStage(
            recovered: stage.row, .init(parts: [PartName(segment: 1, number: 1)], segments: [segment]))
        later.take(.finisher(done))
        #expect(later.segments[1]?.gaps == gaps)
        #expect(later.segments[1]?.startedAt == segment.startedAt)
    }

    @Test func afterARestartEachSegmentIsMadeOfWhatIsThere() {
        var row = makeRow(folder)
        row.state = .recording
        func segment(_ number: Int, _ state: SegmentState) -> SegmentRow {
            SegmentRow(
                recording: row.id, number: number, stream: row.context.stream, container: .webm,
                file: SegmentRow.fileName(of: row.id, number: number, container: .webm), state: state)
        }
        let remains = RecordingMachine.Remains(
            parts: [PartName(segment: 3, number: 3), PartName(segment: 4, number: 4)], files: [1: 1000, 2: 2000],
            segments: [segment(1, .delivered), segment(2, .recording), segment(3, .recording)])
        var stage = RecordingStage(recovered: row, remains)
        #expect(stage.words == ["commit closing", "say closing", "commit closing+upload", "finish [3]"])
        #expect(stage.segments[2]?.state == .uploading && stage.segments[2]?.sizeBytes == 2000)
        #expect(stage.take(.finisher(done)) == ["commit closing", "promote joined", "commit closing+upload", "finish [4]"])
        #expect(stage.take(.finisher(died(.noMedia))) == ["commit uploading", "say uploading", "settle"])
        #expect(stage.segments[4]?.state == .failed && stage.machine.isFileComplete)
    }

    @Test func everyRestartEndsInTheSame() {
        let states: [SegmentState] = [.recording, .closing, .ready, .uploading, .delivered, .failed, .removed]
        for bits in 0..<(states.count * 8) {
            var row = makeRow(folder)
            row.state = .recording
            let known = SegmentRow(
                recording: row.id, number: 1, stream: row.context.stream, container: .webm, file: "r.webm", state: states[bits / 8])
            let remains = RecordingMachine.Remains(
                parts: bits & 1 == 0 ? [] : [PartName(segment: 1, number: 1)], files: bits & 2 == 0 ? [:] : [1: 10],
                segments: bits & 4 == 0 ? [] : [known])
            var stage = RecordingStage(recovered: row, remains)
            stage.take(.finisher(done))
            let isComplete = stage.machine.isFileComplete
            #expect(isComplete, "segment \(states[bits / 8]), remains \(bits & 7)")
        }
    }

    @Test(arguments: [
        ([SegmentState.delivered, .delivered], RecordingState.delivered), ([.delivered, .removed], .delivered),
        ([.delivered, .failed], .failed),
        ([.delivered, .uploading], nil), ([.recording, .delivered], nil), ([], .delivered),
    ])
    func aRecordingEndsWithItsLastUpload(states: [SegmentState], end: RecordingState?) {
        var row = makeRow(folder)
        row.state = .uploading
        let segments = states.enumerated().map { number, state in
            var segment = SegmentRow(
                recording: row.id, number: number + 1, stream: row.context.stream, container: .webm, file: "", state: state)
            if state == .failed { segment.failure = BridgeError(.unavailable, "destination replied 403") }
            return segment
        }
        #expect(row.settled(with: segments)?.row.state == end)
        row.state = .recording
        #expect(row.settled(with: segments) == nil, "its machine owns the row")
    }

    @Test(arguments: [
        ("part-1-1.webm", PartName(segment: 1, number: 1)), ("part-12-345.mkv", PartName(segment: 12, number: 345)),
        ("part-7.webm", PartName(segment: 1, number: 7)), ("part-0-1.webm", nil), ("part-1-0.webm", nil), ("part-.webm", nil),
        ("part-1-.webm", nil), ("part-1-2-3.webm", nil), ("part-1-1", nil), ("part-1-1.", nil), ("part-1-1.webm.partial", nil),
        ("part-x.webm", nil),
        ("part--1.webm", nil), ("part-1-1000000.webm", nil), ("part-１.webm", nil), ("joined-1.webm", nil), ("", nil), (".", nil),
        ("part", nil),
        ("part-+1.webm", nil), ("part- 1.webm", nil), ("../part-1-1.webm", nil),
    ])
    func namesOfPartsAreRead(name: String, part: PartName?) {
        #expect(PartName(fileName: name) == part)
        if let part, name.split(separator: "-").count == 3 {
            #expect(part.fileName(name.hasSuffix("mkv") ? .matroska : .webm) == name)
        }
    }
}
