import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

/// Sessions on the whole control plane, with fakes at its edges.
@Suite struct BridgeSessionServicesTests {
    private let bench = RecordingBench()
    private let sessions: SessionRegister
    private let streams: StreamRegister
    private let services: any SessionServices
    private let peerEvents = Journal<PeerEvent>()
    /// Changes of streams that recordings have been told.
    private let followed = Journal<StreamTable.Change>()
    private let camera = StreamID("camera")

    init() {
        let clock = bench.clock.clock
        let outbox = OutboxWriter(reporter: EventReporter(translators: [PlainTranslator()]), clock: clock, service: bench.delivery)
        sessions = SessionRegister(ledger: bench.ledger, outbox: outbox, limits: .init(), clock: clock, logger: Sample.logger)
        streams = StreamRegister(hub: bench.hub, clock: clock)
        let peers = PeerDirector(
            launcher: bench.launcher, hub: bench.hub, streams: streams, identity: Sample.identity, ice: IceSettings(), clock: clock,
            logger: Sample.logger)
        services = BridgeSessionServices(sessions: sessions, streams: streams, peers: peers, recordings: bench.director)
    }

    /// Tells recordings what happens to streams, as the program does.
    private func following<Value>(_ body: () async throws -> Value) async rethrows -> Value {
        let follower = Task {
            for await change in streams.changes {
                await bench.director.streamChanged(change)
                followed.note(change)
            }
        }
        defer { follower.cancel() }
        return try await body()
    }

    private func startSession() async throws -> SessionContext {
        let context = try await sessions.create(account: AccountID("acme"), client: ClientID("camera"), direction: .publish, stream: camera)
        try await services.sessionStarted(context, webhookURL: RecordingBench.webhook, handle: FakeHandle())
        return context
    }

    private func openPeer(_ context: SessionContext) async throws -> (PeerID, FakePipeline) {
        let count = bench.launcher.pipelines.count
        let events = peerEvents
        let id = try await services.openPeer(context, offer: SampleOffer.publish) { events.note($0) }
        return (id, try #require(await bench.launcher.pipeline(count + 1)))
    }

    private func connect(_ pipeline: FakePipeline) async {
        let count = peerEvents.all.count
        pipeline.say(.connected)
        #expect(await eventually { peerEvents.all.dropFirst(count).contains(.connected) })
    }

    private func startRecording(_ context: SessionContext) async throws -> RecordingID {
        let updates = bench.updates
        return try await services.startRecording(RecordingRequest(context: context)) { updates.note($0) }
    }

    @Test func aSessionWithoutAPeerHasNothingToRecord() async throws {
        let context = try await startSession()
        await #expect(throws: BridgeError(.notFound, "The session publishes nothing that could be recorded.")) {
            _ = try await startRecording(context)
        }
    }

    @Test func aRecordingThatIsAskedForBeforeTheConnectionWaitsForIt() async throws {
        try await following {
            let context = try await startSession()
            let (_, peer) = try await openPeer(context)
            _ = try await startRecording(context)
            #expect(bench.told == ["armed"] && bench.launcher.pipelines.count == 1)
            await connect(peer)
            let recorder = try #require(await bench.launcher.pipeline(2))
            #expect(recorder.recordPlan?.tracks.map(\.codec) == [.vp8, .opus])
        }
    }

    @Test func recordingGoesOnWhenAPublishersChildDiesAndItsClientComesBack() async throws {
        try await following {
            let context = try await startSession()
            let (_, first) = try await openPeer(context)
            await connect(first)
            let id = try await startRecording(context)
            let recorder = try #require(await bench.launcher.pipeline(2))
            recorder.say(.firstFrame(writtenAt: bench.clock.wall, capturedAt: nil))
            #expect(await bench.reaches(.recording, id))

            first.end(.failed(BridgeError(.pipelineCrashed, "signal 9")))
            #expect(await eventually { await streams.live.isEmpty })
            let (_, second) = try await openPeer(context)
            await connect(second)
            #expect(await eventually { await streams.live.count == 1 })
            bench.clock.advance(by: .seconds(60))

            #expect(bench.launcher.pipelines.count == 3 && recorder.commands.isEmpty)
            #expect(!bench.hub.calls.contains(.unsubscribe(recorder.id)))
            try await services.stopRecording(id)
            recorder.closeFile()
            #expect(await bench.isIdle())
            #expect(bench.told == ["armed", "recording", "finalizing", "stored"])
            #expect(bench.files.deeds.last == .promote(.part(1), id))
        }
    }

    @Test func theFormerPeerIsClosedWithoutHarmWhenItsSuccessorIsConnected() async throws {
        let context = try await startSession()
        let (former, first) = try await openPeer(context)
        await connect(first)
        let (_, second) = try await openPeer(context)
        await connect(second)
        let closing = Task { await services.closePeer(former) }
        #expect(await eventually { first.isStopped })
        first.end()
        await closing.value
        #expect(await streams.live.map(\.source) == [.child(second.media[0])])
    }

    @Test func aRecordingIsNotBegunOnASourceThatIsAway() async throws {
        try await following {
            let context = try await startSession()
            let (_, first) = try await openPeer(context)
            await connect(first)
            first.end(.failed(BridgeError(.pipelineCrashed, "signal 9")))
            #expect(await eventually { followed.all.last == .lost(camera) })
            _ = try await startRecording(context)
            #expect(bench.told == ["armed"])
            let (_, second) = try await openPeer(context)
            await connect(second)
            _ = try #require(await bench.launcher.pipeline(3)?.recordPlan)
        }
    }

    @Test func aSessionsEndFinishesItsRecordingsFirst() async throws {
        try await following {
            let context = try await startSession()
            let (_, peer) = try await openPeer(context)
            await connect(peer)
            let id = try await startRecording(context)
            let recorder = try #require(await bench.launcher.pipeline(2))
            await services.sessionEnded(context, cause: .clientStop)
            #expect(recorder.isStopped)
            let rows = bench.ledger.transactions.compactMap(\.first)
            guard case (.recording(let recording)?, .session(let session)?) = (rows.dropLast().last, rows.last) else {
                Issue.record("\(rows)")
                return
            }
            #expect(recording.id == id && recording.state == .closing)
            #expect(session.state == .terminated && session.cause == .clientStop)
            #expect(await streams.stream(camera) == nil)
        }
    }

    @Test(arguments: TerminationCause.allCases)
    func aStreamOutlivesASessionWhosePublisherMayComeBack(_ cause: TerminationCause) async throws {
        let context = try await startSession()
        let (_, peer) = try await openPeer(context)
        await connect(peer)
        await services.sessionEnded(context, cause: cause)
        let mayComeBack: [TerminationCause] = [.connectionError, .connectionTimeout, .replaced, .internalError]
        #expect(await (streams.stream(camera) != nil) == mayComeBack.contains(cause))
        #expect(await sessions.runningSessions.isEmpty)
    }

    @Test func aViewersEndLeavesTheStreamAlone() async throws {
        let context = try await startSession()
        let (_, peer) = try await openPeer(context)
        await connect(peer)
        let viewer = try await sessions.create(account: AccountID("acme"), client: ClientID("v"), direction: .watch, stream: camera)
        try await services.sessionStarted(viewer, webhookURL: nil, handle: FakeHandle())
        await services.sessionEnded(viewer, cause: .clientStop)
        #expect(await streams.live.count == 1)
    }

    @Test func candidatesGoToTheirPeer() async throws {
        let (id, pipeline) = try await openPeer(Sample.context("s1"))
        try await services.addCandidate(IceCandidate(candidate: SampleOffer.candidate(5001)), to: id)
        #expect(pipeline.commands.count == 1)
    }
}
