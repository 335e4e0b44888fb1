import Bridge
import BridgeModel
import BridgeTesting
import Testing

@testable import ControlPlane

/// Rooms that are recorded, among fakes: what is recorded, what is tried again, and what everybody is told when it cannot be.
@Suite(.timeLimit(.minutes(1))) struct RoomRecordingTests {
    private static let id = RoomRecordingID("r")
    private let bench: RoomRecordingBench
    private let recorder: RoomRecorder

    private var composites: FakeComposites { bench.composites }
    private var clock: TestClock { bench.clock }
    private var launcher: FakeLauncher { bench.recordings.launcher }

    init() throws {
        bench = try RoomRecordingBench()
        recorder = bench.recorder()
    }

    private func begin(_ mode: RoomRecordingMode) async throws -> RoomRecordingRun {
        let recording = RoomRecording(id: Self.id, mode: mode, since: clock.wall, participant: nil)
        return try await recorder.begin(recording, RecordingOrder(), RoomRecordingBench.room, AccountID("acme"))
    }

    private func publish(_ track: String, _ run: RoomRecordingRun, isMuted: Bool = false) {
        let source = RoomTrackSource(stream: StreamID("of-\(track)"), description: Sample.vp8, isOfRoom: true)
        var camera = RoomTrack(id: RoomTrackID(track), owner: ParticipantID("anna"), kind: .camera, mid: "0")
        camera.isMutedByHost = isMuted
        run.post(.opened(camera, source, live: nil))
    }

    /// The recorders so far.
    private var recorders: [FakePipeline] { launcher.pipelines.filter { $0.recordPlan != nil } }

    /// Since when the recorders were given what comes, of a stream.
    private func beginnings(of stream: String) -> [SubscriptionTiming] {
        bench.recordings.hub.calls.compactMap { call in
            guard case .subscribe(_, let source, _, _, let timing) = call, source == StreamID(stream) else { return nil }
            return timing
        }
    }

    /// The recordings in the manifest, as it is now.
    private func recordings() async -> [JSONValue] {
        guard case .array(let found)? = try? await recorder.manifest(of: Self.id)?["recordings"] else { return [] }
        return found
    }

    private func failures() async -> [String?] { await recordings().map { $0["failure"]?["code"]?.string } }

    /// Ends the room's recording; true when all of it is complete.
    private func end(_ run: RoomRecordingRun) async -> Bool {
        run.post(.end)
        for child in launcher.pipelines { child.closeFile() }
        return await clock.pass { await !recorder.isUnderWay(Self.id) }
    }

    private func wait(_ seconds: Int64) async {
        await clock.sleeper(for: .seconds(seconds))
        clock.advance(by: .seconds(seconds))
    }

    // MARK: - The one picture

    @Test func whatIsPublishedIsRecordedWhileThePictureIsBeingMade() async throws {
        composites.gate.close()
        let run = try await begin(.both)
        publish("t1", run)
        #expect(await clock.pass { launcher.pipelines.count == 1 })
        #expect(composites.starts == 1)
        #expect(await recordings().map { $0["kind"]?.string } == ["camera"])
        composites.gate.open()
        #expect(await clock.pass { await recordings().map { $0["kind"]?.string } == ["camera", "composite"] })
        #expect(await end(run))
        #expect(composites.calls.all.last == "end" && bench.warnings.all.isEmpty)
    }

    @Test func aPictureAloneIsRecordedUntilTheRoomIsNot() async throws {
        let run = try await begin(.composite)
        publish("t1", run)
        let child = try #require(await launcher.pipeline())
        child.say(.firstFrame(writtenAt: clock.wall, capturedAt: nil))
        #expect(await clock.pass { bench.recordings.ledger.recordingStates.contains(.recording) })
        for _ in 0..<50 { clock.advance(by: .milliseconds(100)) }
        #expect(await recordings().map { $0["kind"]?.string } == ["composite"] && !child.isStopped)
        run.post(.end)
        #expect(await eventually { child.isStopped })
        #expect(await end(run))
        #expect(launcher.pipelines.count { $0.recordPlan != nil } == 1 && composites.starts == 1)
        let stream = await recordings().first?["stream"]?.string
        #expect(stream == FakeComposites.stream.id.rawValue)
    }

    @Test func aPictureThatCannotBeMadeIsTriedAgainAndTheManifestSaysSo() async throws {
        composites.fail(FakeComposites.full)
        let began = clock.wall
        let run = try await begin(.composite)
        for seconds: Int64 in [1, 2, 4] { await wait(seconds) }
        #expect(await eventually { composites.starts == 4 })
        let missing = try #require(await recordings().first)
        #expect(missing["kind"] == "composite" && missing["id"] == .null && missing["failure"]?["code"] == "limit_reached")
        #expect(missing["begun_at"]?.string == began.iso8601 && missing["failed_until"] == .null)
        // Another reason is another entry, and nothing new for the operator.
        composites.fail(BridgeError(.pipelineCrashed, "gone"))
        await wait(8)
        #expect(await eventually { await failures() == ["limit_reached", "pipeline_crashed"] })
        #expect(bench.warnings.all.count == 1)
        composites.fail(nil)
        let back = clock.wall.advanced(by: .seconds(16))
        await wait(16)
        #expect(await eventually { await recordings().count == 3 })
        let all = await recordings()
        #expect(all[0]["failed_until"] == all[1]["begun_at"] && all[1]["failed_until"]?.string == back.iso8601)
        #expect(all[2]["id"]?.string != nil && all[2]["failure"] == .null && all[2]["failed_until"] == nil)
        #expect(await end(run))
    }

    @Test func aRecordingOfThePictureThatEndsTooSoonIsFollowedByAnother() async throws {
        let run = try await begin(.composite)
        let child = try #require(await launcher.pipeline())
        child.say(.firstFrame(writtenAt: clock.wall, capturedAt: nil))
        #expect(await clock.pass { bench.recordings.ledger.recordingStates.contains(.recording) })
        await bench.recordings.director.finish(session: FakeComposites.stream.context.session)
        child.closeFile()
        #expect(await clock.pass { launcher.pipelines.contains { $0.recordPlan != nil && $0 !== child } })
        #expect(await eventually { await recordings().count == 3 })
        let all = await recordings()
        #expect(await failures() == [nil, "pipeline_failed", nil])
        #expect(all[1]["failed_until"] == all[2]["begun_at"] && all[0]["id"] != all[2]["id"])
        #expect(await end(run))
        #expect(bench.warnings.all.count == 1)
    }

    @Test func aPictureThatComesWhenTheRoomIsNotRecordedAnyMoreIsNotRecorded() async throws {
        composites.gate.close()
        let run = try await begin(.composite)
        #expect(await eventually { composites.starts == 1 })
        run.post(.end)
        #expect(await eventually { composites.calls.all == ["start", "end"] })
        composites.gate.open()
        #expect(await end(run))
        #expect(composites.calls.all == ["start", "end", "end"] && launcher.pipelines.isEmpty)
        #expect(await recordings().isEmpty && bench.warnings.all.isEmpty)
    }

    // MARK: - What people send

    @Test func whoeverCannotBeRecordedIsTriedAgainAndTheManifestSaysSo() async throws {
        let run = try await begin(.tracks)
        bench.recordings.files.refuseToOpen(BridgeError(.storageFull, "full"))
        let sent = clock.now
        publish("t1", run)
        #expect(await clock.pass { await failures() == ["storage_full"] })
        let failed = try #require(await recordings().first)
        #expect(failed["kind"] == "camera" && failed["participant"] == "anna" && failed["failed_until"] == .null)
        for seconds: Int64 in [1, 2] { await wait(seconds) }
        #expect(await failures() == ["storage_full"] && bench.warnings.all.count == 1 && recorders.isEmpty)
        bench.recordings.files.refuseToOpen(nil)
        #expect(await clock.pass { await failures() == ["storage_full", nil] })
        let all = await recordings()
        #expect(all[0]["failed_until"] == all[1]["begun_at"] && all[1]["stream"] == "room-r-1" && recorders.count == 1)
        // All that the bridge has of it, not what comes from now on.
        #expect(beginnings(of: "of-t1") == [.recorded(since: sent)])
        run.post(.dropped(RoomTrackID("t1")))
        #expect(await eventually { recorders.first?.isStopped == true })
        #expect(await end(run))
        #expect(await recordings().count == 2 && recorders.count == 1)
    }

    @Test func aRecordingOfSomebodyThatEndsTooSoonIsFollowedByAnother() async throws {
        let run = try await begin(.tracks)
        publish("t1", run)
        #expect(await clock.pass { recorders.count == 1 })
        let child = try #require(recorders.first)
        child.say(.firstFrame(writtenAt: clock.wall, capturedAt: nil))
        #expect(await clock.pass { bench.recordings.ledger.recordingStates.contains(.recording) })
        await bench.recordings.director.finish(session: SessionID("r-1"))
        child.closeFile()
        #expect(await clock.pass { recorders.count == 2 })
        #expect(await eventually { await failures() == [nil, "pipeline_failed", nil] })
        let all = await recordings()
        #expect(all[0]["id"] != all[2]["id"] && all[0]["stream"] == all[2]["stream"] && all[1]["failed_until"] == all[2]["begun_at"])
        #expect(await end(run))
        #expect(bench.warnings.all.count == 1)
    }

    @Test func whoeverIsMutedIsRecordedFromTheirFirstPictureOn() async throws {
        let run = try await begin(.tracks)
        publish("t1", run, isMuted: true)
        for _ in 0..<300 { clock.advance(by: .milliseconds(100)) }
        #expect(await recordings().isEmpty && launcher.pipelines.isEmpty)
        let sent = clock.now
        run.post(.forwarded(RoomTrackID("t1"), true))
        #expect(await clock.pass { recorders.count == 1 })
        #expect(beginnings(of: "of-t1") == [.recorded(since: sent)])
        run.post(.forwarded(RoomTrackID("t1"), false))
        #expect(await end(run))
        #expect(await failures() == [nil] && bench.warnings.all.isEmpty)
    }

    @Test func whoeverSendsNothingIsTriedFromTimeToTime() async throws {
        let run = try await begin(.tracks)
        publish("t1", run)
        #expect(await clock.pass { recorders.count == 1 })
        let (child, begun) = (try #require(recorders.first), clock.now)
        #expect(await clock.pass { child.isStopped })
        child.end(.failed(BridgeError(.noMedia, "No keyframe came; nothing was recorded.")))
        #expect(await clock.pass { recorders.count == 2 })
        #expect(clock.now.duration(since: begun) > .seconds(30))
        #expect(await eventually { await failures() == [nil, "no_media", nil] })
        #expect(await end(run))
    }

    // MARK: - What everybody is told

    private func order(_ id: String, _ mode: RoomRecordingMode = .tracks) -> RoomCommand {
        .record(RoomRecordingOrder(id: RoomRecordingID(id), mode: mode))
    }

    private func refusal(_ command: RoomCommand, _ room: RoomBench) async -> RoomError.Code? {
        do throws(RoomError) {
            try await room.directory.administer(command, in: RoomBench.room)
            return nil
        } catch {
            return error.code
        }
    }

    @Test func nobodyBelievesThatARoomIsRecordedOfWhichNothingCanBeWritten() async throws {
        let room = RoomBench(recorder: recorder)
        try await room.open()
        let (anna, vera) = (try await room.join("standup host anna"), try await room.join("standup viewer vera"))
        try bench.setWritable(false)
        await room.send(.request(.record(true)), anna)
        #expect(anna.refusals == [.recordingUnavailable] && vera.refusals.isEmpty)
        #expect([anna, vera].map { $0.recordings.map { $0 != nil } } == [[true, false], [true, false]])
        #expect(await refusal(order("a"), room) == .recordingUnavailable)
        #expect(try #require(await room.directory.room(RoomBench.room)).recording == nil && anna.refusals.count == 1)
        // It may be tried again at once.
        try bench.setWritable(true)
        #expect(await refusal(order("b"), room) == nil)
        #expect(try #require(await room.directory.room(RoomBench.room)).recording?.id == RoomRecordingID("b"))
        #expect(await refusal(.record(nil), room) == nil)
        let told = await room.told().filter { $0.hasPrefix("room_recording") }
        #expect(told == Array(repeating: ["room_recording.started", "room_recording.ended"], count: 3).flatMap { $0 })
    }

    @Test func aPictureAloneIsRefusedBeforehandWhereNoMoreAreMade() async throws {
        let room = RoomBench(recorder: recorder)
        try await room.open()
        let anna = try await room.join("standup host anna")
        composites.fail(FakeComposites.full)
        #expect(await refusal(order("a", .composite), room) == .limitReached)
        #expect(anna.recordings.isEmpty && composites.starts == 0)
        #expect(await refusal(order("b", .both), room) == nil)
        // Who asks once more finds what there is.
        #expect(await refusal(order("c", .composite), room) == nil)
        #expect(try #require(await room.directory.room(RoomBench.room)).recording?.id == RoomRecordingID("b"))
        #expect(await refusal(.record(nil), room) == nil)
    }
}

extension RoomTestSocket {
    /// What it was told of the room's recording.
    fileprivate var recordings: [RoomRecording?] {
        heard.all.compactMap { if case .notice(.recording(let recording)) = $0 { .some(recording) } else { nil } }
    }
}
