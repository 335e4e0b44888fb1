import Bridge
import BridgeModel
import Matroska
import Testing

@testable import PipelineChild

private let millisecond: UInt64 = 1_000_000

private func frame(_ track: Int, _ time: UInt64, key: Bool = true, at received: UInt64? = nil) -> TimedFrame {
    TimedFrame(
        track: track, time: time * millisecond, isKeyframe: key, bytes: [0xF8, UInt8(truncatingIfNeeded: time)],
        receivedAt: (received ?? time) * millisecond)
}

private func track(_ index: UInt8, _ codec: Codec, _ parameters: String = "") -> TrackDescription {
    TrackDescription(index: index, codec: codec, payloadType: 96, formatParameters: parameters, mid: "\(index)")
}

@Suite struct TrackIntakeTests {
    @Test func packetsInOrderPass() {
        var intake = TrackIntake()
        for sequence in [65_534, 65_535, 0, 1] as [UInt16] {
            #expect(intake.take(sequence: sequence, time: 1, marker: true, isDiscontinuity: false) == .pass)
        }
    }

    @Test func repetitionsAndLatecomersAreDropped() {
        var intake = TrackIntake()
        _ = intake.take(sequence: 10, time: 100, marker: true, isDiscontinuity: false)
        #expect(intake.take(sequence: 10, time: 100, marker: true, isDiscontinuity: false) == .drop)
        #expect(intake.take(sequence: 8, time: 80, marker: true, isDiscontinuity: false) == .drop)
        #expect(intake.take(sequence: 11, time: 110, marker: true, isDiscontinuity: false) == .pass)
    }

    @Test(arguments: [(true, 300), (false, 200)] as [(Bool, UInt64)])
    func damageBeginsWithTheFrameThatLacksPackets(frameWasWhole: Bool, damagedFrom: UInt64) {
        var intake = TrackIntake()
        _ = intake.take(sequence: 1, time: 100, marker: true, isDiscontinuity: false)
        _ = intake.take(sequence: 2, time: 200, marker: frameWasWhole, isDiscontinuity: false)
        #expect(intake.take(sequence: 4, time: 300, marker: true, isDiscontinuity: false) == .passAfterGap(damagedFrom: damagedFrom))
    }

    @Test func aSourceThatBeginsAgainPasses() {
        var intake = TrackIntake()
        _ = intake.take(sequence: 40_000, time: 100, marker: true, isDiscontinuity: false)
        #expect(intake.take(sequence: 5, time: 200, marker: true, isDiscontinuity: true) == .passAfterGap(damagedFrom: 200))
        #expect(intake.take(sequence: 60_000, time: 300, marker: true, isDiscontinuity: false) == .passAfterGap(damagedFrom: 300))
    }

    @Test func afterDamageOnlyAKeyframeGoesOn() {
        var wait = KeyframeWait()
        #expect(wait.isWaiting)
        let early = [(10, false), (20, true), (30, false)].map { wait.admits(time: $0.0, isKeyframe: $0.1) }
        #expect(early == [false, true, true])
        wait.cut(from: 50)
        let late = [(40, false), (50, false), (60, true), (70, false)].map { wait.admits(time: $0.0, isKeyframe: $0.1) }
        #expect(late == [true, false, true, true])
        #expect(!wait.isWaiting)
    }
}

@Suite struct InterleaverTests {
    @Test func framesComeOutInTheOrderOfTime() {
        var interleaver = Interleaver(tracks: 2)
        for time in [0, 40, 80] as [UInt64] { interleaver.add(frame(0, time)) }
        #expect(interleaver.release(now: 90 * millisecond).isEmpty)
        for time in [10, 30, 50] as [UInt64] { interleaver.add(frame(1, time)) }
        #expect(interleaver.release(now: 90 * millisecond).map(\.time) == [0, 10, 30, 40, 50].map { $0 * millisecond })
        #expect(interleaver.release(now: 90 * millisecond, isLast: true).map(\.time) == [80 * millisecond])
    }

    @Test func aSilentTrackIsWaitedForNoLongerThanPatience() {
        var interleaver = Interleaver(tracks: 2)
        interleaver.add(frame(0, 100))
        #expect(interleaver.release(now: 399 * millisecond).isEmpty)
        #expect(interleaver.release(now: 400 * millisecond).count == 1)
    }

    /// Pictures of twenty seconds come at once, and their sound over a second after them.
    @Test func aTrackThatWasThereIsWaitedForAfterAStandstill() {
        var interleaver = Interleaver(tracks: 2)
        for track in [0, 1] { interleaver.add(frame(track, 100)) }
        #expect(interleaver.release(now: 400 * millisecond).count == 2)
        for time in stride(from: UInt64(150), to: 20_000, by: 50) { interleaver.add(frame(0, time, at: 20_000)) }
        #expect(interleaver.release(now: 20_600 * millisecond).count == 0)
        for time in stride(from: UInt64(120), to: 10_000, by: 20) { interleaver.add(frame(1, time, at: 21_000)) }
        #expect(interleaver.release(now: 21_400 * millisecond).last?.time == 9980 * millisecond)
        #expect(interleaver.release(now: 22_400 * millisecond).count == 0, "it still brings something")
        for time in stride(from: UInt64(10_000), to: 20_000, by: 20) { interleaver.add(frame(1, time, at: 22_450)) }
        #expect(interleaver.release(now: 22_460 * millisecond).last?.time == 19_950 * millisecond)
    }

    @Test func aTrackThatIsOverHoldsNothingUpAfterAStandstill() {
        var interleaver = Interleaver(tracks: 2)
        for track in [0, 1] { interleaver.add(frame(track, 100)) }
        _ = interleaver.release(now: 400 * millisecond)
        // The microphone was muted long before.
        interleaver.add(frame(0, 19_000, at: 21_000))
        #expect(interleaver.release(now: 21_300 * millisecond).count == 1)
        // It was muted lately: nobody knows, and nobody waits for ever.
        interleaver.add(frame(1, 30_000))
        interleaver.add(frame(0, 30_010, at: 33_000))
        #expect(interleaver.release(now: 35_900 * millisecond).map(\.track) == [1])
        #expect(interleaver.release(now: 36_000 * millisecond).map(\.track) == [0])
    }
}

@Suite struct RecordingAssemblerTests {
    private func assembler(_ tracks: [TrackDescription]) -> RecordingAssembler {
        RecordingAssembler(
            plan: RecordPlan(
                tracks: tracks, container: .webm, fragment: .seconds(1), path: "", wallClockOffset: .seconds(1000),
                firstMediaTimeout: .seconds(10)))
    }

    private func times(_ assembler: inout RecordingAssembler, finishAt now: UInt64) throws -> [UInt8: [Int64]] {
        var bytes: [UInt8] = []
        _ = assembler.finish(now: now * millisecond)
        let output = assembler.takeOutput()
        bytes += output.appended
        var reader = try MatroskaReader { offset, count in Array(bytes.dropFirst(Int(offset)).prefix(count)) }
        #expect(reader.startedAt == assembler.beginning.map { assembler.wallTime($0.time) })
        var found: [UInt8: [Int64]] = [:]
        while let frame = reader.next() {
            guard frame.isReceived else { continue }
            found[frame.track, default: []].append(frame.time.wholeMilliseconds)
        }
        return found
    }

    @Test func theFileBeginsAtTheKeyframeAndKeepsTheSoundBesideIt() throws {
        var assembler = assembler([track(0, .vp8), track(1, .opus)])
        for time in stride(from: UInt64(0), to: 500, by: 20) { assembler.add(frame(1, time)) }
        #expect(assembler.advance(now: 500 * millisecond) == nil)
        #expect(assembler.beginning == nil)
        assembler.setFormat(.init(width: 320, height: 240), track: 0)
        assembler.add(frame(0, 400, at: 510))
        _ = assembler.advance(now: 511 * millisecond)
        #expect(assembler.beginning == .init(track: 0, time: 400 * millisecond))
        #expect(try times(&assembler, finishAt: 600) == [1: [0], 2: [0, 20, 40, 60, 80]])
    }

    @Test func theSoundOfALongPreRollMayOvertakeItsPictures() throws {
        var assembler = assembler([track(0, .vp8), track(1, .opus)])
        let sounds = stride(from: UInt64(1000), to: 6000, by: 1000)
        for time in sounds { assembler.add(frame(1, time, at: 6000)) }
        assembler.setFormat(.init(width: 320, height: 240), track: 0)
        assembler.add(frame(0, 1000, at: 6010))
        #expect(try times(&assembler, finishAt: 6020)[2] == sounds.map { Int64($0) - 1000 })
    }

    @Test func soundIsNotKeptForeverWhileAKeyframeIsWaitedFor() throws {
        var assembler = assembler([track(0, .vp8), track(1, .opus)])
        for time in stride(from: UInt64(1000), to: 6000, by: 1000) { assembler.add(frame(1, time)) }
        assembler.setFormat(.init(width: 320, height: 240), track: 0)
        assembler.add(frame(0, 1000, at: 5500))
        #expect(try times(&assembler, finishAt: 5600)[2] == [2000, 3000, 4000])
    }

    @Test func aCameraWithoutAKeyframeIsLeftOutAfterAWhile() throws {
        var assembler = assembler([track(0, .vp8), track(1, .vp8)])
        assembler.setFormat(.init(width: 320, height: 240), track: 0)
        assembler.add(frame(0, 100))
        _ = assembler.advance(now: 600 * millisecond)
        #expect(assembler.beginning == nil)
        _ = assembler.advance(now: 701 * millisecond)
        #expect(assembler.beginning != nil && assembler.missingTracks == [1])
        #expect(try times(&assembler, finishAt: 800) == [1: [0]])
    }

    @Test func aClusterWithoutNewFramesIsClosedByTheClock() {
        var assembler = assembler([track(0, .opus)])
        assembler.add(frame(0, 100))
        #expect(assembler.advance(now: 110 * millisecond) == nil)
        #expect(assembler.advance(now: 1000 * millisecond) == nil)
        #expect(assembler.advance(now: 1110 * millisecond) != nil)
        #expect(assembler.advance(now: 3000 * millisecond) == nil)
    }

    @Test func withoutAnyFrameThereIsNoFile() {
        var assembler = assembler([track(0, .vp8), track(1, .opus)])
        assembler.add(frame(1, 100))
        #expect(assembler.finish(now: 200 * millisecond) == nil)
        #expect(assembler.takeOutput().isEmpty)
    }
}

@Suite struct RTPCapsTests {
    @Test(arguments: [
        ("sprop-parameter-sets=Z0LAHtkA,aM4G4g==", ",sprop-parameter-sets=(string)\"Z0LAHtkA,aM4G4g==\""),
        ("profile-level-id=42e01f; Sprop-Parameter-Sets=abc", ",sprop-parameter-sets=(string)\"abc\""), ("", ""), (";;=;x", ""),
        ("sprop-parameter-sets=", ""), ("sprop-parameter-sets=a\",media=(string)\"b", ""), ("sprop-parameter-sets=a b", ""),
        ("sprop-parameter-sets", ""), ("location=/etc/passwd", ""), ("sprop-sps=\u{1F600}", ""),
    ])
    func onlyParameterSetsReachTheDepayloader(parameters: String, added: String) {
        let expected = "application/x-rtp,media=video,encoding-name=H265,payload=96,clock-rate=90000" + added
        #expect(RTPCaps.text(track(0, .h265, parameters)) == expected)
    }

    @Test(
        arguments: [
            (
                "video/x-h264, stream-format=(string)avc, width=(int)640, height=(int)360, codec_data=(buffer)0142c0ff", 640, 360,
                [1, 0x42, 0xC0, 0xFF]
            ),
            ("video/x-vp8", 0, 0, []), ("video/x-vp8, width=(int)x, height=(int)", 0, 0, []), ("", 0, 0, []),
            ("video/x-h264, codec_data=(buffer)01f", 0, 0, [1]),
        ] as [(String, Int, Int, [UInt8])])
    func formatsAreReadFromCaps(caps: String, width: Int, height: Int, codecPrivate: [UInt8]) {
        #expect(RecordingAssembler.Format(caps: caps) == .init(width: width, height: height, codecPrivate: codecPrivate))
    }
}

/// Cutting a recording into several files, and the gaps in it.
@Suite struct RecordingCutTests {
    private func assembler(_ tracks: [TrackDescription], _ segmentation: Segmentation?) -> RecordingAssembler {
        var plan = RecordPlan(
            tracks: tracks, container: .webm, fragment: .seconds(1), path: "", wallClockOffset: .zero, firstMediaTimeout: .seconds(10))
        plan.segmentation = segmentation
        return RecordingAssembler(plan: plan)
    }

    private func picture(_ time: UInt64, key: Bool) -> TimedFrame {
        TimedFrame(
            track: 0, time: time * millisecond, isKeyframe: key, bytes: Array(repeating: 7, count: 100), receivedAt: time * millisecond)
    }

    private func frames(_ bytes: [UInt8]) throws -> [[Int64]] {
        var reader = try MatroskaReader { offset, count in Array(bytes.dropFirst(Int(offset)).prefix(count)) }
        var found: [[Int64]] = [[], []]
        while let frame = reader.next() { if frame.isReceived { found[Int(frame.track) - 1].append(frame.time.wholeMilliseconds) } }
        return found
    }

    /// A keyframe each second, a sound each 100 ms, until `end`.
    private func feed(_ assembler: inout RecordingAssembler, until end: UInt64) {
        assembler.setFormat(.init(width: 320, height: 240), track: 0)
        for time in stride(from: UInt64(0), to: end, by: 100) {
            assembler.add(picture(time, key: time % 1000 == 0))
            assembler.add(frame(1, time))
            _ = assembler.advance(now: time * millisecond)
        }
        _ = assembler.advance(now: end * millisecond)
    }

    @Test func theNextFileBeginsWithTheFirstKeyframeBehindTheLimitAndNothingIsLost() throws {
        var assembler = assembler([track(0, .vp8), track(1, .opus)], Segmentation(duration: .milliseconds(1500)))
        feed(&assembler, until: 3000)
        let ended = assembler.takeEndedFiles()
        #expect(ended.map(\.nextBegins) == [2000 * millisecond] && ended.first?.duration == .milliseconds(2000))
        let first = try frames(ended[0].output.appended)
        #expect(first[0] == stride(from: 0, to: 2000, by: 100).map { $0 })
        #expect(first[1] == first[0])
        #expect(UInt64(ended[0].output.appended.count) == ended[0].bytes)
        _ = assembler.finish(now: 3000 * millisecond)
        let second = try frames(assembler.takeOutput().appended)
        #expect(second[0] == stride(from: 0, to: 1000, by: 100).map { $0 } && second[1] == second[0])
    }

    @Test func aSizeCutsToo() {
        var assembler = assembler([track(0, .vp8), track(1, .opus)], Segmentation(bytes: 1000))
        feed(&assembler, until: 3500)
        #expect(assembler.takeEndedFiles().map(\.nextBegins) == [1, 2, 3].map { $0 * 1000 * millisecond })
    }

    @Test func anotherPictureSizeBeginsAnotherFileWhereTheRecordingIsCut() throws {
        for segmentation in [nil, Segmentation(duration: .seconds(600))] {
            var assembler = assembler([track(0, .vp8), track(1, .opus)], segmentation)
            feed(&assembler, until: 1000)
            assembler.setFormat(.init(width: 320, height: 240, codecPrivate: [1]), track: 0)
            assembler.add(picture(1000, key: true))
            assembler.setFormat(.init(width: 640, height: 480), track: 0)
            assembler.add(picture(1100, key: true))
            _ = assembler.finish(now: 2000 * millisecond)
            let ended = assembler.takeEndedFiles()
            guard segmentation != nil else {
                #expect(ended.isEmpty)
                continue
            }
            #expect(ended.map(\.nextBegins) == [1100 * millisecond])
            let bytes = assembler.takeOutput().appended
            let reader = try MatroskaReader { offset, count in Array(bytes.dropFirst(Int(offset)).prefix(count)) }
            #expect(reader.tracks.first.map { [$0.width, $0.height] } == [640, 480])
        }
    }

    @Test func soundAloneIsCutAnywhere() {
        var assembler = assembler([track(0, .opus)], Segmentation(duration: .seconds(1)))
        for time in stride(from: UInt64(0), to: 2500, by: 20) { assembler.add(frame(0, time)) }
        _ = assembler.advance(now: 2500 * millisecond)
        #expect(assembler.takeEndedFiles().map(\.nextBegins) == [1000 * millisecond, 2000 * millisecond])
    }

    @Test func aTimeWithoutAnyFrameIsAGap() {
        var assembler = assembler([track(0, .vp8), track(1, .opus)], nil)
        feed(&assembler, until: 1000)
        assembler.add(frame(1, 1800))
        assembler.add(picture(5000, key: true))
        _ = assembler.advance(now: 6000 * millisecond)
        #expect(assembler.takeGaps() == [.init(offset: .milliseconds(1800), length: .milliseconds(3200))])
        #expect(assembler.takeGaps().isEmpty)
    }
}
