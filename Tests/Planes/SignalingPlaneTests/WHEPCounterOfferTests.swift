import Bridge
import BridgeModel
import SignalingPlane
import SignalingTesting
import Synchronization
import Testing

/// Viewers whose offers cannot be accepted, and what the bridge offers them.
@Suite struct WHEPCounterOfferTests {
    private static func offered() async throws -> (WHIPStage, WHIPAnswer) {
        let stage = WHIPStage(.watch, offers: true)
        stage.engine.refuse(BridgeError(.unacceptableOffer, "Why."))
        return (stage, try await stage.service.create(stage.order(.watch)))
    }

    private static let answer = WHIPStage.offer("recvonly").replacingFirst("actpass", with: "active")

    @Test func aViewerAnswersAndHasASession() async throws {
        let (stage, offer) = try await Self.offered()
        let id = offer.context.session
        #expect(offer.isCounterOffer && offer.sdp == FakeEngine.offer)
        #expect(await stage.service.session(id)?.awaitsAnswer == true)
        #expect(stage.bridge.calls.isEmpty, "nothing is durable before the answer")
        #expect(try await stage.service.patch(id, .answer(Self.answer), if: .absent) == .accepted(offer.tag))
        #expect(await stage.service.session(id) == WHIPSessionSummary(context: offer.context, isOver: false))
        #expect(stage.bridge.calls == ["sessionStarted"])
        let change = WHIPChange.ice(IceChange(credentials: nil, candidates: [.end]))
        #expect(try await stage.service.patch(id, change, if: .oneOf([offer.tag])) == .trickled)
        stage.engine.show([VideoLayer(mid: "0", bitrate: 1)])
        try await stage.service.selectLayer(LayerChoice(), section: nil, for: id)
        // The candidate may be handed on a moment later.
        #expect(stage.engine.calls.contains("select 0 - for peer-1"))
        try await stage.service.end(id)
        #expect(stage.bridge.ends[id] == .clientStop)
    }

    @Test func anOfferThatBreaksTheRulesIsAnsweredWithOneToo() async throws {
        let stage = WHIPStage(.watch, offers: true)
        var order = stage.order(.watch)
        order.offer = WHIPStage.offer("sendonly")
        let answer = try await stage.service.create(order)
        #expect(answer.isCounterOffer)
        #expect(stage.engine.calls.map { $0.prefix(6) } == ["offer "])
    }

    @Test func malformedOffersPublishersAndOtherEnginesGetNone() async throws {
        let stage = WHIPStage(.watch, offers: true)
        var order = stage.order(.watch)
        order.offer = "hello"
        guard case .malformed? = await stage.refusal(order) else {
            Issue.record("taken")
            return
        }
        stage.engine.refuse(BridgeError(.unacceptableOffer, "Why."))
        #expect(await stage.refusal(stage.order(.publish)) == .unacceptable("Why."))
        let plain = WHIPStage(.watch)
        plain.engine.refuse(BridgeError(.unacceptableOffer, "Why."))
        #expect(await plain.refusal(plain.order(.watch)) == .unacceptable("Why."))
        #expect(!(stage.engine.calls + plain.engine.calls).contains { $0.hasPrefix("offer") })
    }

    @Test func anAnswerThatDoesNotFitMayBeFollowedByAnother() async throws {
        let (stage, offer) = try await Self.offered()
        let id = offer.context.session
        stage.engine.refuseAnswers(BridgeError(.unacceptableOffer, "Section 0."))
        await #expect(throws: WHIPError.unacceptableAnswer("Section 0.")) {
            try await stage.service.patch(id, .answer(Self.answer), if: .absent)
        }
        stage.engine.refuseAnswers(nil)
        #expect(try await stage.service.patch(id, .answer(Self.answer), if: .absent) == .accepted(offer.tag))
    }

    @Test func withoutAnAnswerNothingIsLeft() async throws {
        let (stage, offer) = try await Self.offered()
        stage.time.advance(by: .seconds(31))
        #expect(await stage.service.session(offer.context.session)?.awaitsAnswer == true)
        stage.time.advance(by: .seconds(1))
        #expect(await eventually { await stage.service.count == 0 })
        #expect(stage.engine.calls.last == "close peer-1" && stage.bridge.calls.isEmpty)
        #expect(await eventually { stage.directory.memory.withLock { $0.discarded } == [offer.context.session] })
    }

    @Test func aViewerMayDecline() async throws {
        let (stage, offer) = try await Self.offered()
        try await stage.service.end(offer.context.session)
        #expect(await stage.service.session(offer.context.session)?.isOver == true)
        #expect(stage.engine.calls.last == "close peer-1" && stage.bridge.calls.isEmpty)
    }
}

extension String {
    /// The text with the first occurrence replaced; unchanged without one.
    fileprivate func replacingFirst(_ text: String, with other: String) -> String {
        guard let range = firstRange(of: text) else { return self }
        return replacingCharacters(in: range, other)
    }

    private func replacingCharacters(in range: Range<String.Index>, _ other: String) -> String {
        String(self[..<range.lowerBound]) + other + self[range.upperBound...]
    }
}
