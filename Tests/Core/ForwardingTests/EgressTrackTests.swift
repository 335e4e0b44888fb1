import BridgeModel
import Forwarding
import RTP
import Testing

@Suite struct EgressTrackTests {
    @Test func aViewerJoinsFromTheCacheAndIsAtTheLiveEdgeAtOnce() {
        var stream = SyntheticStream()
        stream.run(frames: 31, startingWithKeyframe: true, packets: 3)
        var sink = EgressTrack(SyntheticStream.video, .live, stream)
        let cached = sink.drain(stream)
        #expect(cached.count == 93)
        #expect(cached.allSatisfy { $0.isCached })
        #expect(!cached.contains { $0.isDiscontinuity })
        #expect(cached.isContinuous && cached.hasRisingTimestamps)
        let span = TimestampUnwrapper.distance(from: cached[0].header.timestamp, to: cached[92].header.timestamp)
        #expect(span == 990 * 90 / 32, "990 ms pressed to 31 ms")

        stream.run(frames: 2, startingWithKeyframe: false)
        let live = sink.drain(stream)
        #expect(live.map(\.isCached) == [false, false])
        #expect((cached + live).isContinuous)
        #expect(live[0].header.timestamp == cached[92].header.timestamp + 2970, "the live timeline is the source's")
        #expect(!sink.awaitsKeyframe)
    }

    @Test func aRecorderGetsThePreRollWithItsTrueTimes() {
        var stream = SyntheticStream()
        stream.run(frames: 31, startingWithKeyframe: true)
        var video = EgressTrack(SyntheticStream.video, .recorded(since: MonotonicTime(nanoseconds: 0)), stream)
        var audio = EgressTrack(SyntheticStream.audio, .recorded(since: MonotonicTime(nanoseconds: 0)), stream)
        let pictures = video.drain(stream)
        let sound = audio.drain(stream)
        #expect(pictures.map(\.header.timestamp) == (0..<31).map { 10_000 + $0 * 2970 })
        #expect(pictures.map(\.arrival.nanoseconds) == (0..<31).map { 1_000_000_000 + $0 * 33_000_000 })
        #expect(sound.count == 31 && sound.allSatisfy { $0.isCached })
    }

    @Test func nothingFromBeforeTheRecordingIsRecorded() {
        var stream = SyntheticStream()
        stream.run(frames: 31, startingWithKeyframe: true)
        let asked = stream.now
        stream.run(frames: 5, startingWithKeyframe: false)
        var video = EgressTrack(SyntheticStream.video, .recorded(since: asked), stream)
        var audio = EgressTrack(SyntheticStream.audio, .recorded(since: asked), stream)
        #expect(video.drain(stream).isEmpty)
        #expect(video.awaitsKeyframe, "the cached GOP began before the recording")
        #expect(audio.drain(stream).allSatisfy { $0.arrival >= asked })
        stream.run(frames: 3, startingWithKeyframe: true)
        #expect(video.drain(stream).count == 3)
    }

    @Test func aGOPThatBeganAfterTheRecordingWasAskedForIsRecordedWhole() {
        var stream = SyntheticStream()
        stream.run(frames: 10, startingWithKeyframe: true)
        let asked = stream.now
        stream.run(frames: 8, startingWithKeyframe: true)
        var video = EgressTrack(SyntheticStream.video, .recorded(since: asked), stream)
        #expect(video.drain(stream).count == 8)
    }

    @Test func aRecorderThatTakesOverFromOneThatHungGetsWhatThatLacks() {
        var stream = SyntheticStream()
        stream.cache.expectRecorders()
        for _ in 0..<6 { stream.run(frames: 30, startingWithKeyframe: true) }
        var video = EgressTrack(SyntheticStream.video, .recorded(since: MonotonicTime(nanoseconds: 0)), stream)
        var audio = EgressTrack(SyntheticStream.audio, .recorded(since: MonotonicTime(nanoseconds: 0)), stream)
        let pictures = video.drain(stream)
        #expect(pictures.count == 180 && pictures.isContinuous)
        #expect(audio.drain(stream).count == 180)
        var viewer = EgressTrack(SyntheticStream.video, .live, stream)
        #expect(viewer.drain(stream).count == 30, "a viewer wants the newest GOP only")
    }

    @Test func whatARecorderMayHaveIsLimited() {
        var stream = SyntheticStream()
        stream.cache.expectRecorders()
        for _ in 0..<20 { stream.run(frames: 30, startingWithKeyframe: true) }
        var video = EgressTrack(SyntheticStream.video, .recorded(since: MonotonicTime(nanoseconds: 0)), stream)
        let age = video.drain(stream).first.map { stream.now.duration(since: $0.arrival) }
        #expect(age.map { $0 > .seconds(7) && $0 <= .seconds(8) } == true)
    }

    @Test func aViewersSoundBeginsNow() {
        var stream = SyntheticStream()
        stream.run(frames: 31, startingWithKeyframe: true)
        var audio = EgressTrack(SyntheticStream.audio, .live, stream)
        #expect(audio.drain(stream).isEmpty)
        stream.sendAudio()
        #expect(audio.drain(stream).map(\.isCached) == [false])
    }

    @Test func aJoinerWithoutACacheWaitsForTheKeyframe() {
        var stream = SyntheticStream()
        stream.run(frames: 5, startingWithKeyframe: false)
        var sink = EgressTrack(SyntheticStream.video, .live, stream)
        stream.run(frames: 5, startingWithKeyframe: false)
        #expect(sink.drain(stream).isEmpty)
        #expect(sink.awaitsKeyframe)
        stream.sendFrame(keyframe: true, packets: 4)
        #expect(sink.drain(stream).count == 4)
        #expect(!sink.awaitsKeyframe)
        #expect(sink.dropped == 0)
    }

    @Test func anOldGOPIsUsedOnlyWhenNoFreshKeyframeComes() {
        var stream = SyntheticStream()
        stream.run(frames: 100, startingWithKeyframe: true)
        var served = EgressTrack(SyntheticStream.video, .live, stream)
        var ignored = served
        #expect(served.drain(stream).isEmpty)
        #expect(served.deadline == stream.now.advanced(by: .milliseconds(600)))

        stream.advance(.milliseconds(100))
        stream.sendFrame(keyframe: true)
        #expect(served.drain(stream).count == 1)

        var deaf = SyntheticStream()
        deaf.run(frames: 100, startingWithKeyframe: true)
        deaf.advance(.milliseconds(600))
        #expect(ignored.drain(deaf).count == 100)
        #expect(ignored.deadline == nil)
    }

    @Test func aFullSinkStaysWhereItIs() throws {
        var stream = SyntheticStream()
        stream.run(frames: 3, startingWithKeyframe: true)
        var sink = EgressTrack(SyntheticStream.video, .live, stream)
        var refused = sink
        _ = refused.next(in: stream.cache, now: stream.now)
        #expect(sink.drain(stream).count == 3, "what the copy took is still to be sent")
    }

    @Test func aLateViewerIsMovedToTheNextKeyframe() {
        var stream = SyntheticStream()
        stream.run(frames: 1, startingWithKeyframe: true)
        var sink = EgressTrack(SyntheticStream.video, .live, stream)
        let before = sink.drain(stream)
        // 20 frames of 33 ms do not fit into 500 ms.
        stream.run(frames: 20, startingWithKeyframe: false, packets: 2)
        #expect(sink.drain(stream).isEmpty)
        #expect(sink.awaitsKeyframe)
        #expect(sink.dropped == 40)
        stream.run(frames: 2, startingWithKeyframe: true)
        let after = sink.drain(stream)
        #expect(after.map(\.isDiscontinuity) == [true, false])
        #expect((before + after).isContinuous, "the gap is closed")
        #expect(sink.dropped == 40)
    }

    @Test func aLateViewersSoundGoesOnAtOnce() {
        var stream = SyntheticStream()
        var sink = EgressTrack(SyntheticStream.audio, .live, stream)
        stream.run(frames: 1, startingWithKeyframe: true)
        let before = sink.drain(stream)
        stream.run(frames: 20, startingWithKeyframe: false)
        #expect(sink.drain(stream).isEmpty)
        stream.sendAudio()
        let after = sink.drain(stream)
        #expect(after.map(\.isDiscontinuity) == [true])
        #expect((before + after).isContinuous)
        #expect(sink.dropped == 20)
    }

    @Test func aLateRecorderLosesNothingThatTheCacheHolds() {
        var stream = SyntheticStream()
        stream.run(frames: 1, startingWithKeyframe: true)
        var sink = EgressTrack(SyntheticStream.video, .recorded(since: MonotonicTime(nanoseconds: 0)), stream)
        let before = sink.drain(stream)
        stream.run(frames: 120, startingWithKeyframe: false)
        let after = sink.drain(stream)
        #expect(after.count == 120)
        #expect((before + after).isContinuous)
        #expect(sink.dropped == 0)
    }

    @Test func aRecorderThatTheCacheLeftBehindGoesOnAtAKeyframe() {
        var stream = SyntheticStream()
        stream.run(frames: 1, startingWithKeyframe: true)
        var sink = EgressTrack(SyntheticStream.video, .recorded(since: MonotonicTime(nanoseconds: 0)), stream)
        let before = sink.drain(stream)
        stream.run(frames: 60, startingWithKeyframe: false)
        stream.run(frames: 60, startingWithKeyframe: true)
        let after = sink.drain(stream)
        #expect(after.count == 60)
        #expect(after.first?.isDiscontinuity == true)
        #expect((before + after).isContinuous)
        #expect(sink.dropped == 60)
    }

    @Test func aPublisherThatComesBackContinuesItsStream() {
        var stream = SyntheticStream()
        stream.run(frames: 3, startingWithKeyframe: true)
        var video = EgressTrack(SyntheticStream.video, .live, stream)
        var audio = EgressTrack(SyntheticStream.audio, .live, stream)
        _ = audio.drain(stream)
        let before = video.drain(stream)
        stream.advance(.milliseconds(400))
        (stream.ssrc, stream.sequence, stream.timestamp) = ([0xA1, 0xB1, 0xC1], [9, 60_000, 5], [.max, 1, 7])
        stream.sendFrame(keyframe: false)
        stream.sendAudio()
        #expect(video.drain(stream).isEmpty, "deltas of another source mean nothing here")
        #expect(video.awaitsKeyframe)
        #expect(audio.drain(stream).count == 1)
        stream.advance(.milliseconds(33))
        stream.sendFrame(keyframe: true, packets: 2)
        let after = video.drain(stream)
        #expect(after.map(\.isDiscontinuity) == [true, false])
        #expect((before + after).isContinuous && (before + after).hasRisingTimestamps)
        #expect(Set((before + after).map(\.header.ssrc)) == [0xA0])
    }

    @Test func lossOnTheWayToTheBridgeIsNotHidden() {
        var stream = SyntheticStream()
        stream.run(frames: 2, startingWithKeyframe: true)
        stream.lose(track: 0)
        stream.run(frames: 1, startingWithKeyframe: false)
        var sink = EgressTrack(SyntheticStream.video, .live, stream)
        #expect(sink.drain(stream).map(\.header.sequence) == [100, 101, 103])
    }

    @Test func theNewestReportFollowsTheFirstPacket() {
        var stream = SyntheticStream()
        stream.run(frames: 2, startingWithKeyframe: true)
        stream.sendReport(track: 0, ntp: 1)
        stream.sendReport(track: 0, ntp: 2)
        var sink = EgressTrack(SyntheticStream.video, .live, stream)
        #expect(sink.drainReports(stream).map(\.ntp) == [2])
        #expect(sink.drainReports(stream).isEmpty)
        stream.sendReport(track: 0, ntp: 3)
        #expect(sink.drainReports(stream).map(\.ntp) == [3])
    }
}
