import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

/// A camera's agent that notes what it is told, and does it unless it is deaf.
private final class TestAgent: Sendable {
    let told = Journal<CameraOrder>()
    private let registry: CameraRegistry
    private let socket: CameraSocketID

    init(_ registry: CameraRegistry, _ abilities: CameraAbilities, account: String = "acme", isDeaf: Bool = false) async {
        let (orders, mouth) = AsyncStream.makeStream(of: Int.self)
        self.registry = registry
        socket = await registry.open(ClientID("camera"), of: AccountID(account)) { [told] event in
            guard case .order(let number, let order) = event else { return }
            told.note(order)
            if !isDeaf { mouth.yield(number) }
        }
        Task { [socket] in for await number in orders { await registry.receive(.done(number), from: socket) } }
        await registry.receive(.hello(abilities), from: socket)
    }

    func say(frames: Int) async {
        var health = CameraHealth()
        health.frames = frames
        await registry.receive(.health(health), from: socket)
    }

    func leave(_ end: CameraEnd = .connectionLost) async { await registry.lost(socket, end) }
}

private final class FakeMixes: RoomMixes {
    let calls = Journal<String>()

    func mix(of room: RoomID, without participant: ParticipantID) async throws(BridgeError) -> StreamID {
        calls.note("mix \(room)")
        return StreamID("mix-\(room)")
    }

    func endMix(of room: RoomID, without participant: ParticipantID) async { calls.note("end \(room)") }
}

@Suite(.timeLimit(.minutes(1))) struct RoomAgentTests {
    private let mixes = FakeMixes()
    private let bench: RoomBench
    private let room = RoomBench.room
    private let following: Task<Void, Never>

    init() {
        let bench = RoomBench(mixes: mixes)
        self.bench = bench
        following = Task { for await change in bench.cameras.changes { await bench.directory.cameraChanged(change) } }
    }

    private static let order = SeatOrder(
        source: .camera(ClientID("camera")), displayName: "Helmet", receives: [.audio], greatestHeight: 360)
    private static let standBy = CameraAbilities(publishes: true, torch: true, talks: true)

    private func seat(_ order: SeatOrder = order, in room: RoomID = RoomBench.room) async throws -> RoomSeat {
        try await bench.directory.seat(order, in: room).seat
    }

    private func abilities() async -> CameraAbilities? { await bench.directory.room(room)?.seats.first?.abilities }

    @Test func aSeatBeginsItsCameraAndTheLastOneEndsIt() async throws {
        try await bench.open()
        try await bench.open("other")
        let agent = await TestAgent(bench.cameras, Self.standBy)
        let first = try await seat()
        #expect(await eventually { agent.told.all.contains(.publish(greatestHeight: 360)) })
        #expect(await eventually { await abilities() == Self.standBy })
        var more = Self.order
        more.greatestHeight = 720
        let second = try await seat(more, in: RoomID("other"))
        #expect(await eventually { agent.told.all.last == .publish(greatestHeight: 720) })
        try await bench.directory.administer(.unseat(first.id), in: room)
        let count = agent.told.all.count
        try await bench.directory.administer(.unseat(second.id), in: RoomID("other"))
        #expect(await eventually { agent.told.all.last == .idle })
        #expect(agent.told.all.count == count + 1)
        following.cancel()
    }

    @Test func anAgentThatComesLaterOrBackIsToldWhatItsSeatNeeds() async throws {
        try await bench.open()
        _ = try await seat()
        let agent = await TestAgent(bench.cameras, Self.standBy)
        #expect(await eventually { agent.told.all.first == .publish(greatestHeight: 360) })
        await bench.directory.streamChanged(.started(Sample.stream()))
        #expect(await eventually { agent.told.all.last == .talk(StreamID("mix-standup")) })
        await agent.leave()
        #expect(await eventually { await abilities() == nil })
        let next = await TestAgent(bench.cameras, Self.standBy)
        #expect(await eventually { next.told.all.contains(.publish(greatestHeight: 360)) })
        #expect(await eventually { next.told.all.contains(.talk(StreamID("mix-standup"))) })
        // Its stream drops: there is nobody to talk to; with the room ends the rest.
        await bench.directory.streamChanged(.lost(StreamID("camera")))
        #expect(await eventually { next.told.all.last == .talk(nil) && mixes.calls.all.last == "end standup" })
        try await bench.directory.administer(.close, in: room)
        #expect(await eventually { next.told.all.last == .idle })
        following.cancel()
    }

    @Test func aStreamThatIsSeatedIsNotBegunButMayBeTold() async throws {
        try await bench.open()
        var order = Self.order
        order.source = .stream(StreamID("camera"))
        let agent = await TestAgent(bench.cameras, CameraAbilities(torch: true))
        let seat = try await seat(order)
        let anna = try await bench.join("standup expert anna")
        let ben = try await bench.join("standup viewer ben")
        #expect(await eventually { await abilities()?.torch == true })
        #expect(await bench.directory.direct(.torch(true), seat.id, from: anna.id) == nil)
        #expect(agent.told.all == [.torch(true)])
        guard case .failed(let error)? = await bench.directory.direct(.zoom(2), seat.id, from: anna.id) else {
            Issue.record("a camera zooms that cannot")
            return
        }
        #expect(error.code == .invalidField)
        for (order, socket, code) in [
            (CameraOrder.torch(false), ben, RoomError.Code.forbidden), (.idle, anna, .invalidField), (.talk(nil), anna, .invalidField),
        ] {
            guard case .notice(.refused(let error))? = await bench.directory.direct(order, seat.id, from: socket.id) else {
                Issue.record("\(order) was taken")
                continue
            }
            #expect(error.code == code)
        }
        #expect(agent.told.all == [.torch(true)])
        following.cancel()
    }

    @Test func anAgentOfAnotherAccountIsNotTheRooms() async throws {
        try await bench.open()
        let agent = await TestAgent(bench.cameras, Self.standBy, account: "umbrella")
        _ = try await seat()
        let own = await TestAgent(bench.cameras, Self.standBy)
        #expect(await eventually { own.told.all.contains(.publish(greatestHeight: 360)) })
        #expect(agent.told.all.allSatisfy { $0 == .idle || $0 == .talk(nil) })
        following.cancel()
    }

    @Test func anAgentThatDoesNotAnswerIsUnavailable() async throws {
        let agent = await TestAgent(bench.cameras, CameraAbilities(torch: true), isDeaf: true)
        async let outcome: BridgeError? = {
            do throws(BridgeError) {
                try await bench.cameras.perform(.torch(true), on: ClientID("camera"), of: AccountID("acme"))
                return nil
            } catch { return error }
        }()
        #expect(await eventually { !agent.told.all.isEmpty })
        bench.clock.advance(by: .seconds(6))
        #expect(await outcome?.code == .unavailable)
        await #expect { try await bench.cameras.perform(.idle, on: ClientID("none"), of: AccountID("acme")) } throws: {
            ($0 as? BridgeError)?.code == .notFound
        }
        #expect(await bench.cameras.cameras(of: AccountID("acme")).map(\.isOnline) == [true])
        await agent.leave()
        #expect(await bench.cameras.camera(ClientID("camera"), of: AccountID("acme"))?.isOnline == false)
        following.cancel()
    }

    @Test func theLastWordOfTheAgentThatIsThereSaysHowItsCameraIs() async throws {
        let report = { await bench.cameras.camera(ClientID("camera"), of: AccountID("acme"))?.report }
        let first = await TestAgent(bench.cameras, Self.standBy)
        #expect(await report() == nil)
        await first.say(frames: 1)
        let earlier = try #require(await report())
        bench.clock.advance(by: .seconds(10))
        await first.say(frames: 2)
        let newest = try #require(await report())
        #expect(newest.health.frames == 2 && newest.at.nanoseconds - earlier.at.nanoseconds == 10_000_000_000)
        // A newer agent has said nothing so far, and the older one is nobody by now.
        let second = await TestAgent(bench.cameras, Self.standBy)
        await first.say(frames: 3)
        #expect(await report() == nil)
        await second.say(frames: 4)
        #expect(await report()?.health.frames == 4)
        await second.leave()
        #expect(await report() == nil)
        following.cancel()
    }

    /// The documents of the log, by kind and cause.
    private func told() async throws -> [String] {
        _ = await bench.told()
        return try bench.ledger.events.map { event in
            let cause = try JSONValue.read(event.facts.text.utf8)["cause"]?.string
            return ([event.kind.rawValue] + [cause].compactMap { $0 }).joined(separator: " ")
        }
    }

    @Test func aCameraIsOnlineUntilItHasBeenAwayForAWhile() async throws {
        let first = await TestAgent(bench.cameras, Self.standBy)
        // A newer one takes over, and what the older one's socket says then is nothing.
        let second = await TestAgent(bench.cameras, CameraAbilities(torch: true))
        await first.leave()
        await second.leave(.left)
        let third = await TestAgent(bench.cameras, Self.standBy)
        bench.clock.advance(by: .seconds(60))
        await third.leave(.protocolError)
        #expect(await bench.cameras.camera(ClientID("camera"), of: AccountID("acme"))?.isOnline == false)
        let ledger = bench.ledger
        let writing = Task { [journal = bench.journal] in await journal.run() }
        #expect(await bench.clock.pass { ledger.events.count == 2 })
        _ = await TestAgent(bench.cameras, Self.standBy)
        await bench.cameras.shutDown()
        bench.journal.finish()
        await writing.value
        #expect(
            try await told() == ["camera.online", "camera.offline protocol_error", "camera.online", "camera.offline bridge_stopped"])
        following.cancel()
    }

    @Test func camerasThatWereThereWhenTheBridgeWasKilledAreOffline() async throws {
        let agents = [await TestAgent(bench.cameras, Self.standBy), await TestAgent(bench.cameras, Self.standBy, account: "umbrella")]
        await agents[0].leave()
        #expect(try await told() == ["camera.online", "camera.online"])
        let next = RoomBench(ledger: bench.ledger)
        try await next.journal.recover()
        #expect(try await told().suffix(2) == ["camera.offline bridge_restarted", "camera.offline bridge_restarted"])
        try await next.journal.recover()
        #expect(bench.ledger.events.count == 4)
        following.cancel()
    }
}
