import Bridge
import BridgeAPI
import BridgeModel
import HTTPTypes
import Synchronization
import Testing

/// Rooms in memory, each with a machine; links are `L<number>`.
final class FakeRooms: RoomCommands, RoomLinks {
    let machines = Mutex<[RoomID: RoomMachine]>([:])
    let failure = Mutex<BridgeError?>(nil)
    let orders = Mutex<[RoomLinkOrder]>([])
    let revoked = Mutex<[String]>([])
    static let now = MonotonicTime(nanoseconds: 0)
    static let wall = WallTime(milliseconds: 1_700_000_000_000)

    func open(_ order: RoomOrder) async throws(BridgeError) -> (status: RoomStatus, isNew: Bool) {
        if let failure = failure.withLock({ $0 }) { throw failure }
        return machines.withLock { machines in
            if let known = machines[order.id] { return (RoomStatus(known, openedAt: Self.wall), false) }
            var machine = RoomMachine(room: order.id, account: order.account, settings: order.settings, now: Self.now, wall: Self.wall)
            _ = machine.begin()
            machines[order.id] = machine
            return (RoomStatus(machine, openedAt: Self.wall), true)
        }
    }

    func rooms() async -> [RoomStatus] {
        machines.withLock { $0.values.map { RoomStatus($0, openedAt: Self.wall) }.sorted { $0.order.id.rawValue < $1.order.id.rawValue } }
    }

    func room(_ id: RoomID) async -> RoomStatus? { await rooms().first { $0.order.id == id } }

    /// Somebody comes in by a link.
    func join(_ room: String, _ role: RoomRole, _ who: String) {
        var grant = RoomGrant(
            account: AccountID("acme"), room: RoomID(room), role: role, expiresAt: Self.wall.advanced(by: .seconds(60)), tokenID: who)
        grant.identity = ParticipantID(who)
        let socket = RoomSocketID(UInt64(who.utf8.first ?? 0))
        machines.withLock { machines in
            _ = machines[RoomID(room)]?.handle(.join(RoomJoin(socket: socket, grant: grant)), now: Self.now, wall: Self.wall)
            _ = machines[RoomID(room)]?.handle(.command(.publish(.microphone, mid: "0"), from: socket), now: Self.now, wall: Self.wall)
        }
    }

    func administer(_ command: RoomCommand, in room: RoomID) async throws(RoomError) {
        let refusal: RoomError? = machines.withLock { machines in
            guard var machine = machines[room] else { return RoomError(.roomClosed, "over") }
            let refusal = machine.administer(command, now: Self.now, wall: Self.wall).refusal
            machines[room] = machine.isOver ? nil : machine
            return refusal
        }
        if let refusal { throw refusal }
    }

    func seat(_ order: SeatOrder, in room: RoomID) async throws(RoomError) -> (seat: RoomSeat, isNew: Bool) {
        if let same = await self.room(room)?.seats.first(where: { $0.order == order }) { return (same, false) }
        try await administer(.seat(SeatID("s1"), order), in: room)
        guard let seat = await self.room(room)?.seats.last else { throw RoomError(.notFound, "gone") }
        return (seat, true)
    }

    func mute(_ participant: ParticipantID, _ kinds: Set<RoomTrackKind>, isMuted: Bool, in room: RoomID) async throws(RoomError) {
        guard let track = await self.room(room)?.tracks.first(where: { $0.owner == participant && kinds.contains($0.kind) }) else {
            throw RoomError(.notFound, "nothing")
        }
        try await administer(.mute(track.id, isMuted), in: room)
    }

    func linkRevoked(_ id: String, in room: RoomID) async { revoked.withLock { $0.append("\(room) \(id)") } }

    func makeLink(_ order: RoomLinkOrder) async throws(AccessError) -> RoomLink {
        let number = orders.withLock { orders in
            orders.append(order)
            return orders.count
        }
        var grant = RoomGrant(
            account: order.account, room: order.room, role: order.role, expiresAt: Self.wall.advanced(by: order.lifetime),
            tokenID: "L\(number)")
        (grant.identity, grant.name, grant.seat) = (order.identity, order.name, order.seat)
        return RoomLink(token: Redacted("hush"), grant: grant)
    }

    func grant(of token: Redacted<String>) async throws(AccessError) -> RoomGrant {
        guard token.revealed.hasPrefix("L-") else { throw token.revealed == "late" ? .expired : .invalid }
        return RoomGrant(
            account: AccountID("acme"), room: RoomID(String(token.revealed.dropFirst(2))), role: .viewer,
            expiresAt: Self.wall.advanced(by: .seconds(60)), tokenID: "L")
    }

    func revokeLink(_ id: String) async throws(AccessError) { revoked.withLock { $0.append(id) } }
}

@Suite struct RoomOperationTests {
    private let stage = Stage()
    private let path = "/bridge/v1/rooms"

    private func open(_ body: String = #"{"id":"standup"}"#) async throws -> Stage.Reply {
        try await stage.send(.post, path, token: "T-admin", body: body)
    }

    @Test func aRoomIsOpenedShownListedAndClosed() async throws {
        let body = #"{"id":"standup","admission":"knock","idle_end_s":null,"grace_s":30,"max_participants":5,"max_cameras":2}"#
        let made = try await open(body)
        #expect(made.status == 201 && made.fields[.location] == "/bridge/v1/rooms/standup")
        #expect(made.json["admission"] == "knock" && made.json["idle_end_s"] == .null)
        #expect(made.json["grace_s"] == 30 && made.json["max_participants"] == 5 && made.json["account_id"] == "acme")
        let again = try await open(body)
        #expect(again.status == 200 && again.fields[.location] == nil)
        let other = try await open()
        #expect(other.status == 409 && other.json["code"] == "room_exists")
        #expect(try await stage.send(.get, "\(path)/standup", token: "T-admin").json == made.json)
        _ = try await open(#"{"id":"night"}"#)
        let first = try await stage.send(.get, "\(path)?limit=1", token: "T-admin")
        #expect(first.json["next"] == "night")
        let rest = try await stage.send(.get, "\(path)?limit=1&after=night", token: "T-admin")
        #expect(rest.json["rooms"] == [made.json] && rest.json["next"] == .null)
        #expect(try await stage.send(.delete, "\(path)/standup", token: "T-admin").status == 204)
        for method in [HTTPRequest.Method.get, .delete] {
            let gone = try await stage.send(method, "\(path)/standup", token: "T-admin")
            #expect(gone.status == 404 && gone.json["code"] == "room_closed")
        }
    }

    @Test(
        arguments: [
            (#"{}"#, "id"), (#"{"id":"a/b"}"#, "id"), (#"{"id":7}"#, "id"), (#"{"id":"a","admission":"maybe"}"#, "admission"),
            (#"{"id":"a","idle_end_s":1}"#, "idle_end_s"), (#"{"id":"a","grace_s":"9"}"#, "grace_s"),
            (#"{"id":"a","max_participants":0}"#, "max_participants"), (#"{"id":"a","max_cameras":101}"#, "max_cameras"),
        ]) func anOrderThatMakesNoSenseIsRefusedByItsMember(body: String, field: String) async throws
    {
        let refused = try await open(body)
        #expect(refused.status == 400 && refused.json["field"]?.string == field)
    }

    @Test func aLinkSaysWhoComesAndHowAndIsTakenBack() async throws {
        _ = try await open()
        let body = #"{"role":"worker","identity":"ben","name":"Ben","expires_in_s":600}"#
        let made = try await stage.send(.post, "\(path)/standup/links", token: "T-admin", body: body)
        #expect(made.status == 201 && made.json["id"] == "L1" && made.json["participant"] == "ben" && made.json["role"] == "worker")
        #expect(made.json["page_url"]?.string?.hasSuffix("/call/standup#token=hush") ?? false)
        #expect(made.json["socket_url"]?.string?.hasSuffix("/bridge/v1/rooms/standup/io") ?? false)
        #expect(made.json["socket_url"]?.string?.hasPrefix("ws") ?? false)
        #expect(stage.rooms.orders.withLock { $0.last?.lifetime } == .seconds(600))
        #expect(try await stage.send(.delete, "\(path)/standup/links/L1", token: "T-admin").status == 204)
        #expect(stage.rooms.revoked.withLock { $0 } == ["L1", "standup L1"])
    }

    @Test(
        arguments: [
            (#"{}"#, "role"), (#"{"role":"king"}"#, "role"), (#"{"role":"host","identity":"camera:1"}"#, "identity"),
            (#"{"role":"host","name":""}"#, "name"), (#"{"role":"host","seat":"s1"}"#, "seat"), (#"{"role":"camera"}"#, "seat"),
            (#"{"role":"camera","seat":"none"}"#, "seat"), (#"{"role":"host","expires_in_s":5}"#, "expires_in_s"),
            (#"{"role":"host","expires_in_s":9999999}"#, "expires_in_s"),
        ]) func aLinkThatMakesNoSenseIsRefusedByItsMember(body: String, field: String) async throws
    {
        _ = try await open()
        let refused = try await stage.send(.post, "\(path)/standup/links", token: "T-admin", body: body)
        #expect(refused.status == 400 && refused.json["field"]?.string == field)
    }

    @Test func participantsAreLetInMutedAndRemoved() async throws {
        _ = try await open(#"{"id":"standup","admission":"knock"}"#)
        stage.rooms.join("standup", .host, "anna")
        stage.rooms.join("standup", .worker, "ben")
        stage.rooms.join("standup", .worker, "carl")
        let people = "\(path)/standup/participants"
        #expect(try await stage.send(.post, "\(people)/ben/admit", token: "T-admin").status == 204)
        #expect(try await stage.send(.post, "\(people)/carl/deny", token: "T-admin").status == 204)
        #expect(try await stage.send(.post, "\(people)/carl/admit", token: "T-admin").status == 404)
        let muted = try await stage.send(.post, "\(people)/anna/mute", token: "T-admin", body: #"{"muted":true,"kind":"microphone"}"#)
        #expect(muted.status == 204)
        let shown = try await stage.send(.get, "\(path)/standup", token: "T-admin")
        #expect(shown.json["tracks"] == [["id": "t1", "participant": "anna", "kind": "microphone", "muted": true, "muted_by_host": true]])
        #expect(try await stage.send(.post, "\(people)/anna/mute", token: "T-admin", body: #"{"muted":1}"#).status == 400)
        #expect(try await stage.send(.post, "\(people)/ben/mute", token: "T-admin", body: #"{"muted":true}"#).status == 404)
        #expect(try await stage.send(.post, "\(people)/ben/remove", token: "T-admin").status == 204)
        #expect(await stage.rooms.room(RoomID("standup"))?.participants.map(\.id.rawValue) == ["anna"])
    }

    @Test func aCameraIsSeatedOnceAndHasALinkForItsSeatAlone() async throws {
        _ = try await open()
        let cameras = "\(path)/standup/cameras"
        let body = #"{"stream":"helmet","display_name":"Helmet","send":["video"],"max_height":720,"until":"2031-05-01T00:00:00Z"}"#
        let made = try await stage.send(.post, cameras, token: "T-admin", body: body)
        #expect(made.status == 201 && made.json["stream"] == "helmet" && made.json["max_height"] == 720 && made.json["state"] == "waiting")
        #expect(made.fields[.location] == "\(cameras)/s1")
        #expect(try await stage.send(.post, cameras, token: "T-admin", body: body).status == 200)
        let other = try await stage.send(.post, cameras, token: "T-admin", body: #"{"stream":"helmet","display_name":"Again"}"#)
        #expect(other.status == 409 && other.json["code"] == "already_seated")
        let link = try await stage.send(.post, "\(path)/standup/links", token: "T-admin", body: #"{"role":"camera","seat":"s1"}"#)
        #expect(link.status == 201 && link.json["participant"] == "camera:s1")
        #expect(try await stage.send(.get, cameras, token: "T-admin").json["cameras"] == [made.json])
        #expect(try await stage.send(.delete, "\(cameras)/s1", token: "T-admin").status == 204)
        #expect(try await stage.send(.delete, "\(cameras)/s1", token: "T-admin").status == 404)
        for (wrong, field) in [
            (#"{"display_name":"x"}"#, "stream"), (#"{"stream":"a","camera":"b","display_name":"x"}"#, "stream"),
            (#"{"stream":"a"}"#, "display_name"), (#"{"stream":"a","display_name":"x","until":"soon"}"#, "until"),
        ] {
            let refused = try await stage.send(.post, cameras, token: "T-admin", body: wrong)
            #expect(refused.status == 400 && refused.json["field"]?.string == field, "\(wrong)")
        }
    }

    @Test func roomsAreTheOperators() async throws {
        let calls: [(HTTPRequest.Method, String)] = [
            (.get, path), (.post, path), (.get, "\(path)/a"), (.delete, "\(path)/a"), (.post, "\(path)/a/links"),
            (.delete, "\(path)/a/links/L1"), (.post, "\(path)/a/participants/p/mute"), (.post, "\(path)/a/participants/p/remove"),
            (.post, "\(path)/a/participants/p/admit"), (.post, "\(path)/a/participants/p/deny"), (.get, "\(path)/a/cameras"),
            (.post, "\(path)/a/cameras"), (.delete, "\(path)/a/cameras/s"),
        ]
        for (method, path) in calls {
            #expect(try await stage.send(method, path, body: "{}").status == 401, "\(path)")
            #expect(try await stage.send(method, path, token: "T-watch", body: "{}").status == 403, "\(path)")
        }
    }
}
