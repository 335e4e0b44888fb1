import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Synchronization
import Testing

/// Conferences among fakes: children, the hub and the far end's server say what the test wants.
@Suite struct ConferenceDirectorTests {
    private let clock = TestClock()
    private let launcher = FakeLauncher()
    private let hub = FakeHub()
    private let ledger = MemoryLedger()
    private let store = MemoryConferences()
    private let server = ScriptedServer()
    private let places = FakePlaces()
    private let director: ConferenceDirector
    private let streams: StreamRegister
    private let stream = Sample.stream()
    private let target: ConferenceTarget

    init() throws {
        let rules = AddressRules()
        target = .whip(WHIPTarget(url: try DeliveryURL(parsing: Redacted("https://meet.example/whip"), rules: rules), token: Redacted("t")))
        streams = StreamRegister(hub: hub, clock: clock.clock)
        let outbox = OutboxWriter(reporter: EventReporter(translators: []), clock: clock.clock, service: FakeDelivery())
        director = ConferenceDirector(
            .init(
                launcher: launcher, hub: hub, streams: streams, store: store, ledger: ledger, outbox: outbox,
                calls: ConferenceCallMaker(http: server, rules: rules, clock: clock.clock), places: places, clock: clock.clock,
                logger: Sample.logger),
            transport: .init(identity: Sample.identity, ice: IceSettings(), rules: rules) { client, now in
                [IceServer(urls: ["turn:127.0.0.1:9"], username: "\(now.seconds)", credential: Redacted(client.rawValue))]
            })
    }

    private func phase(_ id: ConferenceID) async -> ConferencePhase? { await director.conference(id)?.phase }

    private func reaches(_ phase: ConferencePhase, _ id: ConferenceID) async -> Bool { await eventually { await self.phase(id) == phase } }

    /// The session number `count`, up to media that flows.
    private func goLive(_ count: Int, _ id: ConferenceID) async throws -> FakePipeline {
        let child = try #require(await launcher.pipeline(count))
        child.say(.localDescription(sdp: SampleOffer.publish))
        let isAnswered = await eventually {
            child.commands.contains { command in
                guard case .remoteDescription = command else { return false }
                return true
            }
        }
        #expect(isAnswered)
        child.say(.connected)
        #expect(await reaches(.live, id))
        return child
    }

    /// Whether the child was told to stop; then it does.
    private func stops(_ child: FakePipeline) async {
        #expect(await eventually { child.isStopped })
        child.end()
    }

    @Test func aStreamIsPublishedUntilItEndsAndOnceMoreWhenItIsBack() async throws {
        let (status, isNew) = try await director.join(stream.id, target)
        let id = status.row.id
        #expect(isNew && status.phase == .waiting)
        #expect(try await director.join(stream.id, target).isNew == false)
        await director.streamChanged(.started(stream))
        let child = try await goLive(1, id)
        guard case .conference(let plan) = child.plan.work else { throw Unexpected() }
        #expect(plan.tracks.map(\.source) == stream.tracks)
        #expect(hub.calls == [.subscribe(child.id, to: stream.id, tracks: [0, 1], sinks: child.media, .live)])
        #expect(await eventually { store.rows.withLock { $0.first?.resource?.revealed } == "https://meet.example/session/1" })
        var statistics = PipelineStats()
        statistics.bytesOut = 500
        child.say(.stats(statistics))
        #expect(await eventually { await director.conference(id)?.bytesSent == 500 })
        await director.streamChanged(.ended(stream.id))
        await stops(child)
        #expect(await reaches(.waiting, id))
        #expect(server.methods == ["POST /whip", "DELETE /session/1"] && store.rows.withLock { $0.first?.resource } == nil)
        #expect(hub.calls.last == .unsubscribe(child.id))
        await director.streamChanged(.started(stream))
        let next = try await goLive(2, id)
        #expect(await director.conference(id)?.bytesSent == 500)
        async let gone: Void = director.leave(id)
        await stops(next)
        try await gone
        #expect(await director.conference(id) == nil && store.rows.withLock { $0.isEmpty })
        #expect(server.methods.last == "DELETE /session/2" && server.asked.all.allSatisfy { $0.token?.revealed == "t" })
        let kinds = ledger.events.map(\.kind)
        #expect(kinds == [.conferenceConnected, .conferenceDisconnected, .conferenceConnected, .conferenceDisconnected])
    }

    private static func push() throws -> ConferenceTarget {
        .push(try PushTarget(url: Redacted("rtmp://live.example/app/key"), rules: AddressRules()))
    }

    private static let pushable = Sample.stream(tracks: [
        TrackDescription(index: 0, codec: .h264, payloadType: 96, mid: "0"),
        TrackDescription(index: 1, codec: .opus, payloadType: 111, channels: 2, mid: "1"),
    ])

    @Test func aPushIsMadeAgainAfterALossAndItsEventsAreItsOwn() async throws {
        let stream = Self.pushable
        await director.streamChanged(.started(stream))
        let id = try await director.join(stream.id, Self.push()).status.row.id
        let child = try #require(await launcher.pipeline(1))
        guard case .push(let plan) = child.plan.work else { throw Unexpected() }
        #expect(plan.host == "203.0.113.9" && plan.name.revealed == "key" && hub.calls.isEmpty)
        child.say(.started)
        child.say(.connected)
        #expect(await reaches(.live, id))
        #expect(hub.calls == [.subscribe(child.id, to: stream.id, tracks: [0, 1], sinks: child.media, .live)])
        #expect(await director.pushes().map(\.row.id) == [id])
        #expect(await director.conferences(of: stream.id).isEmpty)
        // It goes on, and says what it suffers from until that is over.
        child.say(.warning(code: .pushUnavailable, message: "it takes less"))
        #expect(await eventually { await director.conference(id)?.reason?.message == "rtmp://live.example:1935: it takes less." })
        #expect(await phase(id) == .live)
        child.say(.connected)
        #expect(await eventually { await director.conference(id)?.reason == nil })
        child.end(.failed(BridgeError(.pushUnavailable, "gone")))
        #expect(await clock.pass { launcher.pipelines.count == 2 })
        #expect(await director.conference(id)?.reason?.code == .pushUnavailable)
        #expect(hub.calls.last == .unsubscribe(child.id))
        let next = try #require(await launcher.pipeline(2))
        async let gone: Void = director.leave(id)
        await stops(next)
        try await gone
        #expect(await director.pushes().isEmpty)
        #expect(ledger.events.map(\.kind) == [.pushStarted, .pushEnded])
    }

    @Test func whatCannotBePushedIsRefusedForGood() async throws {
        await director.streamChanged(.started(stream))
        let id = try await director.join(stream.id, Self.push()).status.row.id
        if stream.tracks.first?.codec != .h264 { #expect(await reaches(.ended, id)) }
        places.answer.withLock { $0 = .failure(.blockedAddress(.loopback)) }
        let other = Self.pushable
        await director.streamChanged(.started(other))
        let target = ConferenceTarget.push(try PushTarget(url: Redacted("srt://live.example:9000"), rules: AddressRules()))
        let blocked = try await director.join(other.id, target).status.row.id
        #expect(await reaches(.ended, blocked))
        #expect(await director.conference(blocked)?.reason?.code == .pushRefused)
        #expect(await eventually { ledger.events.last?.kind == .pushFailed })
    }

    @Test func aLostSessionIsEndedThereBeforeTheNextBegins() async throws {
        await director.streamChanged(.started(stream))
        let id = try await director.join(stream.id, target).status.row.id
        let child = try await goLive(1, id)
        server.gate.close()
        child.end(.failed(BridgeError(.connectionLost, "The peer closed its transport.")))
        #expect(await eventually { server.methods.last == "DELETE /session/1" })
        #expect(launcher.pipelines.count == 1, "the far end still has the first session")
        #expect(await director.conference(id)?.reason?.code == .connectionLost)
        server.gate.open()
        #expect(await clock.pass { launcher.pipelines.count == 2 })
        _ = try await goLive(2, id)
        #expect(await director.conference(id)?.reason == nil)
    }

    @Test func aRefusalForGoodEndsItAndStays() async throws {
        server.replies.withLock { $0 = [.success(OutgoingReply(status: 401))] }
        await director.streamChanged(.started(stream))
        let id = try await director.join(stream.id, target).status.row.id
        let child = try #require(await launcher.pipeline(1))
        child.say(.localDescription(sdp: SampleOffer.publish))
        await stops(child)
        #expect(await reaches(.ended, id))
        #expect(server.methods == ["POST /whip"], "there is nothing to end")
        #expect(await eventually { store.rows.withLock { $0.first?.end?.code } == .conferenceRefused })
        #expect(await eventually { ledger.events.map(\.kind) == [.conferenceFailed] })
        #expect(ledger.events.first?.facts.text.contains("(401)") == true)
        #expect(try await director.join(stream.id, target).isNew, "a new order is a new try")
    }

    @Test func soundThatNoConferenceTakesIsLeftOutAndAloneItIsRefused() async throws {
        let aac = TrackDescription(index: 0, codec: .aac, payloadType: 97, mid: "0")
        let vp8 = TrackDescription(index: 1, codec: .vp8, payloadType: 96, mid: "1")
        await director.streamChanged(.started(Sample.stream(tracks: [aac, vp8])))
        let child = try await goLive(1, try await director.join(stream.id, target).status.row.id)
        #expect(hub.calls == [.subscribe(child.id, to: stream.id, tracks: [1], sinks: child.media, .live)])
        await director.streamChanged(.ended(stream.id))
        await stops(child)
        #expect(await eventually { hub.calls.last == .unsubscribe(child.id) })
        await director.streamChanged(.started(Sample.stream(tracks: [aac])))
        let id = try #require(await director.conferences(of: stream.id).first?.row.id)
        #expect(await reaches(.ended, id))
        #expect(await director.conference(id)?.reason?.code == .conferenceRefused && launcher.pipelines.count == 1)
    }

    @Test func whatIsNeverReachedIsToldOfUntilItIs() async throws {
        places.answer.withLock { $0 = .failure(.unreachable) }
        await director.streamChanged(.started(Self.pushable))
        let id = try await director.join(Self.pushable.id, Self.push()).status.row.id
        #expect(await clock.pass { ledger.events.map(\.kind) == [.pushTroubleStarted] })
        places.answer.withLock { $0 = .success(.v4(0xCB00_7109)) }
        #expect(await clock.pass { launcher.pipelines.count == 1 })
        let child = try #require(await launcher.pipeline(1))
        child.say(.started)
        child.say(.connected)
        #expect(await reaches(.live, id))
        #expect(await eventually { ledger.events.map(\.kind) == [.pushTroubleStarted, .pushTroubleEnded, .pushStarted] })
    }

    @Test func eachSessionGoesThroughRelaysWithAPasswordOfItsOwn() async throws {
        server.links.withLock { $0 = [Redacted(#"<turn:t.example>; rel="ice-server"; username="u"; credential="p""#)] }
        await director.streamChanged(.started(stream))
        let id = try await director.join(stream.id, target).status.row.id
        var seconds: [Int64] = []
        for session in 1...2 {
            let child = try #require(await launcher.pipeline(session))
            guard case .conference(let plan) = child.plan.work else { throw Unexpected() }
            seconds.append(clock.clock.wall().seconds)
            #expect(
                plan.ice.turnServers.map(\.revealed) == [
                    "turn://\(seconds[session - 1]):\(id.rawValue)@127.0.0.1:9", "turn://u:p@t.example:3478",
                ])
            child.end(.failed(BridgeError(.connectionLost, "gone")))
            #expect(await clock.pass { launcher.pipelines.count == session + 1 })
        }
        #expect(seconds[0] < seconds[1])
    }

    @Test func anUnusableAnswersSessionIsEnded() async throws {
        let reply = OutgoingReply(
            status: 201, location: Redacted("/session/x"), contentType: "application/sdp", body: Array("v=0\r\nnonsense".utf8))
        server.replies.withLock { $0 = [.success(reply)] }
        await director.streamChanged(.started(stream))
        let id = try await director.join(stream.id, target).status.row.id
        let child = try #require(await launcher.pipeline(1))
        child.say(.localDescription(sdp: SampleOffer.publish))
        await stops(child)
        #expect(await eventually { server.methods.last == "DELETE /session/x" })
        #expect(await director.conference(id)?.reason?.code == .conferenceAnswerInvalid)
    }

    @Test func anOrderThatIsTakenBackDuringItsOfferIsEndedThere() async throws {
        await director.streamChanged(.started(stream))
        let id = try await director.join(stream.id, target).status.row.id
        let child = try #require(await launcher.pipeline(1))
        server.gate.close()
        child.say(.localDescription(sdp: SampleOffer.publish))
        #expect(await eventually { server.methods == ["POST /whip"] })
        async let gone: Void = director.leave(id)
        await stops(child)
        server.gate.open()
        try await gone
        #expect(server.methods == ["POST /whip", "DELETE /session/1"])
    }

    @Test func anEarlierRunsSessionIsEndedAndItsConferenceGoesOn() async throws {
        var row = ConferenceRow(id: ConferenceID("c1"), stream: stream.id, target: target, createdAt: TestClock.epoch)
        row.resource = Redacted("https://meet.example/session/old")
        try await store.save(row)
        try await director.recover()
        #expect(await eventually { store.rows.withLock { $0.first?.resource } == nil })
        #expect(server.methods == ["DELETE /session/old"])
        await director.streamChanged(.started(stream))
        _ = try await goLive(1, row.id)
    }

    @Test func theOthersSoundHasANameOfItsOwn() async throws {
        let url = try DeliveryURL(parsing: Redacted("https://meet.example/janus"), rules: AddressRules())
        var room = JanusTarget(url: url, room: .number(7))
        room.returnStream = stream.id
        var error = await #expect(throws: BridgeError.self) { try await director.join(stream.id, .janusVideoRoom(room)) }
        #expect(error?.code == .invalidField)
        room.returnStream = StreamID("ears")
        #expect(try await director.join(stream.id, .janusVideoRoom(room)).isNew)
        #expect(try await director.join(stream.id, .janusVideoRoom(room)).isNew == false)
        error = await #expect(throws: BridgeError.self) { try await director.join(StreamID("other"), .janusVideoRoom(room)) }
        #expect(error?.code == .invalidField)
    }

    @Test func aStreamIsInSoManyConferencesAtMost() async throws {
        for number in 0..<8 {
            let url = try DeliveryURL(parsing: Redacted("https://meet.example/\(number)"), rules: AddressRules())
            _ = try await director.join(stream.id, .whip(WHIPTarget(url: url)))
        }
        let error = await #expect(throws: BridgeError.self) { try await director.join(stream.id, target) }
        #expect(error?.code == .limitReached)
        #expect(await director.conferences(of: stream.id).count == 8)
    }

    @Test func atShutdownTheFarEndIsToldAndTheRowStays() async throws {
        await director.streamChanged(.started(stream))
        let id = try await director.join(stream.id, target).status.row.id
        let child = try await goLive(1, id)
        let stopping = Task { await director.shutDown(limit: .seconds(3600)) }
        await stops(child)
        #expect(await clock.pass { server.methods.last == "DELETE /session/1" })
        #expect(await reaches(.waiting, id))
        clock.advance(by: .seconds(1))
        #expect(store.rows.withLock { $0.map(\.id) } == [id])
        stopping.cancel()
        await stopping.value
    }

    private struct Unexpected: Error {}
}
