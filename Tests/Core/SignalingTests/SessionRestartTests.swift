import Bridge
import BridgeModel
import Signaling
import Testing

/// ICE restarts: `sdp_update` with an offer that has other credentials.
@Suite struct SessionRestartTests {
    private static let offer = WHIPBench.offer("sendonly")
    private static let restarting = offer.replacing("a=ice-pwd:", with: "a=ice-pwd:NEW")
    private let first = SessionBench.first
    private let second = SessionBench.second

    private func running() -> SessionBench {
        var bench = SessionBench()
        bench.give(.request(.sessionStart(SessionOpening(offer: Self.offer)), from: first))
        bench.give(.peer(PeerSlot(1), .answer(sdp: WHIPBench.answer(.publish))))
        bench.give(.peer(PeerSlot(1), .connected))
        return bench
    }

    private func update(_ sdp: String) -> RTMRequest { .descriptionUpdate(SessionDescription(kind: .offer, sdp: sdp)) }

    @Test func otherCredentialsRestartICEAndAreAnswered() throws {
        var bench = running()
        let effects = bench.give(.request(update(Self.restarting), from: first))
        guard case .restartPeer(PeerID("peer-1"), let offer)? = effects.calls.first else {
            Issue.record("no restart, but \(effects.calls)")
            return
        }
        #expect(offer.credentials.password.revealed.hasPrefix("NEW"))
        let answer = try #require(effects.answers.first)
        #expect(answer.contains("a=ice-ufrag:newufrag\r\n") && !answer.contains(WHIPBench.password))
        #expect(bench.machine.phase == .active)
    }

    @Test func anotherSocketMayRestartAndTakesTheSessionOver() {
        var bench = running()
        let effects = bench.give(.request(update(Self.restarting), from: second))
        #expect(effects.closes == [.takenOver])
        #expect(effects.answers.count == 1)
    }

    @Test func theSameRestartIsAnsweredTheSameWithoutAnother() {
        var bench = running()
        let answers = bench.give(.request(update(Self.restarting), from: first)).answers
        for request in [update(Self.restarting), update(Self.offer), .sessionStart(SessionOpening(offer: Self.offer))] {
            let effects = bench.give(.request(request, from: second))
            #expect(effects.answers == answers)
            #expect(effects.calls.isEmpty)
        }
    }

    @Test func anEngineThatCannotRestartIsNoEndOfTheSession() {
        var bench = running()
        bench.refusesRestarts = BridgeError(.unavailable, "no")
        #expect(bench.give(.request(update(Self.restarting), from: first)).errors == [.unacceptableOffer])
        #expect(bench.machine.phase == .active)
        bench.refusesRestarts = nil
        #expect(bench.give(.request(update(Self.restarting), from: first)).answers.count == 1)
    }

    @Test func otherMediaAreRefused() {
        var bench = running()
        let effects = bench.give(.request(update(Self.restarting.replacing("sendonly", with: "recvonly")), from: first))
        #expect(effects.errors == [.unacceptableOffer])
        #expect(effects.calls.isEmpty)
    }
}
