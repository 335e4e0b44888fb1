@testable import Bridge
import BridgeModel
import Testing

/// What callers write of rooms and links: what is read, and how exactly what is not is refused.
@Suite struct RoomReadingTests {
    @Test func aRoomIsAsItWasOrdered() throws {
        #expect(try RoomSettings(reading: [:]) == RoomSettings())
        let nothing: JSONValue = [
            "admission": .null, "grace_s": .null, "record": .null, "max_participants": .null, "max_cameras": .null, "other": 1,
        ]
        #expect(try RoomSettings(reading: nothing) == RoomSettings())
        let settings = try RoomSettings(
            reading: [
                "admission": "knock", "idle_end_s": .null, "grace_s": 600, "record": "both", "max_participants": 1000, "max_cameras": 0,
            ])
        #expect(settings.admission == .knock && settings.idleEnd == nil && settings.grace == .seconds(600) && settings.record == .both)
        #expect(settings.limits.participants == 1000 && settings.limits.seats == 0)
        #expect(try RoomSettings(reading: ["idle_end_s": 10]).idleEnd == .seconds(10))
    }

    @Test(
        arguments: [
            (["admission": "maybe"], "admission"), (["admission": true], "admission"), (["admission": ""], "admission"),
            (["idle_end_s": 9], "idle_end_s"), (["idle_end_s": 86_401], "idle_end_s"), (["idle_end_s": "60"], "idle_end_s"),
            (["idle_end_s": .number(10.5)], "idle_end_s"), (["idle_end_s": .number(1e300)], "idle_end_s"),
            (["grace_s": 0], "grace_s"), (["grace_s": 601], "grace_s"), (["grace_s": []], "grace_s"),
            (["record": "sound"], "record"), (["record": true], "record"), (["record": [:]], "record"),
            (["max_participants": 0], "max_participants"), (["max_participants": 1001], "max_participants"),
            (["max_participants": "5"], "max_participants"), (["max_cameras": -1], "max_cameras"), (["max_cameras": 101], "max_cameras"),
        ] as [(JSONValue, String)]) func aRoomThatMakesNoSenseIsRefusedByItsMember(body: JSONValue, field: String)
    {
        #expect { try RoomSettings(reading: body) } throws: { ($0 as? FieldFault)?.field == field }
    }

    private static let seat = RoomSeat(
        id: SeatID("s1"), order: SeatOrder(source: .camera(ClientID("gate")), displayName: "Gate"), owner: nil)

    private func link(_ body: JSONValue) throws(FieldFault) -> RoomLinkOrder {
        try RoomLinkOrder(reading: body, in: RoomID("standup"), of: AccountID("acme"), seats: [Self.seat])
    }

    @Test func aLinkIsAsItWasOrdered() throws {
        let plain = RoomLinkOrder(account: AccountID("acme"), room: RoomID("standup"), role: .viewer, lifetime: .seconds(3600))
        #expect(try link(["role": "viewer", "identity": .null, "name": .null, "seat": .null, "expires_in_s": .null]) == plain)
        let ben = try link(["role": "worker", "identity": "ben", "name": "Ben", "expires_in_s": 2_592_000])
        #expect(ben.role == .worker && ben.identity == ParticipantID("ben") && ben.name == "Ben")
        #expect(ben.lifetime == RoomLinkOrder.longestLifetime)
        #expect(try link(["role": "camera", "seat": "s1"]).seat == SeatID("s1"))
    }

    @Test(
        arguments: [
            ([:], "role"), (["role": .null], "role"), (["role": "king"], "role"), (["role": 1], "role"),
            (["role": "host", "identity": "camera:1"], "identity"), (["role": "host", "identity": ""], "identity"),
            (["role": "host", "identity": 7], "identity"), (["role": "camera", "identity": "x", "seat": "s1"], "identity"),
            (["role": "host", "name": ""], "name"), (["role": "host", "name": "a\nb"], "name"), (["role": "host", "name": 1], "name"),
            (["role": "host", "name": .string(String(repeating: "x", count: 129))], "name"), (["role": "host", "seat": "s1"], "seat"),
            (["role": "camera"], "seat"), (["role": "camera", "seat": "s2"], "seat"), (["role": "camera", "seat": 1], "seat"),
            (["role": "host", "expires_in_s": 59], "expires_in_s"), (["role": "host", "expires_in_s": 2_592_001], "expires_in_s"),
            (["role": "host", "expires_in_s": "600"], "expires_in_s"),
        ] as [(JSONValue, String)]) func aLinkThatMakesNoSenseIsRefusedByItsMember(body: JSONValue, field: String)
    {
        #expect { try link(body) } throws: { ($0 as? FieldFault)?.field == field }
    }
}
