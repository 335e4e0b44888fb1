import Bridge
import BridgeModel
import Signaling
import Testing

/// Sessions that begin with an offer of the bridge (draft-ietf-wish-whep, server sends counter-offer).
@Suite struct WHIPCounterOfferTests {
    private static let refusal = BridgeError(.unacceptableOffer, "Why.")
    private static let offer = EngineOffer(peer: WHIPBench.peer, sdp: WHIPBench.offer("sendonly"))
    private static let answer = WHIPBench.offer("recvonly").replacing("setup:actpass", with: "setup:active")
    private static let request = WHIPRequestID(1)

    private static func offered() throws -> WHIPBench {
        var bench = try WHIPBench(.watch, abilities: [.trickle, .restart, .offers])
        bench.give(.open)
        bench.give(.outcome(.peerRefused(refusal)))
        bench.give(.outcome(.peerOffered(offer)))
        return bench
    }

    /// The answer is with the engine.
    private static func answering() throws -> WHIPBench {
        var bench = try offered()
        bench.give(.patch(.answer(answer), .absent, request))
        return bench
    }

    @Test func aRefusedOfferIsAnsweredWithOneOfOurs() throws {
        var bench = try WHIPBench(.watch, abilities: [.offers])
        bench.give(.open)
        #expect(bench.give(.outcome(.peerRefused(Self.refusal))) == [.call(.offerPeer)])
        let effects = bench.give(.outcome(.peerOffered(Self.offer)))
        let told = WHIPAnswer(
            context: bench.machine.context, sdp: Self.offer.sdp, tag: EntityTag("98f06660-0"), isCounterOffer: true)
        #expect(effects == [.answer(.success(told))])
        #expect(bench.machine.phase == .offered)
    }

    @Test func anAnswerMakesTheSession() throws {
        var bench = try Self.offered()
        let effects = bench.give(.patch(.answer(Self.answer), .absent, Self.request))
        #expect(effects == [.call(.acceptAnswer(Self.answer, of: WHIPBench.peer, for: Self.request))])
        #expect(bench.give(.outcome(.answerAccepted(Self.request))) == [.call(.recordSession)])
        #expect(bench.give(.outcome(.sessionRecorded)) == [.reply(Self.request, .success(.accepted(EntityTag("98f06660-0"))))])
        #expect(bench.machine.phase == .connecting)
        #expect(bench.machine.viewing?.sections.map(\.mid) == ["0"])
        bench.give(.peer(.connected))
        #expect(bench.machine.phase == .connected)
    }

    @Test func aConnectionMayOvertakeTheRow() throws {
        var bench = try Self.answering()
        bench.give(.peer(.connected))
        bench.give(.outcome(.answerAccepted(Self.request)))
        bench.give(.outcome(.sessionRecorded))
        #expect(bench.machine.phase == .connected)
    }

    @Test func aSectionThatTheAnswerRefusesIsNotViewed() throws {
        var bench = try Self.offered()
        let audio = Self.answer.replacing("m=video 9", with: "m=video 0")
        bench.give(.patch(.answer(audio), .absent, Self.request))
        bench.give(.outcome(.answerAccepted(Self.request)))
        bench.give(.outcome(.sessionRecorded))
        #expect(bench.machine.viewing?.sections.isEmpty == true)
    }

    @Test func theAnswersCredentialsAreTheFirstIceSessions() throws {
        var bench = try Self.answering()
        bench.give(.outcome(.answerAccepted(Self.request)))
        bench.give(.outcome(.sessionRecorded))
        let same = bench.patch(.oneOf([EntityTag("98f06660-0")]), candidates: [.end])
        #expect(same.effects.calls == [.addCandidate(.end, to: WHIPBench.peer)])
        #expect(bench.patch(.any, ufrag: "next").effects.calls.count == 1)
    }

    static let malformed: [(String, Bool)] = [
        ("", true), ("hello", true), ("v=0\r\n", true), (String(repeating: "a", count: 200_000), true),
        ("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", true),
        (answer.replacing("a=ice-pwd:\(WHIPBench.password)\r\n", with: ""), false),
        (answer.replacing("a=fingerprint", with: "a=nothing"), false),
        (answer.replacing("a=ice-ufrag:QoWQ", with: "a=ice-ufrag:\u{7}"), true),
    ]

    @Test(arguments: malformed) func aBrokenAnswerIsRefusedAndTheOfferStands(text: String, isMalformed: Bool) throws {
        var bench = try Self.offered()
        let effects = bench.give(.patch(.answer(text), .absent, Self.request))
        switch effects.refusals.first {
        case .malformed??: #expect(isMalformed, "\(effects)")
        case .unacceptableAnswer??: #expect(!isMalformed, "\(effects)")
        default: Issue.record("\(effects)")
        }
        #expect(effects.calls.isEmpty && bench.machine.phase == .offered)
    }

    @Test func anAnswerThatTheEngineRefusesMayBeFollowedByAnother() throws {
        var bench = try Self.answering()
        #expect(bench.give(.outcome(.answerRefused(Self.request, Self.refusal))).refusals == [.unacceptableAnswer("Why.")])
        #expect(bench.give(.patch(.answer(Self.answer), .absent, WHIPRequestID(2))).calls.count == 1)
    }

    @Test func oneAnswerAtATime() throws {
        var bench = try Self.answering()
        let effects = bench.give(.patch(.answer(Self.answer), .absent, WHIPRequestID(2)))
        guard case .tooMany?? = effects.refusals.first else {
            Issue.record("\(effects)")
            return
        }
    }

    @Test func aSessionThatWasAnsweredTakesNoOtherAnswer() throws {
        var bench = try WHIPBench.answered(.watch)
        #expect(bench.give(.patch(.answer(Self.answer), .absent, Self.request)).refusals == [.notFound])
    }

    @Test func candidatesBeforeTheAnswerAreRefused() throws {
        var bench = try Self.offered()
        #expect(bench.patch(.any, candidates: [.end]).effects.refusals == [.notFound])
    }

    // MARK: The end

    @Test func anOfferThatNobodyAnswersIsWithdrawn() throws {
        var bench = try Self.offered()
        #expect(bench.advance(.seconds(31)).isEmpty)
        #expect(bench.advance(.seconds(1)) == [.call(.closePeer(WHIPBench.peer)), .retire])
        #expect(bench.machine.deadline == nil)
    }

    @Test func theTimeDoesNotRunOutWhileAnAnswerIsTaken() throws {
        var bench = try Self.answering()
        #expect(bench.advance(.seconds(60)).isEmpty)
        #expect(bench.give(.outcome(.answerAccepted(Self.request))) == [.call(.recordSession)])
    }

    @Test func anAnswerThatIsRefusedTooLateWithdrawsTheOffer() throws {
        var bench = try Self.answering()
        bench.advance(.seconds(60))
        let effects = bench.give(.outcome(.answerRefused(Self.request, Self.refusal)))
        #expect(effects.calls == [.closePeer(WHIPBench.peer)] && effects.last == .retire)
    }

    @Test func anEndBeforeTheAnswerLeavesNoTrace() throws {
        var bench = try Self.offered()
        #expect(bench.give(.end(.clientStop)) == [.call(.closePeer(WHIPBench.peer)), .retire])
    }

    @Test func anEndWhileTheAnswerIsTakenUndoesIt() throws {
        var bench = try Self.answering()
        #expect(bench.give(.end(.clientStop)).isEmpty)
        let effects = bench.give(.outcome(.answerAccepted(Self.request)))
        #expect(effects == [.reply(Self.request, .failure(.notFound)), .call(.closePeer(WHIPBench.peer)), .retire])
    }

    @Test func aSessionThatCannotBeRecordedIsUndone() throws {
        var bench = try Self.answering()
        bench.give(.outcome(.answerAccepted(Self.request)))
        let error = BridgeError(.internal, "Full.")
        #expect(
            bench.give(.outcome(.sessionRefused(error)))
                == [.call(.closePeer(WHIPBench.peer)), .reply(Self.request, .failure(.bridge(error))), .retire])
    }

    @Test(arguments: [BridgeError.Code.notFound, .limitReached])
    func onlyAnOfferThatIsUnacceptableIsAnsweredSo(_ code: BridgeError.Code) throws {
        var bench = try WHIPBench(.watch, abilities: [.offers])
        bench.give(.open)
        let effects = bench.give(.outcome(.peerRefused(BridgeError(code, "Why."))))
        #expect(effects.calls.isEmpty && effects.last == .retire)
    }

    @Test func anEngineThatCannotOfferEitherRefusesOnce() throws {
        var bench = try Self.unofferable()
        #expect(bench.give(.outcome(.peerRefused(BridgeError(.notFound, "Gone.")))) == [.answer(.failure(.notPublished)), .retire])
        bench = try Self.unofferable()
        let effects = bench.give(.outcome(.peerRefused(Self.refusal)))
        #expect(effects == [.answer(.failure(.unacceptable("Why."))), .retire])
    }

    /// The engine was asked for an offer.
    private static func unofferable() throws -> WHIPBench {
        var bench = try WHIPBench(.watch, abilities: [.offers])
        bench.give(.open)
        bench.give(.outcome(.peerRefused(refusal)))
        return bench
    }
}
