import Bridge
import BridgeModel
import BridgeTesting
import Logging
import SDP
import Testing

@testable import ControlPlane

/// Others at a far end, who say what the test wants.
private final class ScriptedVoices: ConferenceVoices {
    let offers: AsyncStream<ConferenceVoice>
    let mouth: AsyncStream<ConferenceVoice>.Continuation
    let told = Journal<String>()

    init() { (offers, mouth) = AsyncStream.makeStream() }

    func answer(_ voice: VoiceNumber, _ sdp: String) async { told.note("answer \(voice) \(sdp.contains("a=recvonly"))") }
    func connected(_ voice: VoiceNumber) async { told.note("connected \(voice)") }
    func lost(_ voice: VoiceNumber) async { told.note("lost \(voice)") }
    func restart() async { told.note("restart") }
}

/// A camera's agent that notes what it is to play.
private final class TalkingCameras: DirectedCameras {
    let orders = Journal<CameraOrder>()

    func cameras(of account: AccountID) async -> [DirectedCamera] { [] }
    func camera(_ id: ClientID, of account: AccountID) async -> DirectedCamera? { nil }
    func perform(_ order: CameraOrder, on camera: ClientID, of account: AccountID) async throws(BridgeError) { orders.note(order) }
    func spoken(to camera: ClientID, of account: AccountID) async -> StreamID? { nil }
}

/// The others' sound as a stream, among fakes.
@Suite(.timeLimit(.minutes(1))) struct WayBackTests {
    private let clock = TestClock()
    private let launcher = FakeLauncher()
    private let hub = FakeHub()
    private let cameras = TalkingCameras()
    private let streams: StreamRegister
    private let wayBack: WayBack
    private let voices = ScriptedVoices()
    private let name = StreamID("ears")

    init() {
        streams = StreamRegister(hub: hub, clock: clock.clock)
        wayBack = WayBack(
            name, to: Sample.stream().context, plan: ListenPlan(identity: Sample.identity),
            services: .init(
                launcher: launcher, streams: streams, cameras: cameras, clock: clock.clock, logger: Sample.logger, allowed: { $0 },
                ice: { IceSettings(stunServer: "stun://s.example:3478") }))
    }

    private func begin() async throws -> FakePipeline {
        await wayBack.start()
        await wayBack.take(voices)
        let child = try #require(await launcher.pipeline())
        child.say(.started)
        #expect(await eventually { voices.told.all == ["restart"] })
        return child
    }

    private func heard(_ child: FakePipeline, _ count: Int = 1) async throws -> VoiceOffer {
        let offers = { child.commands.compactMap { command in if case .hear(let offer) = command { offer } else { nil } } }
        #expect(await eventually { offers().count == count })
        return try #require(offers().last)
    }

    @Test func theOthersAreAStreamThatTheCameraPlays() async throws {
        let child = try await begin()
        #expect(hub.calls == [.publish(name, tracks: [ListenPlan.track], sources: child.media)])
        #expect(await wayBack.status == WayBackStatus(stream: name, isLive: true))
        voices.mouth.yield(.offered(7, sdp: SampleOffer.publish))
        let offer = try await heard(child)
        #expect(offer.track.codec == .opus && !offer.fingerprints.isEmpty && offer.ice.stunServer == "stun://s.example:3478")
        child.say(.voice(offer.number, .answer(sdp: SampleOffer.answer(to: offer.sdp))), .voice(offer.number, .connected))
        #expect(await eventually { await wayBack.status.voices == 1 })
        #expect(await eventually { voices.told.all.last == "connected 7" })
        child.say(.voice(offer.number, .ended(BridgeError(.connectionLost, "gone"))))
        #expect(await eventually { voices.told.all.last == "lost 7" })
        #expect(await wayBack.status.voices == 0 && child.commands.last == .removeInput(offer.number))
        // What holds no sound is not for the child.
        voices.mouth.yield(.offered(8, sdp: "v=0"))
        #expect(await eventually { voices.told.all.last == "lost 8" })
        await wayBack.end()
        #expect(child.isStopped && hub.calls.last == .unpublish(name, source: .child(child.media[0])))
        #expect(cameras.orders.all == [.talk(name), .talk(nil)])
        child.end()
    }

    @Test func aNewSessionsVoicesTakeThePlaceOfTheFormerOnes() async throws {
        let child = try await begin()
        voices.mouth.yield(.offered(1, sdp: SampleOffer.publish))
        let first = try await heard(child)
        let next = ScriptedVoices()
        await wayBack.take(next)
        #expect(child.commands.last == .removeInput(first.number))
        next.mouth.yield(.offered(1, sdp: SampleOffer.publish))
        let second = try await heard(child, 2)
        #expect(second.number != first.number)
        next.mouth.finish()
        #expect(await eventually { child.commands.last == .removeInput(second.number) })
        #expect(await wayBack.status.isLive, "the stream stays between sessions")
    }

    @Test func aProcessThatEndsIsFollowedByAnotherThatIsToldOfAll() async throws {
        let child = try await begin()
        child.end(.failed(BridgeError(.pipelineCrashed, "gone")))
        #expect(await eventually { await wayBack.status.reason?.code == .pipelineCrashed })
        await clock.sleeper(for: .seconds(1))
        clock.advance(by: .seconds(1))
        let second = try #require(await launcher.pipeline(2))
        second.say(.started)
        #expect(await eventually { voices.told.all == ["restart", "restart"] })
        #expect(await wayBack.status == WayBackStatus(stream: name, isLive: true))
    }

    @Test func oneThatEndsWhileItsProcessComesUpLeavesNothing() async throws {
        await wayBack.start()
        let child = try #require(await launcher.pipeline())
        await wayBack.end()
        child.say(.started)
        #expect(await eventually { child.isStopped })
        #expect(hub.calls.isEmpty && cameras.orders.all.isEmpty)
        child.end()
    }

    @Test func aNameThatIsTakenIsTried() async throws {
        var other = Sample.stream()
        other.context.stream = name
        #expect(await streams.publish(other, sources: []))
        await wayBack.start()
        #expect(await eventually { await wayBack.status.reason?.code == .invalidField })
        #expect(launcher.pipelines.isEmpty)
        await wayBack.end()
    }
}
