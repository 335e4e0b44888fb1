import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

/// Recordings and the sessions, streams and runs of the bridge that they belong to.
@Suite struct RecordingSessionTests {
    private let bench = RecordingBench()

    // MARK: - Sessions

    @Test func theEndOfASessionWaitsUntilItsRecordingIsFinalizing() async throws {
        let (id, recorder) = try await bench.startRecording()
        let (_, other) = try await otherRecording()
        bench.ledger.gate.close()
        let done = Journal<Void>()
        let ending = Task {
            await bench.director.finish(session: SessionID("s1"))
            done.note(())
        }
        #expect(await eventually { bench.ledger.gate.waitingCount == 1 })
        #expect(recorder.isStopped && done.all.isEmpty)
        bench.ledger.gate.open()
        await ending.value
        #expect(try await bench.ledger.recording(id)?.state == .closing)
        #expect(!other.isStopped)
    }

    @Test func aStopWaitsUntilTheRecordingIsFinalizing() async throws {
        let (id, _) = try await bench.startRecording()
        bench.ledger.gate.close()
        let stopped = Journal<Void>()
        let stopping = Task {
            try await bench.director.stop(id)
            stopped.note(())
        }
        #expect(await eventually { bench.ledger.gate.waitingCount == 1 })
        // Time enough for a stop that does not wait.
        for _ in 0..<1000 { await Task.yield() }
        #expect(stopped.all.isEmpty)
        bench.ledger.gate.open()
        try await stopping.value
        #expect(try await bench.ledger.recording(id)?.state == .closing)
    }

    private func otherRecording() async throws -> (RecordingID, FakePipeline) {
        let count = bench.launcher.pipelines.count
        let id = try await bench.start(Sample.stream(Sample.context("s2", client: "b")))
        return (id, try #require(await bench.launcher.pipeline(count + 1)))
    }

    @Test func updatesGoOnAfterTheSessionsEnd() async throws {
        let (_, recorder) = try await bench.startRecording()
        await bench.director.finish(session: SessionID("s1"))
        recorder.closeFile()
        #expect(await bench.isIdle())
        #expect(bench.told == ["armed", "recording", "finalizing", "stored"])
        await bench.director.finish(session: SessionID("s1"))
    }

    @Test func theShutdownWaitsForFilesButNotForUploads() async throws {
        let (id, recorder) = try await bench.startRecording { $0.destination = .to(.put(url: Redacted("https://example.org/put"))) }
        await bench.director.finish(session: SessionID("s1"))
        let waiting = Task { await bench.director.waitForFiles(limit: .seconds(60)) }
        recorder.closeFile()
        #expect(await bench.reaches(.uploading, id))
        #expect(await bench.clock.pass { await bench.director.row(of: id)?.state == .uploading })
        bench.clock.advance(by: .milliseconds(20))
        await waiting.value
        #expect(bench.clock.wall < TestClock.epoch.advanced(by: .seconds(60)))
    }

    @Test func theShutdownDoesNotWaitForEver() async throws {
        _ = try await bench.startRecording()
        let done = Journal<Void>()
        let waiting = Task {
            await bench.director.waitForFiles(limit: .seconds(2))
            done.note(())
        }
        #expect(await bench.clock.pass { !done.all.isEmpty })
        await waiting.value
        #expect(bench.clock.wall >= TestClock.epoch.advanced(by: .seconds(2)))
    }

    // MARK: - recording.trigger: session

    @Test func everySessionIsRecordedWhereTheConfigurationSaysSo() async throws {
        let bench = RecordingBench { $0.trigger = .session }
        let stream = Sample.stream(tracks: [Sample.h264, Sample.opus])
        await bench.director.streamChanged(.started(stream))
        let recorder = try #require(await bench.launcher.pipeline())
        #expect(recorder.recordPlan?.container == .mp4)
        guard case .subscribe(_, _, _, _, let timing)? = bench.hub.calls.first else {
            Issue.record("\(bench.hub.calls)")
            return
        }
        #expect(timing == .recorded(since: MonotonicTime(nanoseconds: 0)))
        await bench.director.streamChanged(.lost(stream.id))
        await bench.director.streamChanged(.returned(stream))
        #expect(bench.launcher.pipelines.count == 1)
    }

    @Test func aRecordingThatItsUserStoppedDoesNotBeginAgain() async throws {
        let bench = RecordingBench { $0.trigger = .session }
        let stream = Sample.stream()
        await bench.director.streamChanged(.started(stream))
        let id = try #require(bench.files.deeds.first.flatMap { if case .open(let id) = $0 { id } else { nil } })
        try await bench.director.stop(id)
        await bench.director.streamChanged(.lost(stream.id))
        await bench.director.streamChanged(.returned(stream))
        #expect(bench.launcher.pipelines.count == 1)
    }

    @Test func theNextSessionOfTheStreamIsRecordedWhileTheFormerIsStillUploaded() async throws {
        let bench = RecordingBench { settings in
            settings.trigger = .session
            settings.destination = Redacted("https://example.org/in/")
        }
        await bench.director.streamChanged(.started(Sample.stream()))
        let first = try #require(await bench.launcher.pipeline())
        first.say(.firstFrame(writtenAt: bench.clock.wall, capturedAt: nil))
        await bench.director.finish(session: SessionID("s1"))
        first.closeFile()
        #expect(await eventually { bench.ledger.recordingStates.last == .uploading })
        await bench.director.streamChanged(.returned(Sample.stream(Sample.context("s2"), peer: "p2")))
        #expect(bench.launcher.pipelines.count == 2)
        #expect(await bench.director.count == 2)
    }

    @Test func aSessionThatIsRecordedOnRequestIsNotRecordedTwice() async throws {
        let bench = RecordingBench { $0.trigger = .session }
        _ = try await bench.start(isLive: false)
        await bench.director.streamChanged(.started(Sample.stream()))
        #expect(await bench.director.count == 1)
    }

    @Test func aSessionThatCannotBeRecordedGoesOn() async throws {
        let bench = RecordingBench { $0.trigger = .session }
        bench.files.refuseToOpen(BridgeError(.storageFull, "full"))
        await bench.director.streamChanged(.started(Sample.stream()))
        bench.files.refuseToOpen(nil)
        await bench.director.streamChanged(.returned(Sample.stream()))
        #expect(await bench.director.count == 1)
    }

    // MARK: - After a restart

    private func leftover(_ id: String, _ state: RecordingState, _ destination: Destination) -> RecordingRow {
        RecordingRow(
            id: RecordingID(id), context: Sample.context("s-\(id)"), state: state, container: .webm, file: "\(id).webm",
            destination: destination, webhookURL: RecordingBench.webhook, startedAt: TestClock.epoch)
    }

    @Test func recordingsOfAnEarlierRunAreMadeAndDelivered() async throws {
        var findings = SpoolFindings()
        findings.unfinished = [
            .init(
                row: leftover("r1", .recording, .keep),
                remains: .init(parts: [PartName(segment: 1, number: 1), PartName(segment: 1, number: 2)])),
            .init(row: leftover("r2", .closing, .folder(path: "/out")), remains: .init(parts: [], files: [1: 77])),
            .init(row: leftover("r3", .armed, .keep), remains: .init(parts: [])),
        ]
        findings.withoutFile = [
            SegmentRow(recording: RecordingID("r4"), number: 1, stream: StreamID("c"), container: .webm, file: "r4.webm", state: .uploading)
        ]
        bench.files.find(findings)
        try await bench.director.recover()
        let finisher = try #require(await bench.launcher.pipeline())
        #expect(finisher.finishPlan?.continuations == ["/spool/r1/2"])
        finisher.closeFile(bytes: 9000)
        #expect(await bench.reaches(.ready, RecordingID("r1")))
        #expect(await bench.reaches(.uploading, RecordingID("r2")))
        #expect(await bench.reaches(.failed, RecordingID("r3")))
        #expect(await eventually { await bench.director.count == 1 })
        #expect(Set(bench.ledger.deliveries.map(\.words)) == ["webhook delivered r1", "upload r2.webm", "webhook failed r3"])
        #expect(bench.files.deeds.contains(.promote(.joined, RecordingID("r1"))))
        #expect(bench.files.deeds.contains(.discard(RecordingID("r3"))))
        #expect(bench.launcher.pipelines.count == 1)
    }

    @Test func aRecordingOfAnEarlierRunTakesNoMoreMedia() async throws {
        var findings = SpoolFindings()
        findings.unfinished = [.init(row: leftover("r1", .recording, .keep), remains: .init(parts: [PartName(segment: 1, number: 1)]))]
        bench.files.find(findings)
        try await bench.director.recover()
        _ = try #require(await bench.launcher.pipeline())
        await bench.director.streamChanged(.started(Sample.stream(Sample.context("s-r1"))))
        _ = try await bench.start(Sample.stream(Sample.context("s-r1")))
        #expect(bench.launcher.pipelines.count == 2)
    }
}
