import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

/// What keeps a recording from beginning, or from going on.
@Suite struct RecordingRefusalTests {
    private let bench = RecordingBench()

    @Test func aSessionHasOneRecordingAtATime() async throws {
        let (id, _) = try await bench.startRecording()
        #expect(await bench.refusal() == .limitReached)
        _ = try await bench.start(Sample.stream(Sample.context("s2", client: "b")))
        try await bench.director.stop(id)
        _ = try await bench.start()
    }

    @Test func aRecordingThatIsNotThereCannotBeStopped() async {
        await #expect(throws: BridgeError.self) { try await bench.director.stop(RecordingID("unknown")) }
    }

    @Test func everyCodecIsRecorded() async throws {
        _ = try await bench.start(Sample.stream(tracks: [Sample.av1, Sample.opus]))
        #expect(bench.launcher.pipelines.first?.recordPlan?.tracks == [Sample.av1, Sample.opus])
    }

    @Test func oneVideoTrackIsRecordedWhereOneWasAskedFor() async throws {
        var second = Sample.vp8
        (second.index, second.mid) = (2, "2")
        let stream = Sample.stream(tracks: [Sample.vp8, Sample.opus, second])
        _ = try await bench.start(stream) { $0.videoTrack = 1 }
        let recorder = try #require(await bench.launcher.pipeline())
        #expect(recorder.recordPlan?.tracks == [Sample.opus, second])
        guard case .subscribe(_, _, let tracks, _, _)? = bench.hub.calls.first else { return }
        #expect(tracks == [1, 2])
    }

    @Test func theContainerHoldsWhatIsRecorded() async throws {
        let h264 = Sample.stream(tracks: [Sample.h264, Sample.opus])
        let id = try await bench.start(h264)
        #expect(await bench.director.row(of: id)?.file == "\(id).mkv")
        try await bench.director.stop(id)
        let mp4 = try await bench.start(h264) { $0.container = .mp4 }
        #expect(await bench.director.row(of: mp4)?.file == "\(mp4).mp4")
    }

    @Test func recordingCanBeSwitchedOff() async {
        let bench = RecordingBench { $0.trigger = .never }
        #expect(await bench.refusal() == .forbidden)
    }

    @Test(arguments: [
        ("", Destination.keep), ("/data/out", .folder(path: "/data/out")),
        ("https://a.example/put?k=1", .put(url: Redacted("https://a.example/put?k=1"))),
    ]) func theConfiguredDestinationIsTheUsualOne(_ text: String, _ destination: Destination) async throws {
        let bench = RecordingBench { $0.destination = Redacted(text) }
        let id = try await bench.start()
        #expect(await bench.director.row(of: id)?.destination == destination)
    }

    @Test func aDestinationThatEndsWithASlashGetsTheFilesName() async throws {
        let bench = RecordingBench { $0.destination = Redacted("http://a.example/in/") }
        let id = try await bench.start()
        #expect(await bench.director.row(of: id)?.destination == .put(url: Redacted("http://a.example/in/\(id).webm")))
    }

    @Test func aDestinationThatIsNoneIsRefused() async {
        let bench = RecordingBench { $0.destination = Redacted("ftp://a.example") }
        #expect(await bench.refusal() == .invalidURL)
    }

    // MARK: - Disk

    @Test func aFullDiskRefusesARecording() async {
        bench.files.refuseToOpen(BridgeError(.storageFull, "full"))
        #expect(await bench.refusal() == .storageFull)
        #expect(await bench.director.count == 0)
        #expect(bench.ledger.transactions.isEmpty && bench.updates.all.isEmpty)
        bench.files.refuseToOpen(nil)
        #expect(await bench.refusal() == nil)
    }

    @Test func aDiskThatFillsUpFinishesRecordings() async throws {
        let (id, recorder) = try await bench.startRecording()
        bench.files.setSpace(false)
        #expect(await bench.clock.pass { recorder.isStopped })
        recorder.closeFile()
        #expect(await bench.isIdle())
        #expect(bench.told == ["armed", "recording", "finalizing: storage full", "stored"])
        #expect(bench.ledger.events.contains { $0.kind == .storageLow }, "nobody is stopped silently")
        #expect(try await bench.ledger.recording(id)?.state == .ready)
    }

    // MARK: - Ledger

    @Test func aRecordingThatCannotBePromisedLeavesNothing() async throws {
        bench.ledger.fail(1)
        #expect(await bench.refusal() == .unavailable)
        #expect(await bench.director.count == 0)
        #expect(bench.launcher.pipelines.isEmpty && bench.updates.all.isEmpty)
        guard case (.open(let opened)?, .discard(let discarded)?) = (bench.files.deeds.first, bench.files.deeds.last) else {
            Issue.record("\(bench.files.deeds)")
            return
        }
        #expect(opened == discarded)
    }

    @Test func theEndOfASessionDoesNotWaitForARecordingThatWasRefused() async throws {
        bench.ledger.gate.close()
        bench.ledger.fail(1)
        let starting = Task { await bench.refusal() }
        #expect(await eventually { bench.ledger.gate.waitingCount == 1 })
        let ended = Journal<Void>()
        Task {
            await bench.director.finish(session: SessionID("s1"))
            ended.note(())
        }
        // The director takes one call after the other: when it answers this one, the end is waited for.
        for _ in 0..<20 { _ = await bench.director.count }
        bench.ledger.gate.open()
        #expect(await starting.value == .unavailable)
        #expect(await eventually { !ended.all.isEmpty })
    }

    @Test func aLedgerThatFailsForAWhileIsTriedAgain() async throws {
        let (id, recorder) = try await bench.startRecording()
        bench.ledger.fail(7)
        let stopping = Task { try await bench.director.stop(id) }
        // The recorder does not wait for the ledger, and has all its time to close the file.
        #expect(await eventually { recorder.commands == [.stop(deadline: .seconds(3))] })
        recorder.closeFile()
        #expect(await bench.clock.pass { bench.ledger.recordingStates.last == .ready })
        try await stopping.value
        #expect(await bench.isIdle())
        #expect(recorder.commands.count == 1 && bench.launcher.pipelines.count == 1)
        #expect(bench.ledger.recordingStates == [.armed, .recording, .closing, .closing, .ready])
        #expect(bench.clock.wall >= TestClock.epoch.advanced(by: .seconds(7)))
    }

    @Test func aLedgerThatStaysAwayDoesNotKeepTheFileFromItsPlace() async throws {
        let (id, recorder) = try await bench.startRecording()
        bench.ledger.fail(.max)
        let stopping = Task { try await bench.director.stop(id) }
        #expect(await eventually { recorder.isStopped })
        recorder.closeFile()
        #expect(await bench.clock.pass { bench.files.deeds.last == .promote(.part(1), id) })
        try await stopping.value
        // It is not forgotten before it is stored.
        #expect(await bench.director.count == 1)
        #expect(bench.ledger.recordingStates == [.armed, .recording])
    }
}
