import Bridge
import BridgeModel
import Logging
import SignalingPlane
import SignalingTesting
import Synchronization
import Testing

/// The sessions that there are, and who publishes.
private final class FakeDirectory: SessionDirectory {
    struct Memory {
        var created: [SessionContext] = []
        var discarded: [SessionID] = []
        var publisher: SessionContext?
        var viewers = 3
        var failure: BridgeError?
    }

    let memory = Mutex(Memory())

    func createSession(for grant: Grant, direction: SessionContext.Direction, stream: StreamID) async throws(BridgeError) -> SessionContext
    {
        let result: Result<SessionContext, BridgeError> = memory.withLock { memory in
            if let failure = memory.failure { return .failure(failure) }
            let context = SessionContext(
                session: SessionID("session-\(memory.created.count + 1)"), account: grant.account, client: grant.client, stream: stream,
                direction: direction)
            memory.created.append(context)
            return .success(context)
        }
        return try result.get()
    }

    func discardSession(_ id: SessionID) async { memory.withLock { $0.discarded.append(id) } }
    func session(_ id: SessionID) async -> SessionContext? { nil }
}

/// WHIP and WHEP sessions on a fake bridge and a fake engine, in virtual time.
private struct WHIPStage {
    let directory = FakeDirectory()
    let bridge = FakeBridge()
    let engine: FakeEngine
    let time = ManualClock()
    let service: WHIPService

    init(_ direction: SessionContext.Direction = .publish, answers: Bool = true, settings: WHIPSettings = WHIPSettings()) {
        let directory = directory
        engine = FakeEngine(answer: answers ? .answer(sdp: Self.offer(direction == .publish ? "recvonly" : "sendonly")) : nil)
        service = WHIPService(
            ports: WHIPPorts(
                services: bridge, engine: engine, directory: directory, publisher: { _ in directory.memory.withLock { $0.publisher } },
                viewers: { _ in directory.memory.withLock { $0.viewers } }),
            settings: settings, clock: time.clock, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    func order(_ direction: SessionContext.Direction = .publish, client: String = "cam", role: Grant.Role? = nil) -> WHIPOrder {
        let grant = Grant(
            account: AccountID("acme"), client: ClientID(client), role: role ?? (direction == .publish ? .publish : .watch),
            stream: StreamID("front"), issuedAt: WallTime(milliseconds: 0), expiresAt: WallTime(milliseconds: 1), tokenID: "t")
        return WHIPOrder(
            grant: grant, direction: direction, stream: StreamID("front"),
            offer: Self.offer(direction == .publish ? "sendonly" : "recvonly"))
    }

    func refusal(_ order: WHIPOrder) async -> WHIPError? {
        do throws(WHIPError) {
            _ = try await service.create(order)
            return nil
        } catch {
            return error
        }
    }

    static func offer(_ direction: String) -> String {
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=ice-ufrag:QoWQ\r\n"
            + "a=ice-pwd:4JAfScHElAPJfHza29pNMd\r\na=fingerprint:sha-256 AB" + String(repeating: ":AB", count: 31)
            + "\r\na=setup:actpass\r\na=rtcp-mux\r\na=mid:0\r\na=\(direction)\r\na=rtpmap:96 VP8/90000\r\n"
    }
}

@Suite struct WHIPServiceTests {
    @Test func aPublisherIsAnsweredAndEndsDurably() async throws {
        let stage = WHIPStage()
        let answer = try await stage.service.create(stage.order())
        #expect(answer.sdp == WHIPStage.offer("recvonly") && answer.context.client == ClientID("cam"))
        #expect(stage.bridge.calls == ["sessionStarted"])
        let id = answer.context.session
        #expect(await stage.service.session(id) == WHIPSessionSummary(context: answer.context, isOver: false))
        try await stage.service.end(id)
        #expect(stage.bridge.ends[id] == .clientStop)
        #expect(await eventually(that: { await stage.service.count == 0 }))
        #expect(stage.engine.calls.last == "close peer-1")
        #expect(await stage.service.session(id)?.isOver == true)
        try await stage.service.end(id)
        await #expect(throws: WHIPError.notFound) { try await stage.service.end(SessionID("nobody")) }
        await #expect(throws: WHIPError.notFound) {
            try await stage.service.patch(id, IceChange(credentials: nil, candidates: [.end]), if: .any)
        }
    }

    @Test func patchesReachTheEngine() async throws {
        let stage = WHIPStage()
        let answer = try await stage.service.create(stage.order())
        let change = IceChange(credentials: nil, candidates: [IceCandidate(candidate: "candidate:x"), .end])
        #expect(try await stage.service.patch(answer.context.session, change, if: .oneOf([answer.tag])) == .trickled)
        let pair = IceCredentials(ufrag: "next", password: Redacted("nextnextnextnextnextnext"))
        let outcome = try await stage.service.patch(answer.context.session, IceChange(credentials: pair, candidates: []), if: .any)
        guard case .restarted(FakeEngine.restartAnswer, let tag) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(tag != answer.tag)
        #expect(stage.engine.calls == ["open cam", "add candidate:x to peer-1", "add end to peer-1", "restart peer-1 next"])
    }

    @Test func aRefusedOfferLeavesNothing() async {
        let stage = WHIPStage()
        stage.engine.refuse(BridgeError(.unacceptableOffer, "Why."))
        #expect(await stage.refusal(stage.order()) == .unacceptable("Why."))
        #expect(await eventually(that: { await stage.service.count == 0 }))
        #expect(stage.directory.memory.withLock { $0.discarded } == [SessionID("session-1")])
        #expect(stage.bridge.calls.isEmpty)
    }

    @Test func badOffersCostNothing() async {
        let stage = WHIPStage()
        var order = stage.order()
        order.offer = "hello"
        guard case .malformed? = await stage.refusal(order) else {
            Issue.record("taken")
            return
        }
        #expect(stage.engine.calls.isEmpty && stage.directory.memory.withLock { $0.created.isEmpty })
    }

    @Test func theOwnerTakesItsOwnPlaceAndNobodyElseDoes() async throws {
        let stage = WHIPStage()
        let first = try await stage.service.create(stage.order())
        #expect(await stage.refusal(stage.order(client: "thief")) == .occupied, "even before the media is up")
        stage.directory.memory.withLock { $0.publisher = first.context }
        #expect(await stage.refusal(stage.order(client: "thief")) == .occupied)
        #expect(stage.directory.memory.withLock { $0.created.count } == 2, "an occupied stream makes no session")
        _ = try await stage.service.create(stage.order())
        await stage.bridge.end(first.context.session, .replaced)
        #expect(stage.bridge.ends[first.context.session] == .replaced)
    }

    @Test func theOperatorIsOfEachStreamAnother() async throws {
        let stage = WHIPStage()
        #expect(try await stage.service.create(stage.order(client: "admin", role: .admin)).context.client == ClientID("front"))
    }

    @Test func viewersThatShareATokenAreMany() async throws {
        let stage = WHIPStage(.watch)
        var clients: Set<ClientID> = []
        for _ in 0..<5 { clients.insert(try await stage.service.create(stage.order(.watch, client: "link")).context.client) }
        #expect(clients.count == 5 && clients.allSatisfy { $0.rawValue.hasPrefix("link-") })
        #expect(await stage.service.count == 5)
    }

    @Test func aWatcherOfNothingComesLater() async {
        let stage = WHIPStage(.watch)
        stage.engine.refuse(BridgeError(.notFound, "Nothing."))
        #expect(await stage.refusal(stage.order(.watch)) == .notPublished)
    }

    @Test(
        arguments: [
            (BridgeError(.limitReached, "Enough."), WHIPError.tooMany("Enough.")),
            (BridgeError(.unavailable, "Draining."), .bridge(BridgeError(.unavailable, "Draining."))),
        ]) func theDirectorysRefusalsAreTold(_ failure: BridgeError, _ error: WHIPError) async
    {
        let stage = WHIPStage()
        stage.directory.memory.withLock { $0.failure = failure }
        #expect(await stage.refusal(stage.order()) == error)
    }

    @Test func aFullBridgeSaysSo() async throws {
        var settings = WHIPSettings()
        settings.maximumSessions = 1
        let stage = WHIPStage(.watch, settings: settings)
        _ = try await stage.service.create(stage.order(.watch))
        guard case .bridge(let error)? = await stage.refusal(stage.order(.watch)) else {
            Issue.record("taken")
            return
        }
        #expect(error.code == .unavailable)
    }

    @Test func anEngineThatDoesNotAnswerIsGivenUp() async {
        let stage = WHIPStage(answers: false)
        let refusal = Task { await stage.refusal(stage.order()) }
        #expect(await eventually(that: { stage.engine.calls == ["open cam"] }))
        // The session arms its deadline when it has the peer's name: the time is moved until that has happened.
        let ended = await eventually(that: {
            stage.time.advance(by: .seconds(10))
            return stage.engine.calls.last == "close peer-1"
        })
        #expect(ended)
        guard case .bridge(let error)? = await refusal.value else {
            Issue.record("taken")
            return
        }
        #expect(error.code == .unavailable)
    }

    @Test func whoeverHangsUpBeforeTheAnswerLeavesNoSession() async {
        let stage = WHIPStage(answers: false)
        let post = Task { await stage.refusal(stage.order()) }
        #expect(await eventually(that: { stage.engine.calls == ["open cam"] }))
        post.cancel()
        stage.engine.peer(1, .answer(sdp: WHIPStage.offer("recvonly")))
        #expect(await post.value == .notFound)
        #expect(stage.bridge.ends[SessionID("session-1")] == .connectionError)
    }

    @Test func theShutdownEndsEverythingDurably() async throws {
        let stage = WHIPStage()
        let answer = try await stage.service.create(stage.order())
        await stage.service.shutdown()
        #expect(stage.bridge.ends[answer.context.session] == .serverShutdown)
        #expect(stage.engine.calls.last == "close peer-1")
        guard case .bridge? = await stage.refusal(stage.order()) else {
            Issue.record("taken")
            return
        }
    }
}

@Suite struct WHEPEventTests {
    private static func viewer() async throws -> (WHIPStage, SessionID) {
        let stage = WHIPStage(.watch)
        stage.directory.memory.withLock { $0.publisher = stage.publisher }
        stage.engine.show([VideoLayer(mid: "0", bitrate: 1000)])
        return (stage, try await stage.service.create(stage.order(.watch)).context.session)
    }

    private static let layers = WHEPEvent.layers([.init(section: 0, layers: [VideoLayer(mid: "0", bitrate: 1000)])])

    /// Notes events as they come.
    private final class Listener: Sendable {
        private let heard = Mutex<[WHEPEvent]>([])

        var events: [WHEPEvent] { heard.withLock { $0 } }

        func listen(to stream: AsyncStream<WHEPEvent>) async {
            for await event in stream { heard.withLock { $0.append(event) } }
        }
    }

    @Test func aReaderIsToldWhatIsAndThenWhatChanges() async throws {
        let (stage, session) = try await Self.viewer()
        let listener = Listener()
        let events = try await stage.service.events(of: session, stream: nil)
        let listening = Task { await listener.listen(to: events) }
        await stage.service.streamChanged(.lost(StreamID("front")))
        await stage.service.streamChanged(.lost(StreamID("front")))
        await stage.service.streamChanged(.ended(StreamID("other")))
        await stage.service.streamChanged(.returned(stage.live))
        stage.directory.memory.withLock { $0.viewers = 4 }
        // The reporter's wait begins at some moment: the time is moved until it is over.
        _ = await eventually(that: {
            stage.time.advance(by: .seconds(2))
            return listener.events.count >= 6
        })
        try await stage.service.end(session)
        await listening.value
        #expect(listener.events == [.active, Self.layers, .viewerCount(3), .inactive, .active, .viewerCount(4)], "no news comes twice")
    }

    @Test func aStreamOfEventsHoldsOnlyWhatWasAskedFor() async throws {
        let (stage, session) = try await Self.viewer()
        let stream = try await stage.service.openEvents(of: session, [.viewerCount])
        #expect(stream.rawValue.utf8.count == 32)
        var events = try await stage.service.events(of: session, stream: stream).makeAsyncIterator()
        #expect(await events.next() == .viewerCount(3))
        try await stage.service.closeEvents(stream, of: session)
        #expect(await events.next() == nil)
        await #expect(throws: WHIPError.notFound) { try await stage.service.events(of: session, stream: stream) }
        await #expect(throws: WHIPError.notFound) { try await stage.service.closeEvents(stream, of: session) }
    }

    @Test func anInactiveStreamIsNotToldAtTheBeginning() async throws {
        let (stage, session) = try await Self.viewer()
        stage.directory.memory.withLock { $0.publisher = nil }
        var events = try await stage.service.events(of: session, stream: nil).makeAsyncIterator()
        #expect(await events.next() == Self.layers)
    }

    @Test func eventsEndWithTheSession() async throws {
        let (stage, session) = try await Self.viewer()
        let events = try await stage.service.events(of: session, stream: nil)
        try await stage.service.end(session)
        var count = 0
        for await _ in events { count += 1 }
        #expect(count == 3)
        await #expect(throws: WHIPError.notFound) { try await stage.service.events(of: session, stream: nil) }
    }

    @Test func aSecondReaderTakesTheFirstOnesPlace() async throws {
        let (stage, session) = try await Self.viewer()
        let first = try await stage.service.events(of: session, stream: nil)
        var second = try await stage.service.events(of: session, stream: nil).makeAsyncIterator()
        for await _ in first {}
        #expect(await second.next() == .active)
    }

    @Test func aSessionHasSoManyStreamsOfEvents() async throws {
        let (stage, session) = try await Self.viewer()
        for _ in 0..<8 { _ = try await stage.service.openEvents(of: session, []) }
        do throws(WHIPError) {
            _ = try await stage.service.openEvents(of: session, [])
            Issue.record("taken")
        } catch {
            guard case .tooMany = error else { throw error }
        }
    }

    @Test func publishersHaveNoEventsAndNoLayers() async throws {
        let stage = WHIPStage()
        let session = try await stage.service.create(stage.order()).context.session
        await #expect(throws: WHIPError.notFound) { try await stage.service.openEvents(of: session, []) }
        await #expect(throws: WHIPError.notFound) { try await stage.service.events(of: session, stream: nil) }
        await #expect(throws: WHIPError.notFound) { try await stage.service.selectLayer(LayerChoice(), section: nil, for: session) }
    }

    @Test func aLayerIsChosenBySection() async throws {
        let (stage, session) = try await Self.viewer()
        try await stage.service.selectLayer(LayerChoice(), section: nil, for: session)
        try await stage.service.selectLayer(LayerChoice(), section: 0, for: session)
        #expect(stage.engine.calls.suffix(2) == ["select 0 - for peer-1", "select 0 - for peer-1"])
        var choice = LayerChoice()
        choice.rid = "hd"
        for (choice, section) in [(choice, nil), (LayerChoice(), 1)] as [(LayerChoice, Int?)] {
            do throws(WHIPError) {
                try await stage.service.selectLayer(choice, section: section, for: session)
                Issue.record("taken")
            } catch {
                guard case .unsupported = error else { throw error }
            }
        }
    }
}

extension WHIPStage {
    var publisher: SessionContext {
        SessionContext(
            session: SessionID("source"), account: AccountID("acme"), client: ClientID("cam"), stream: StreamID("front"),
            direction: .publish)
    }

    var live: LiveStream {
        LiveStream(
            context: publisher, tracks: [], peer: PeerID("source"), source: MediaDescriptor(-1), since: WallTime(milliseconds: 0))
    }
}
