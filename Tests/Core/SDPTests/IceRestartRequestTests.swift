import BridgeModel
import Testing

import SDP

/// Another ICE session that we ask for, and what is said to it.
@Suite struct IceRestartRequestTests {
    /// What a camera of ours offers.
    private static let offer = Fixture["gstreamer-whipsink"].text

    private struct Dice: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state
        }
    }

    private static func request(of former: String = offer, seed: UInt64 = 1) -> IceRestartRequest? {
        var dice = Dice(state: seed)
        return IceRestartRequest(of: former, using: &dice)
    }

    @Test(arguments: Fixture.publishers) func whatABridgeOfOursWouldTakeIsAsked(_ fixture: Fixture) throws {
        let request = try #require(Self.request(of: fixture.text))
        let taken = try #require(IceRestart(of: fixture.text, by: request.offer))
        #expect(taken.credentials == request.credentials)
        #expect((4...256).contains(request.credentials.ufrag.utf8.count) && request.credentials.password.revealed.utf8.count >= 22)
        #expect(Self.request(of: fixture.text, seed: 2)?.credentials != request.credentials)
        // From one to the next.
        let second = try #require(Self.request(of: request.offer, seed: 3))
        #expect(IceRestart(of: request.offer, by: second.offer)?.credentials == second.credentials)
    }

    @Test(arguments: Fixture.publishers) func aFragmentSaysTheSame(_ fixture: Fixture) throws {
        let request = try #require(Self.request(of: fixture.text))
        let fragment = try TrickleFragment.parse(request.fragment.print())
        #expect(fragment == request.fragment && fragment.credentials == request.credentials)
        let description = try SessionDescription.parse(request.offer)
        #expect(fragment.sections.map(\.mid) == [description.sections.first?.mid])
        #expect(fragment.candidates.last?.isEnd == true)
        // Those that can be used, and in the offer no others.
        let offered = description.sections.flatMap { $0.attributes.filter { $0.name == "candidate" }.compactMap(\.value) }
        #expect(Set(fragment.sections.flatMap(\.candidates)) == Set(offered.map { "candidate:\($0)" }))
    }

    @Test func anAnswerIsReadAsFarAsItIsICE() throws {
        let request = try #require(Self.request())
        let accepted = try OfferGate.acceptPublish(request.offer, policy: GatePolicy())
        let text = try accepted.finishAnswer(engineAnswer: ObligingEngine.answer(to: accepted.engineOffer))
        for answer in [text, text.replacing("t=0 0\r\n", with: "t=0 0\r\na=ice-lite\r\n")] {
            let fragment = try request.read(answer: answer)
            #expect(fragment.credentials == IceParameters(ufrag: ObligingEngine.ufrag, password: Redacted(ObligingEngine.password)))
            #expect(fragment.sections.flatMap(\.candidates) == ["candidate:\(ObligingEngine.candidate)"])
        }
        let malformed = [
            "", "v=0", "answer", String(repeating: "a", count: 200_000), request.offer.replacing("a=mid:", with: "a=mid:x"),
            text.replacing("a=ice-pwd:\(ObligingEngine.password)", with: "a=ice-pwd:short"),
        ]
        for answer in malformed {
            #expect(answer != text)
            #expect(throws: SDPError.self) { try request.read(answer: answer) }
        }
    }

    @Test(arguments: ["", "v=0", "offer", "v=0\r\na=ice-ufrag:x\r\n", "\u{0}", String(repeating: "a", count: 200_000)])
    func ofWhatIsNoOfferNothingIsAsked(_ text: String) { #expect(Self.request(of: text) == nil) }
}
