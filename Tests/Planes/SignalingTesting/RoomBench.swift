package import Bridge
package import BridgeModel
import Logging
package import SignalingPlane
package import Signaling

/// Room sockets on one room, in virtual time. A link's token is its participant's name.
package struct RoomBench: Sendable {
    package static let room = RoomID("standup")
    package let time = ManualClock()
    package let door: BenchRoom
    package let service: RoomSocketService

    /// - Parameter links: Who has a link, and with what role; it is good for an hour.
    package init(_ links: [String: RoomRole], settings: RoomSettings = RoomSettings(), limits: SocketLimits = .ofRooms) {
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        var grants: BenchRoom.Links = [:]
        for (name, role) in links {
            var grant = RoomGrant(
                account: PlaneBench.account, room: Self.room, role: role, expiresAt: BenchRoom.epoch.advanced(by: .seconds(3600)),
                tokenID: "link-\(name)")
            grant.identity = ParticipantID(name)
            grants[name] = grant
        }
        door = BenchRoom(Self.room, settings: settings, links: grants, clock: time.clock)
        service = RoomSocketService(door, limits: limits, clock: time.clock, logger: logger)
    }

    /// Connects by a link; it is served until it or the bridge closes.
    package func connect(_ token: String, room: RoomID = Self.room) async -> BenchClient {
        let transport = MemoryTransport()
        let serving = Task { await service.serve(transport, room: room, token: Redacted(token)) }
        _ = await eventually(that: { transport.isServed })
        return BenchClient(transport: transport, serving: serving)
    }

    /// Lets time pass, with everything that is due on the way.
    package func advance(by duration: Duration) async {
        let end = time.clock.now().advanced(by: duration)
        while let deadline = await door.deadline, deadline <= end {
            time.advance(by: max(.zero, deadline.duration(since: time.clock.now())))
            await door.wake()
        }
        time.advance(by: end.duration(since: time.clock.now()))
    }
}
