import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

/// Composites among fakes: children and the hub say what the test wants.
@Suite struct CompositeDirectorTests {
    private let clock = TestClock()
    private let launcher = FakeLauncher()
    private let hub = FakeHub()
    private let ledger = MemoryLedger()
    private let streams: StreamRegister
    private let director: CompositeDirector
    private let camera = Sample.stream()

    init() {
        let outbox = OutboxWriter(reporter: EventReporter(translators: []), clock: clock.clock, service: FakeDelivery())
        streams = StreamRegister(hub: hub, clock: clock.clock)
        director = CompositeDirector(
            .init(
                launcher: launcher, hub: hub, streams: streams, ledger: ledger, outbox: outbox, clock: clock.clock, logger: Sample.logger),
            account: AccountID("public"))
    }

    private func order(_ inputs: [StreamID]) throws -> CompositeOrder {
        try CompositeOrder(
            reading: ["name": "wall", "inputs": .array(inputs.map { ["stream": .string($0.rawValue)] }), "width": 640, "height": 360])
    }

    /// The newest scene that a child was told.
    private func scene(_ child: FakePipeline) -> CompositeScene? {
        child.commands.reversed().lazy.compactMap { command -> CompositeScene? in
            guard case .scene(let scene) = command else { return nil }
            return scene
        }.first
    }

    private func isLive(_ id: CompositeID) async -> Bool {
        await eventually { await director.composite(id)?.phase == .live }
    }

    @Test func aCompositeIsAStreamThatFollowsWhoComesAndGoes() async throws {
        let status = try await director.make(order([camera.id, StreamID("other")]))
        #expect(status.phase == .starting && status.stream == StreamID("wall"))
        let child = try #require(await launcher.pipeline())
        guard case .composite(let plan) = child.plan.work else {
            Issue.record("\(child.plan)")
            return
        }
        #expect(plan.width == 640 && plan.tracks.map(\.codec) == [.h264, .opus])
        child.say(.started)
        #expect(await isLive(status.id))
        #expect(hub.calls.contains(.publish(StreamID("wall"), tracks: plan.tracks, sources: child.media)))
        #expect(scene(child)?.places.map(\.cell.x) == [0, 320])
        // An input comes: its packets go to the child.
        await director.streamChanged(.started(camera))
        #expect(child.commands.last == .addInput(CompositeInput(number: 1, tracks: camera.tracks)))
        guard case .subscribe(let subscriber, camera.id, [0, 1], let sinks, .live)? = hub.calls.last else {
            Issue.record("\(hub.calls)")
            return
        }
        #expect(sinks.count == 2)
        #expect(await director.composite(status.id)?.present == [camera.id])
        // It is taken out: the other one has all the room.
        _ = try await director.change(status.id, to: CompositeContent(inputs: [.init(stream: StreamID("other"), name: "")]))
        #expect(child.commands.last == .removeInput(1) && hub.calls.last == .unsubscribe(subscriber))
        #expect(scene(child)?.places.map(\.cell.width) == [640])
        try await director.end(status.id)
        #expect(child.isStopped && hub.calls.last == .unpublish(StreamID("wall"), source: .child(child.media[0])))
        #expect(await director.composites().isEmpty && ledger.events.map(\.kind) == [.compositeStarted, .compositeEnded])
        child.end()
    }

    @Test func aProcessThatEndsIsFollowedByAnother() async throws {
        let status = try await director.make(order([camera.id]))
        let first = try #require(await launcher.pipeline())
        await director.streamChanged(.started(camera))
        first.say(.started)
        #expect(await isLive(status.id))
        first.end(.failed(BridgeError(.pipelineCrashed, "gone")))
        #expect(await eventually { await director.composite(status.id)?.reason?.code == .pipelineCrashed })
        await clock.sleeper(for: .seconds(1))
        clock.advance(by: .seconds(1))
        let second = try #require(await launcher.pipeline(2))
        second.say(.started)
        #expect(await isLive(status.id))
        #expect(second.commands.contains(.addInput(CompositeInput(number: 1, tracks: camera.tracks))))
        // One event for all of its processes.
        #expect(ledger.events.map(\.kind) == [.compositeStarted])
    }

    @Test func aNameThatIsTakenIsRefused() async throws {
        _ = try await director.make(order([]))
        await #expect(throws: BridgeError.self) { _ = try await director.make(order([])) }
        await #expect(throws: BridgeError.self) { try await director.end(CompositeID("none")) }
        launcher.refuse(BridgeError(.pipelineUnavailable, "none"))
        var other = try order([])
        other.stream = nil
        await #expect(throws: BridgeError.self) { _ = try await director.make(other) }
        #expect(await director.composites().count == 1)
    }
}
