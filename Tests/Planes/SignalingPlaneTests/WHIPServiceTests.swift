import Bridge
import BridgeModel
import SignalingPlane
import SignalingTesting
import Synchronization
import Testing

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
        #expect(await stage.service.count == 0)
        #expect(stage.engine.calls.last == "close peer-1", "the stream is free when the session's end is confirmed")
        #expect(await stage.service.session(id)?.isOver == true)
        try await stage.service.end(id)
        await #expect(throws: WHIPError.notFound) { try await stage.service.end(SessionID("nobody")) }
        await #expect(throws: WHIPError.notFound) {
            try await stage.service.patch(id, .ice(IceChange(credentials: nil, candidates: [.end])), if: .any)
        }
    }

    @Test func patchesReachTheEngine() async throws {
        let stage = WHIPStage()
        let answer = try await stage.service.create(stage.order())
        let change = WHIPChange.ice(IceChange(credentials: nil, candidates: [IceCandidate(candidate: "candidate:x"), .end]))
        #expect(try await stage.service.patch(answer.context.session, change, if: .oneOf([answer.tag])) == .trickled)
        let pair = IceParameters(ufrag: "next", password: Redacted("nextnextnextnextnextnext"))
        let outcome = try await stage.service.patch(answer.context.session, .ice(IceChange(credentials: pair, candidates: [])), if: .any)
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
