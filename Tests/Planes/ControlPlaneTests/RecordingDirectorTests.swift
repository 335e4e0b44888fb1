import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

/// A recording from its request to its file.
@Suite struct RecordingDirectorTests {
    private let bench = RecordingBench()
    private let camera = StreamID("camera")

    @Test func aRecorderIsStartedForALiveStream() async throws {
        let id = try await bench.start()
        #expect(bench.told == ["armed"])
        #expect(bench.ledger.recordingStates == [.armed])
        #expect(bench.files.deeds == [.open(id)])
        let recorder = try #require(await bench.launcher.pipeline())
        let plan = try #require(recorder.recordPlan)
        #expect(plan.tracks == [Sample.vp8, Sample.opus] && plan.container == .webm && plan.path == "/spool/\(id)/1")
        #expect(plan.fragment == .seconds(1) && plan.firstMediaTimeout == .seconds(10))
        #expect(MonotonicTime(nanoseconds: 0).advanced(by: plan.wallClockOffset).nanoseconds > 0)
        #expect(bench.clock.now.nanoseconds + UInt64(plan.wallClockOffset.wholeNanoseconds) == UInt64(bench.clock.wall.nanoseconds))
        #expect(
            bench.hub.calls == [
                .subscribe(recorder.id, to: camera, tracks: [0, 1], sinks: recorder.media, .recorded(since: bench.clock.now))
            ])
    }

    @Test func aRecordingThatStaysHereIsStoredAndReported() async throws {
        let (id, recorder) = try await bench.startRecording()
        bench.clock.advance(by: .seconds(4))
        try await bench.director.stop(id)
        #expect(recorder.commands == [.stop(deadline: .seconds(3))])
        recorder.closeFile()
        #expect(await bench.isIdle())
        #expect(bench.told == ["armed", "recording", "finalizing", "stored"])
        #expect(bench.files.deeds == [.open(id), .promote(.part(1), id)])
        let row = try #require(await bench.ledger.recording(id))
        #expect(row.state == .ready && row.sizeBytes == 5000 && row.durationMilliseconds == 4000)
        #expect(row.firstFrameWrittenAt == TestClock.epoch && row.stoppedAt == TestClock.epoch.advanced(by: .seconds(4)))
        #expect(bench.ledger.transaction(thatMakes: .ready)?.count == 2, "recording and segment")
        #expect(await eventually { bench.ledger.transactions.last?.count == 4 }, "hash, two events and webhook")
        #expect(bench.ledger.deliveries.map(\.words) == ["webhook delivered \(id)"])
        #expect(bench.hub.calls.last == .unsubscribe(recorder.id))
        #expect(bench.delivery.wakes > 0)
    }

    /// The disk is full for a minute; then there is room, and nobody restarts anything.
    @Test(arguments: [true, false])
    func whatTheLedgerDidNotTakeIsStoredWhenThereIsRoom(isDelivered: Bool) async throws {
        let (id, recorder) = try await bench.startRecording {
            if isDelivered { $0.destination = .to(.put(url: Redacted("https://example.org/put"))) }
        }
        bench.ledger.fail(1_000_000)
        let stop = Task { try await bench.director.stop(id) }
        // The recording goes on meanwhile.
        #expect(await eventually { recorder.isStopped })
        recorder.closeFile()
        #expect(await bench.clock.pass { bench.files.deeds.contains(.promote(.part(1), id)) })
        #expect(bench.services.unstored.count == 1)
        try await stop.value
        bench.clock.advance(by: .seconds(60))
        #expect(bench.ledger.recordingStates.last == .recording)
        bench.ledger.fail(0)
        let last = isDelivered ? RecordingState.uploading : .ready
        #expect(await bench.clock.pass { (try? await bench.ledger.recording(id))?.state == last })
        #expect(await eventually { !bench.ledger.deliveries.isEmpty })
        #expect(bench.ledger.deliveries.map(\.words) == [isDelivered ? "upload \(id).webm" : "webhook delivered \(id)"])
        // In their order, each once.
        #expect(bench.ledger.recordingStates == [.armed, .recording, .closing, .closing, last])
        #expect(await bench.clock.pass { bench.services.unstored.count == 0 })
    }

    @Test func aRecordingWithADestinationWaitsForTheUploadersNews() async throws {
        let (id, recorder) = try await bench.startRecording { $0.destination = .to(.put(url: Redacted("https://example.org/put"))) }
        try await bench.director.stop(id)
        recorder.closeFile()
        #expect(await bench.reaches(.uploading, id))
        #expect(bench.ledger.transaction(thatMakes: .uploading)?.count == 4, "recording, segment, event and upload")
        #expect(bench.ledger.deliveries.map(\.words) == ["upload \(id).webm"])
        var row = try #require(await bench.ledger.recording(id))
        row.state = .delivered
        await bench.director.recordingChanged(row)
        #expect(await bench.isIdle())
        #expect(bench.told == ["armed", "recording", "finalizing", "uploading", "uploaded"])
        // Too late, and of a recording that nobody knows: nothing happens.
        await bench.director.recordingChanged(row)
    }

    @Test func aFailedUploadIsTold() async throws {
        let (id, recorder) = try await bench.startRecording { $0.destination = .to(.folder(path: "/nowhere")) }
        try await bench.director.stop(id)
        recorder.closeFile()
        #expect(await bench.reaches(.uploading, id))
        var row = try #require(await bench.ledger.recording(id))
        row.state = .failed
        row.failure = BridgeError(.unavailable, "destination replied 403")
        await bench.director.recordingChanged(row)
        #expect(await bench.isIdle())
        #expect(bench.told.last == "upload_failed: destination replied 403")
        #expect(!bench.files.deeds.contains(.discard(id)))
    }

    @Test func noMediaIsAFailureThatLeavesNothing() async throws {
        let id = try await bench.start()
        let recorder = try #require(await bench.launcher.pipeline())
        recorder.end(.failed(BridgeError(.noMedia, "no keyframe")))
        #expect(await bench.isIdle())
        #expect(bench.told == ["armed", "finalizing", "upload_failed: no media"])
        #expect(bench.ledger.deliveries.map(\.words) == ["webhook failed \(id)"])
        #expect(bench.files.deeds.last == .discard(id))
        #expect(try await bench.ledger.recording(id)?.uploadStatus == 0)
    }

    @Test func aRecorderThatNeverWritesIsNotWaitedForLongerThanTheTimeout() async throws {
        _ = try await bench.start()
        let recorder = try #require(await bench.launcher.pipeline())
        await bench.clock.sleeper(for: .seconds(10))
        bench.clock.advance(by: .milliseconds(9999))
        #expect(!recorder.isStopped)
        bench.clock.advance(by: .milliseconds(1))
        #expect(await eventually { recorder.isStopped })
        recorder.end()
        #expect(await bench.isIdle())
        #expect(bench.told.last == "upload_failed: no media")
    }

    @Test func theMP4OfADeadRecorderIsRemovedWhileTheRecordingGoesOn() async throws {
        let id = try await bench.start(Sample.stream(tracks: [Sample.h264, Sample.opus])) { $0.container = .mp4 }
        let recorder = try #require(await bench.launcher.pipeline())
        recorder.say(.firstFrame(writtenAt: bench.clock.wall, capturedAt: nil))
        recorder.end(.failed(BridgeError(.pipelineCrashed, "signal 9")))
        #expect(await bench.launcher.pipeline(2) != nil)
        #expect(bench.files.deeds.contains(.removeMovie(PartName(segment: 1, number: 1), id)))
        #expect(try await bench.ledger.recording(id)?.state == .recording)
    }

    @Test func aRecorderThatDoesNotCloseItsFileIsKilled() async throws {
        let (id, recorder) = try await bench.startRecording()
        try await bench.director.stop(id)
        #expect(await bench.clock.pass { recorder.commands.count == 2 })
        #expect(recorder.commands.last == .stop(deadline: .zero))
        let finisher = try #require(await bench.launcher.pipeline(2))
        #expect(finisher.finishPlan?.source == "/spool/\(id)/1" && finisher.finishPlan?.continuations == [])
        finisher.closeFile(bytes: 4000)
        #expect(await bench.isIdle())
        #expect(bench.files.deeds.last == .promote(.joined, id))
        #expect(try await bench.ledger.recording(id)?.sizeBytes == 4000)
    }

    @Test func aRecorderThatCannotBeStartedIsTriedThreeTimes() async throws {
        bench.launcher.refuse(BridgeError(.pipelineUnavailable, "viaduct-pipeline is missing"))
        let id = try await bench.start()
        #expect(await bench.isIdle())
        #expect(bench.told == ["armed", "finalizing: recorder failed", "upload_failed: no media"])
        #expect(bench.ledger.deliveries.map(\.words) == ["webhook failed \(id)"])
    }

    @Test func theNextRecorderTakesOverFromADeadOne() async throws {
        let (id, first) = try await bench.startRecording()
        first.end(.failed(BridgeError(.pipelineCrashed, "signal 9")))
        let second = try #require(await bench.launcher.pipeline(2))
        #expect(second.recordPlan?.path == "/spool/\(id)/2")
        #expect(await eventually { bench.hub.calls.contains(.unsubscribe(first.id)) && bench.hub.calls.count == 3 })
        second.say(.firstFrame(writtenAt: bench.clock.wall, capturedAt: nil))
        try await bench.director.stop(id)
        second.closeFile()
        let finisher = try #require(await bench.launcher.pipeline(3))
        #expect(finisher.finishPlan?.source == "/spool/\(id)/1" && finisher.finishPlan?.continuations == ["/spool/\(id)/2"])
        finisher.closeFile(bytes: 9000)
        #expect(await bench.isIdle())
        #expect(bench.told == ["armed", "recording", "finalizing", "stored"])
    }

    @Test func theNextRecorderKeepsTheWallClockOfTheFirst() async throws {
        let (_, first) = try await bench.startRecording()
        bench.clock.setWall(ahead: .seconds(3600))
        first.end(.failed(BridgeError(.pipelineCrashed, "signal 9")))
        let second = try #require(await bench.launcher.pipeline(2))
        #expect(second.recordPlan?.wallClockOffset == first.recordPlan?.wallClockOffset)
    }

    // MARK: - Source

    @Test func aRecordingWithoutASourceIsArmedUntilItComes() async throws {
        _ = try await bench.start(isLive: false)
        #expect(bench.told == ["armed"] && bench.launcher.pipelines.isEmpty)
        bench.clock.advance(by: .seconds(600))
        await bench.director.streamChanged(.started(Sample.stream(Sample.context("s9", account: "other"))))
        await bench.director.streamChanged(.started(Sample.stream()))
        let recorder = try #require(await bench.launcher.pipeline())
        await bench.clock.sleeper(for: .seconds(10))
        bench.clock.advance(by: .milliseconds(9999))
        await Task.yield()
        #expect(!recorder.isStopped && bench.told == ["armed"])
    }

    @Test func aSourceThatComesWhileTheRecordingIsAskedForIsNotMissed() async throws {
        let (bench, stream) = (bench, Sample.stream())
        _ = try await bench.director.start(
            RecordingRequest(context: stream.context), tracks: stream.tracks,
            source: {
                await bench.director.streamChanged(.started(stream))
                return nil
            }, updates: { _ in })
        #expect(await bench.launcher.pipeline() != nil)
    }

    @Test func aSourceThatReturnsWithTheSameCodecsIsRecordedOn() async throws {
        let (id, recorder) = try await bench.startRecording()
        await bench.director.streamChanged(.lost(camera))
        bench.clock.advance(by: .seconds(30))
        await bench.director.streamChanged(.returned(Sample.stream(peer: "p2", source: 1_000_050)))
        bench.clock.advance(by: .seconds(60))
        try await bench.director.stop(id)
        #expect(bench.launcher.pipelines.count == 1)
        recorder.closeFile()
        #expect(await bench.isIdle())
        #expect(bench.files.deeds.last == .promote(.part(1), id))
    }

    @Test func aSourceThatReturnsWithOtherCodecsBeginsAPart() async throws {
        let (id, first) = try await bench.startRecording()
        await bench.director.streamChanged(.ended(camera))
        await bench.director.streamChanged(.started(Sample.stream(tracks: [Sample.h264, Sample.opus], peer: "p2")))
        let second = try #require(await bench.launcher.pipeline(2))
        #expect(second.recordPlan?.tracks == [Sample.h264, Sample.opus])
        #expect(first.isStopped)
        first.closeFile()
        try await bench.director.stop(id)
        second.closeFile()
        let finisher = try #require(await bench.launcher.pipeline(3))
        #expect(finisher.finishPlan?.continuations == ["/spool/\(id)/2"])
    }

    @Test func aSourceThatStaysAwayEndsTheRecording() async throws {
        let (_, recorder) = try await bench.startRecording()
        await bench.director.streamChanged(.lost(camera))
        await bench.clock.sleeper(for: .seconds(35))
        bench.clock.advance(by: .milliseconds(34_999))
        await Task.yield()
        #expect(!recorder.isStopped)
        bench.clock.advance(by: .milliseconds(1))
        #expect(await eventually { recorder.isStopped })
    }
}
