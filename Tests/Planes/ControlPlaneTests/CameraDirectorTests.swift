import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Foundation
import Testing

/// A far end that answers, refuses or ends a session as the test wants.
private final class ScriptedCall: ConferenceCall {
    let refusal: ConferenceFault?
    let hasLeft = Gate()
    private let (ends, mouth) = AsyncStream.makeStream(of: ConferenceFault.self)

    init(_ refusal: ConferenceFault?) {
        self.refusal = refusal
        hasLeft.close()
    }

    func say(_ fault: ConferenceFault) { mouth.yield(fault) }

    func join(_ offer: String) async throws(ConferenceFault) -> ConferenceAnswer {
        if let refusal { throw refusal }
        return ConferenceAnswer(sdp: SampleOffer.answer(to: offer), resource: Redacted("s"))
    }

    func attend() async throws(ConferenceFault) {
        for await fault in ends { throw fault }
    }

    func stop() { mouth.finish() }

    func leave() async { hasLeft.open() }
}

/// A camera among fakes: its children, the hub and the far end say what the test wants.
@Suite struct CameraDirectorTests {
    private let clock = TestClock()
    private let launcher = FakeLauncher()
    private let hub = FakeHub()
    private let calls = Journal<ScriptedCall>()
    private let refusals = Journal<ConferenceFault>()
    private let folder = NSTemporaryDirectory() + "camera-\(UUID().uuidString)"
    private struct Unexpected: Error {}
    private static let lost = BridgeError(.connectionLost, "lost")

    private func director(offline: Bool = false, standsBy: Bool = false) -> CameraDirector {
        let capture = CapturePlan(
            source: .test, videoCodec: .vp8, width: 64, height: 64, framesPerSecond: 5, bitrate: 1, keyframeInterval: .seconds(1),
            audio: true)
        var terms = CameraDirector.Terms(
            stream: StreamID("gate"), capture: capture, identity: Sample.identity, ice: IceSettings(), ladder: ConferenceMachine.Limits()
        ) { () throws(ConferenceFault) in
            let call = ScriptedCall(refusals.all.last)
            calls.note(call)
            return call
        }
        terms.standsBy = standsBy
        if offline { terms.offline = OfflineRecorder.Terms(folder: folder, limit: 1 << 30) }
        return CameraDirector(
            .init(launcher: launcher, hub: hub, clock: clock.clock, logger: Sample.logger), terms: terms)
    }

    /// All children of this kind that were started.
    private func children(_ prefix: String) -> [FakePipeline] { launcher.pipelines.filter { $0.id.rawValue.hasPrefix(prefix) } }

    private func child(_ prefix: String, _ count: Int = 1) async throws -> FakePipeline {
        #expect(await clock.pass { children(prefix).count >= count })
        return try #require(children(prefix).dropFirst(count - 1).first)
    }

    private func goLive(_ director: CameraDirector, _ session: Int) async throws -> FakePipeline {
        let peer = try await child("camera", session)
        peer.say(.localDescription(sdp: SampleOffer.publish), .connected)
        #expect(await eventually { await director.phase == .live })
        return peer
    }

    @Test func aSourceThatFailsComesBackWithinTheSession() async throws {
        let director = director()
        async let end = director.run()
        let source = try await child("capture")
        guard case .capture(let plan) = source.plan.work else { throw Unexpected() }
        #expect(hub.calls.first == .publish(StreamID("gate"), tracks: plan.tracks, sources: source.media))
        source.say(.started)
        let peer = try await goLive(director, 1)
        source.end(.failed(BridgeError(.noMedia, "unplugged")))
        let next = try await child("capture", 2)
        next.say(.started)
        #expect(await eventually { hub.calls.last == .publish(StreamID("gate"), tracks: plan.tracks, sources: next.media) })
        #expect(await director.phase == .live && children("camera").count == 1 && !peer.isStopped)
        await director.stop()
        #expect(await eventually { peer.isStopped })
        peer.end()
        #expect(await eventually { next.isStopped })
        next.end()
        #expect(await end == nil)
        await calls.all.first?.hasLeft.pass()
    }

    @Test func aMicrophoneIsKnownAsItsSourceTells() async throws {
        let director = director()
        async let end = director.run()
        let source = try await child("capture")
        source.say(.started)
        let peer = try await goLive(director, 1)
        #expect(await director.microphone == nil)
        let away = MicrophoneState.away(BridgeError(.noMedia, "unplugged"))
        source.say(.microphone(away))
        #expect(await eventually { await director.microphone == away })
        source.say(.microphone(.heard))
        #expect(await eventually { await director.microphone == .heard })
        // Nobody knows what became of it while its source is away.
        source.end(.failed(BridgeError(.noMedia, "unplugged")))
        #expect(await eventually { await director.microphone == nil })
        let next = try await child("capture", 2)
        await director.stop()
        #expect(await eventually { peer.isStopped })
        peer.end()
        #expect(await eventually { next.isStopped })
        next.end()
        #expect(await end == nil)
        await calls.all.first?.hasLeft.pass()
    }

    @Test func whatIsAskedOfPicturesHoldsForTheNextSourceToo() async throws {
        let director = director()
        async let end = director.run()
        let source = try await child("capture")
        let controls = CaptureControls(director, tracks: [], torch: nil, talk: nil)
        #expect(await eventually { await director.source == PipelineStats() })
        try await controls.perform(.zoom(2))
        var asked = CaptureAdjustment()
        asked.zoom = 2
        #expect(await eventually { source.commands == [.adjust(asked)] })
        for order in [CameraOrder.zoom(9), .torch(true), .talk(nil), .mute(.audio, true), .idle] {
            await #expect(throws: BridgeError.self) { try await controls.perform(order) }
        }
        source.end(.failed(BridgeError(.noMedia, "unplugged")))
        let next = try await child("capture", 2)
        guard case .capture(let plan) = next.plan.work else { throw Unexpected() }
        #expect(plan.adjustment == asked)
        await director.stop()
        #expect(await eventually { next.isStopped })
        next.end()
        #expect(await end == nil)
    }

    @Test func whoStandsByBeginsAndEndsWhenItIsTold() async throws {
        let director = director(standsBy: true)
        async let end = director.run()
        await director.rest()
        #expect(children("").isEmpty)
        await director.begin(greatestHeight: 32)
        let source = try await child("capture")
        guard case .capture(let plan) = source.plan.work else { throw Unexpected() }
        #expect(plan.height == 32 && plan.width == 32)
        source.say(.started)
        let peer = try await goLive(director, 1)
        // Smaller pictures are no reason to begin anew; larger ones are, within the session.
        await director.begin(greatestHeight: 16)
        #expect(!source.isStopped)
        await director.begin(greatestHeight: nil)
        #expect(await eventually { source.isStopped })
        source.end()
        let larger = try await child("capture", 2)
        guard case .capture(let whole) = larger.plan.work else { throw Unexpected() }
        #expect(whole.height == 64 && !peer.isStopped)
        larger.say(.started)

        await director.rest()
        #expect(await eventually { peer.isStopped && larger.isStopped })
        peer.end()
        #expect(await eventually { await director.phase == .waiting })
        // The next source waits for the one before.
        await director.begin(greatestHeight: nil)
        #expect(children("capture").count == 2)
        larger.end()
        try await child("capture", 3).say(.started)
        let next = try await goLive(director, 2)
        #expect(children("").count == 5)
        await director.stop()
        #expect(await eventually { next.isStopped })
        next.end()
        let last = try await child("capture", 3)
        #expect(await eventually { last.isStopped })
        last.end()
        #expect(await end == nil)
    }

    @Test func aSessionThatTheOtherSideEndsIsFollowedByAnother() async throws {
        let director = director()
        async let end = director.run()
        let source = try await child("capture")
        source.say(.started)
        let peer = try await goLive(director, 1)
        calls.all.first?.say(ConferenceFault(Self.lost))
        #expect(await eventually { peer.isStopped })
        peer.end()
        let next = try await goLive(director, 2)
        // The source heard nothing of it.
        #expect(children("capture").count == 1 && !source.isStopped)
        await director.stop()
        #expect(await eventually { next.isStopped })
        next.end()
        #expect(await eventually { source.isStopped })
        source.end()
        #expect(await end == nil)
    }

    @Test func aRefusalForGoodIsTheEnd() async throws {
        let fault = ConferenceFault(BridgeError(.forbidden, "no"), isPermanent: true, status: 401)
        refusals.note(fault)
        let director = director()
        async let end = director.run()
        let source = try await child("capture")
        source.say(.started)
        let peer = try await child("camera")
        peer.say(.localDescription(sdp: SampleOffer.publish))
        #expect(await eventually { peer.isStopped })
        peer.end()
        #expect(await eventually { source.isStopped })
        source.end()
        #expect(await end == fault)
    }

    @Test func whatIsLostIsRecordedHereUntilTheNextSession() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let director = director(offline: true)
        async let end = director.run()
        let source = try await child("capture")
        source.say(.started)
        let peer = try await goLive(director, 1)
        #expect(hub.calls.contains(.keepPreRoll(StreamID("gate"), OfflineRecorder.preRoll)) && children("offline").isEmpty)
        calls.all.first?.say(ConferenceFault(Self.lost))
        let recorder = try await child("offline")
        guard case .record(let plan) = recorder.plan.work else { throw Unexpected() }
        #expect(plan.path.hasPrefix(folder) && plan.path.hasSuffix("/part-1-1.webm") && plan.segmentation?.bytes == 1 << 27)
        #expect(!recorder.isStopped)
        peer.end()
        let next = try await goLive(director, 2)
        #expect(await eventually { recorder.isStopped })
        recorder.end(.finished(bytes: 5, duration: .seconds(1)))
        #expect(await eventually { hub.calls.contains(.unsubscribe(recorder.id)) })
        await director.stop()
        #expect(await eventually { next.isStopped })
        next.end()
        #expect(await eventually { source.isStopped })
        source.end()
        #expect(await end == nil && children("offline").count == 1)
    }
}
