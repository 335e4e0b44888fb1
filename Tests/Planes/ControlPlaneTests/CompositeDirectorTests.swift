import BridgeModel
import BridgeTesting
import ControlPlane
import Synchronization
import Testing

@testable import Bridge

/// One room, which shows what a test says.
private final class FakeRoomViews: RoomViews {
    static let room = RoomID("standup")
    private let watchers = Mutex<[AsyncStream<RoomView>.Continuation]>([])

    func watch(_ room: RoomID) async -> RoomWatch? {
        guard room == Self.room else { return nil }
        let (views, watcher) = AsyncStream.makeStream(of: RoomView.self)
        watchers.withLock { $0.append(watcher) }
        return RoomWatch(account: AccountID("acme"), views: views)
    }

    func show(_ view: RoomView) { watchers.withLock { for watcher in $0 { watcher.yield(view) } } }

    func close() { watchers.withLock { for watcher in $0 { watcher.finish() } } }
}

/// Pictures in memory.
private final class FakeBackgrounds: BackgroundStore {
    let files = Mutex<[BackgroundName: [UInt8]]>([:])

    func all() async throws(BridgeError) -> [Background] { [] }

    func write(_ picture: [UInt8], _ header: PictureHeader, as name: BackgroundName) async throws(BridgeError) -> Background {
        files.withLock { $0[name] = picture }
        return Background(name: name, header: header, bytes: picture.count, updatedAt: WallTime(milliseconds: 0), path: "/data/\(name)")
    }

    func read(_ background: Background) async -> [UInt8]? { files.withLock { $0[background.name] } }

    func remove(_ background: Background) async throws(BridgeError) { files.withLock { $0[background.name] = nil } }
}

/// Composites among fakes: children and the hub say what the test wants.
@Suite struct CompositeDirectorTests {
    private let clock = TestClock()
    private let launcher = FakeLauncher()
    private let hub = FakeHub()
    private let ledger = MemoryLedger()
    private let streams: StreamRegister
    private let director: CompositeDirector
    private let camera = Sample.stream()
    private let rooms = FakeRoomViews()
    private let backgrounds = FakeBackgrounds()

    init() {
        let outbox = OutboxWriter(reporter: EventReporter(translators: []), clock: clock.clock, service: FakeDelivery())
        streams = StreamRegister(hub: hub, clock: clock.clock)
        director = CompositeDirector(
            .init(
                launcher: launcher, hub: hub, streams: streams, rooms: rooms, backgrounds: backgrounds, ledger: ledger, outbox: outbox,
                clock: clock.clock, logger: Sample.logger),
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
        #expect(await director.composite(status.id)?.guests.map { $0.source?.stream } == [camera.id, nil])
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

    @Test func oneOnDemandRunsWhileSomebodyTakesItsStream() async throws {
        let wall = StreamID("wall")
        hub.audience.withLock { $0[wall] = 0 }
        var order = try order([camera.id])
        order.isOnDemand = true
        let status = try await director.make(order)
        // Its stream is there, and nothing runs.
        #expect(await eventually { await director.composite(status.id)?.phase == .idle })
        #expect(await streams.stream(wall)?.tracks.map(\.codec) == [.h264, .opus])
        #expect(launcher.pipelines.isEmpty)
        clock.advance(by: .seconds(5))
        #expect(launcher.pipelines.isEmpty)
        hub.audience.withLock { $0[wall] = 1 }
        #expect(await clock.pass { launcher.pipelines.count == 1 })
        let child = try #require(launcher.pipelines.first)
        child.say(.started)
        #expect(await isLive(status.id))
        // Somebody who comes back within ten seconds finds it running.
        hub.audience.withLock { $0[wall] = 0 }
        for _ in 0..<20 { clock.advance(by: .milliseconds(250)) }
        hub.audience.withLock { $0[wall] = 1 }
        await clock.sleeper(for: .milliseconds(250))
        #expect(!child.isStopped)
        hub.audience.withLock { $0[wall] = 0 }
        #expect(await clock.pass { child.isStopped })
        child.end()
        #expect(await eventually { await director.composite(status.id)?.phase == .idle })
        #expect(await director.composite(status.id)?.reason == nil)
        hub.audience.withLock { $0[wall] = 1 }
        #expect(await clock.pass { launcher.pipelines.count == 2 })
        try await director.end(status.id)
        #expect(await streams.stream(wall) == nil && ledger.events.map(\.kind) == [.compositeStarted, .compositeEnded])
        launcher.pipelines.last?.end()
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

    // MARK: - Rooms

    /// Somebody with a microphone, and a camera that is shown or muted.
    private static func view(_ people: [String], muted: Set<String> = []) -> RoomView {
        var view = RoomView()
        for person in people {
            let id = ParticipantID(person)
            view.people.append(RoomParticipant(id: id, role: .host, name: person))
            for (index, kind) in [RoomTrackKind.camera, .microphone].enumerated() {
                var track = RoomTrack(id: RoomTrackID("\(person)\(index)"), owner: id, kind: kind, mid: "\(index)")
                track.isMutedByOwner = muted.contains(person)
                let description = Sample.stream().tracks[index]
                view.tracks.append(.init(track, source: RoomTrackSource(stream: StreamID("of-\(person)"), description: description)))
            }
        }
        return view
    }

    private func subscribed() -> [String] {
        hub.calls.compactMap { if case .subscribe(_, let stream, _, _, _) = $0 { stream.rawValue } else { nil } }
    }

    @Test func aCompositeOfARoomFollowsItAndEndsWithIt() async throws {
        let status = try await director.make(
            CompositeOrder(reading: ["room": "standup", "without": ["zoe"], "width": 640, "height": 360]))
        let child = try #require(await launcher.pipeline())
        child.say(.started)
        #expect(await isLive(status.id))
        rooms.show(Self.view(["anna", "zoe", "ben"]))
        #expect(await eventually { scene(child)?.places.map(\.name) == ["anna", "ben"] })
        #expect(await eventually { Set(subscribed()) == ["of-anna", "of-ben"] })
        rooms.show(Self.view(["anna", "ben"], muted: ["anna"]))
        #expect(await eventually { scene(child)?.places.map(\.isCovered) == [true, false] && scene(child)?.silenced == [1] })
        // Nothing is taken anew for that.
        #expect(subscribed().count == 2)
        rooms.show(Self.view(["ben"]))
        #expect(await eventually { child.commands.last == .removeInput(1) && scene(child)?.places.map(\.cell.width) == [640] })
        rooms.close()
        #expect(await eventually { await director.composite(status.id) == nil && child.isStopped })
        #expect(await eventually { ledger.events.map(\.kind) == [.compositeStarted, .compositeEnded] })
        child.end()
    }

    @Test func aRoomsOnePictureIsRefusedBeforehandWhereNoMoreAreMade() async throws {
        for number in 1..<8 {
            var order = try order([])
            order.stream = StreamID("wall-\(number)")
            _ = try await director.make(order)
        }
        try await director.check(FakeRoomViews.room)
        let asked = Task { try await director.start(FakeRoomViews.room, for: .recording) }
        let child = try #require(await launcher.pipeline(8))
        // It is there already: more uses cost nothing.
        try await director.check(FakeRoomViews.room)
        await #expect { try await director.check(RoomID("other")) } throws: { ($0 as? BridgeError)?.code == .limitReached }
        // Who waits for it hears when it is not wanted any more.
        await director.end(FakeRoomViews.room, for: .recording)
        await #expect(throws: BridgeError.self) { try await asked.value }
        child.end()
    }

    @Test func aRoomThatIsNotThereHasNoComposite() async throws {
        let order = try CompositeOrder(reading: ["room": "nowhere"])
        await #expect { try await director.make(order) } throws: { ($0 as? BridgeError)?.code == .notFound }
        await #expect { try await director.mix(of: RoomID("nowhere"), without: ParticipantID("anna")) } throws: {
            ($0 as? BridgeError)?.code == .notFound
        }
        #expect(await director.composites().isEmpty)
    }

    @Test func aMixIsOneStreamOfTheOthersSound() async throws {
        let anna = ParticipantID("anna")
        let asked = Task { try await director.mix(of: FakeRoomViews.room, without: anna) }
        let child = try #require(await launcher.pipeline())
        guard case .composite(let plan) = child.plan.work else {
            Issue.record("\(child.plan)")
            return
        }
        #expect(plan.tracks.map(\.codec) == [.opus] && plan.tracks.map(\.index) == [0])
        child.say(.started)
        let stream = try await asked.value
        #expect(try await director.mix(of: FakeRoomViews.room, without: anna) == stream)
        #expect(await streams.stream(stream)?.context.account == AccountID("acme"))
        rooms.show(Self.view(["anna", "ben"]))
        #expect(await eventually { subscribed() == ["of-ben"] })
        #expect(
            child.commands.contains(.addInput(CompositeInput(number: 1, tracks: [Sample.stream().tracks[1]])))
                && scene(child)?.places.isEmpty == true)
        // It is the listener's alone: nobody is shown it or told of it.
        #expect(await director.composites().isEmpty && ledger.events.isEmpty)
        await director.endMix(of: FakeRoomViews.room, without: anna)
        #expect(child.isStopped)
        child.end()
    }

    @Test func aMixWhoseProcessDoesNotComeUpIsNotWaitedFor() async throws {
        let asked = Task { try await director.mix(of: FakeRoomViews.room, without: ParticipantID("anna")) }
        let child = try #require(await launcher.pipeline())
        child.end(.failed(BridgeError(.pipelineCrashed, "gone")))
        await #expect(throws: BridgeError.self) { try await asked.value }
    }

    /// A JPEG's head, of 640x360.
    private static let picture: [UInt8] =
        [0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 1, 0x68, 2, 0x80, 1, 1, 0x11, 0, 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0x55, 0xFF, 0xD9]
    private static let office = BackgroundName("office")

    private func order(background: BackgroundName) throws -> CompositeOrder {
        try CompositeOrder(
            reading: [
                "name": "wall", "inputs": [["stream": "a"]],
                "layout": ["kind": "grid", "background": ["image": .string(background.rawValue)]],
            ])
    }

    @Test func aPictureBehindIsOrderedReplacedAndKeptWhileItIsShown() async throws {
        await #expect(throws: BridgeError.self) { try await director.save([1, 2, 3], as: Self.office) }
        let refusal = await #expect(throws: BridgeError.self) { try await director.make(order(background: Self.office)) }
        #expect(refusal?.code == .backgroundUnreadable)
        #expect(try await director.save(Self.picture, as: Self.office).isNew)
        let status = try await director.make(order(background: Self.office))
        let child = try #require(await launcher.pipeline())
        child.say(.started)
        #expect(await isLive(status.id))
        let image = try #require(scene(child)?.image)
        #expect(image.path == "/data/office" && image.name == Self.office)
        #expect(await director.composite(status.id)?.background == .loading)
        child.say(.background(image, nil))
        #expect(await eventually { await director.composite(status.id)?.background == .shown })
        // The same name, another picture.
        #expect(try await director.save(Self.picture, as: Self.office).isNew == false)
        let next = try #require(scene(child)?.image)
        #expect(next != image && next.path == image.path)
        // What the child says of the one before is late.
        child.say(.background(image, nil))
        let broken = BridgeError(.backgroundUnreadable, "It is broken.")
        child.say(.background(next, broken))
        #expect(await eventually { await director.composite(status.id)?.background == .failed(broken) })
        #expect(await director.composite(status.id)?.phase == .live)
        let inUse = await #expect(throws: BridgeError.self) { try await director.remove(Self.office) }
        #expect(inUse?.code == .backgroundInUse && inUse?.message.contains("wall") == true)
        // Without it there is none to tell of.
        _ = try await director.change(status.id, to: CompositeContent(inputs: []))
        #expect(scene(child)?.image == nil)
        #expect(await director.composite(status.id)?.background == nil)
        try await director.remove(Self.office)
        #expect(backgrounds.files.withLock { $0.isEmpty })
        await #expect(throws: BridgeError.self) { try await director.picture(Self.office) }
        try await director.end(status.id)
    }

    @Test func thereAreOnlySoManyBackgrounds() async throws {
        for number in 0..<Background.most { _ = try await director.save(Self.picture, as: BackgroundName("b\(number)")) }
        let refusal = await #expect(throws: BridgeError.self) { try await director.save(Self.picture, as: Self.office) }
        #expect(refusal?.code == .limitReached)
        #expect(try await director.save(Self.picture, as: BackgroundName("b0")).isNew == false)
    }
}
