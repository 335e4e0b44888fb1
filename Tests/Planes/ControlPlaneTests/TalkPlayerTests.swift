import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

/// A bridge that lets everybody watch, or nobody.
private struct WatchCall: ConferenceCall {
    let refusal: ConferenceFault?

    func join(_ offer: String) async throws(ConferenceFault) -> ConferenceAnswer {
        if let refusal { throw refusal }
        return ConferenceAnswer(sdp: SampleOffer.answer(to: offer), resource: Redacted("s"))
    }

    func attend() {}
    func stop() {}
    func leave() async {}
}

/// A camera's speaker among fakes.
@Suite struct TalkPlayerTests {
    private let clock = TestClock()
    private let launcher = FakeLauncher()
    private let hub = FakeHub()
    private let asked = Journal<StreamID>()
    private let refusals = Journal<ConferenceFault?>()

    private func player() -> TalkPlayer {
        let terms = TalkPlayer.Terms(
            speaker: .device(.pulse(device: nil)), identity: Sample.identity, ice: IceSettings(), ladder: ConferenceMachine.Limits()
        ) { stream throws(ConferenceFault) in
            asked.note(stream)
            return WatchCall(refusal: refusals.all.last ?? nil)
        }
        return TalkPlayer(.init(launcher: launcher, hub: hub, clock: clock.clock, logger: Sample.logger), terms: terms)
    }

    private func child(_ count: Int = 1) async throws -> FakePipeline {
        #expect(await clock.pass { launcher.pipelines.count >= count })
        return try #require(launcher.pipelines.dropFirst(count - 1).first)
    }

    @Test func whatIsOrderedIsPlayedUntilTheOrderEnds() async throws {
        let player = player()
        await player.play(nil)
        #expect(launcher.pipelines.isEmpty)
        await player.play(StreamID("control"))
        await player.play(StreamID("control"))
        let child = try await child()
        #expect(child.plan.work == .talk(TalkPlan(speaker: .device(.pulse(device: nil)), identity: Sample.identity, ice: IceSettings())))
        child.say(.localDescription(sdp: SampleOffer.publish), .connected)
        #expect(await eventually { await player.phase == .live })
        await player.play(nil)
        #expect(await eventually { child.isStopped })
        child.end()
        #expect(await eventually { await player.phase == .waiting })
        #expect(asked.all == [StreamID("control")] && hub.calls.isEmpty)
    }

    @Test func anotherStreamTakesItsPlace() async throws {
        let player = player()
        await player.play(StreamID("a"))
        let first = try await child()
        await player.play(StreamID("b"))
        #expect(await eventually { first.isStopped })
        #expect(launcher.pipelines.count == 1)
        first.end()
        _ = try await child(2)
        #expect(asked.all == [StreamID("a"), StreamID("b")])
    }

    @Test func aRefusalIsNoEnd() async throws {
        let player = player()
        refusals.note(ConferenceFault(BridgeError(.forbidden, "no"), isPermanent: true, status: 403))
        await player.play(StreamID("a"))
        let first = try await child()
        first.say(.localDescription(sdp: SampleOffer.publish))
        #expect(await eventually { first.isStopped })
        first.end()
        refusals.note(nil)
        let second = try await child(2)
        second.say(.localDescription(sdp: SampleOffer.publish), .connected)
        #expect(await eventually { await player.phase == .live })
        async let closing: Void = player.close()
        #expect(await eventually { second.isStopped })
        second.end()
        await closing
        #expect(await player.phase == .ended)
    }
}
