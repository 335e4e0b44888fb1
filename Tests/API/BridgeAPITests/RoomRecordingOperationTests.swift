import Bridge
import BridgeModel
import HTTPTypes
import Testing

extension FakeRooms: RoomRecordings {
    static let known = RoomRecordingSummary(
        id: RoomRecordingID("r1"), room: RoomID("standup"), account: AccountID("acme"), startedAt: FakeRooms.wall,
        endedAt: FakeRooms.wall.advanced(by: .seconds(60)), isReady: true, recordings: [])

    /// That one, where it is not excluded.
    func roomRecordings(_ query: RoomRecordingQuery) async throws(BridgeError) -> [RoomRecordingSummary] {
        let one = Self.known
        guard query.after == nil, query.room ?? one.room == one.room,
            query.from ?? one.startedAt < FakeRooms.wall.advanced(by: .seconds(60)),
            query.to.map({ one.startedAt < $0 }) ?? true
        else { return [] }
        return [one]
    }

    func remove(_ id: RoomRecordingID, _ order: DeletionOrder) async throws(BridgeError) {
        switch id.rawValue {
        case "r1"
        where order == DeletionOrder(by: AuditActor(rawValue: "operator:acme/holder"), cause: "ordered", includesDestination: true): return
        case "running": throw BridgeError(.recordingInUse, "It runs.")
        case "held": throw BridgeError(.recordingHeld, "It is held.")
        default: throw BridgeError(.notFound, "None.")
        }
    }

    func manifest(of id: RoomRecordingID) async throws(BridgeError) -> JSONValue? {
        id == Self.known.id ? ["version": 1, "room_recording": "r1"] : nil
    }

    func boards(of stream: StreamID) async throws(BridgeError) -> [JSONValue] { stream == StreamID("camera") ? [["id": "b1"]] : [] }

    func picture(_ id: String, in room: RoomID) async -> String? { id == "p" && room == Self.known.room ? "/tmp/p.jpg" : nil }

    func picture(_ id: String, of recording: RoomRecordingID) async throws(BridgeError) -> String? {
        id == "p" && recording == Self.known.id ? "/tmp/p.jpg" : nil
    }
}

@Suite struct RoomRecordingOperationTests {
    private let stage = Stage()
    private let path = "/bridge/v1/rooms/standup/recording"

    private func open() async throws {
        _ = try await stage.send(.post, "/bridge/v1/rooms", token: "T-admin", body: #"{"id":"standup"}"#)
    }

    @Test func aRoomIsRecordedFoundRecordedAndNotRecordedAnyMore() async throws {
        try await open()
        #expect(try await stage.send(.get, path, token: "T-admin").status == 404)
        let made = try await stage.send(.post, path, token: "T-admin", body: #"{"mode":"tracks","container":"matroska"}"#)
        let id = made.json["id"]?.string ?? ""
        #expect(made.status == 201 && made.json["mode"] == "tracks" && made.json["participant"] == .null)
        #expect(made.fields[.location] == "/bridge/v1/room-recordings/\(id)")
        let again = try await stage.send(.post, path, token: "T-admin")
        #expect(again.status == 200 && again.json == made.json)
        #expect(try await stage.send(.get, path, token: "T-admin").json == made.json)
        #expect(try await stage.send(.get, "/bridge/v1/rooms/standup", token: "T-admin").json["recording"] == made.json)
        for _ in 0..<2 { #expect(try await stage.send(.delete, path, token: "T-admin").status == 204) }
        #expect(try await stage.send(.get, path, token: "T-admin").status == 404)
    }

    @Test(arguments: [#"{"mode":"loud"}"#, #"{"mode":1}"#, #"{"container":"avi"}"#, #"{"destination":7}"#]) func whatMakesNoSenseIsRefused(
        body: String
    ) async throws {
        try await open()
        #expect(try await stage.send(.post, path, token: "T-admin", body: body).status == 400)
        #expect(try await stage.send(.get, path, token: "T-admin").status == 404)
    }

    @Test func noRoomIsNotRecorded() async throws {
        let refused = try await stage.send(.post, path, token: "T-admin")
        #expect(refused.status == 404 && refused.json["code"] == "room_closed")
    }

    @Test func whatWasRecordedIsListedAndShown() async throws {
        let list = try await stage.send(.get, "/bridge/v1/room-recordings", token: "T-admin")
        #expect(list.json["room_recordings"]?.array?.first?["is_ready"] == true && list.json["next"] == .null)
        #expect(try await stage.send(.get, "/bridge/v1/room-recordings/r1", token: "T-admin").json["version"] == 1)
        #expect(try await stage.send(.get, "/bridge/v1/room-recordings/r2", token: "T-admin").status == 404)
        #expect(
            try await stage.send(.get, "/bridge/v1/streams/camera/boards", token: "T-admin").json["boards"]?.array?.first?["id"] == "b1")
    }

    @Test(arguments: [
        ("", 1), ("room=standup", 1), ("room=night", 0), ("from=2000-01-01T00:00:00Z", 1), ("from=2100-01-01T00:00:00Z", 0),
        ("to=2000-01-01T00:00:00Z", 0), ("to=2100-01-01T00:00:00Z&room=standup", 1), ("after=r1", 0), ("limit=1", 1),
    ]) func theListIsFilteredByRoomAndTime(query: String, count: Int) async throws {
        let list = try await stage.send(.get, "/bridge/v1/room-recordings?\(query)", token: "T-admin")
        #expect(list.status == 200 && list.json["room_recordings"]?.array?.count == count)
    }

    @Test(arguments: [
        ("room=", "room"), ("room=a%20b", "room"), ("from=yesterday", "from"), ("to=", "to"), ("to=tomorrow", "to"), ("limit=0", "limit"),
        ("limit=many", "limit"), ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
    ]) func aListOfNonsenseIsRefused(query: String, field: String) async throws {
        let refused = try await stage.send(.get, "/bridge/v1/room-recordings?\(query)", token: "T-admin")
        #expect(refused.status == 400 && refused.json["code"] == "invalid_field" && refused.json["field"]?.string == field)
    }

    @Test(
        arguments: [
            ("r1?destination=true", 202, nil), ("r1?destination=perhaps", 400, "invalid_field"), ("running", 409, "recording_in_use"),
            ("held", 409, "recording_held"), ("r2", 404, "not_found"),
        ] as [(String, Int, String?)]) func oneIsRemovedWhenNothingSpeaksAgainstIt(path: String, status: Int, code: String?) async throws
    {
        let answer = try await stage.send(.delete, "/bridge/v1/room-recordings/\(path)", token: "T-admin")
        #expect(answer.status == status)
        if let code { #expect(answer.json["code"]?.string == code) }
    }

    @Test func picturesAreForTheOperatorAndTheBearersOfTheRoomsLinks() async throws {
        try await open()
        let picture = "/bridge/v1/rooms/standup/snapshots/p.jpg"
        #expect(try await stage.send(.get, picture, token: "T-admin").status == 200)
        #expect(try await stage.send(.get, picture).status == 401)
        #expect(try await stage.send(.get, picture, token: "L-standup").status == 200)
        #expect(try await stage.send(.get, picture, token: "L-night").status == 403)
        #expect(try await stage.send(.get, picture, token: "late").status == 401)
        #expect(try await stage.send(.get, "/bridge/v1/room-recordings/r1", token: "L-standup").status == 401)
        #expect(try await stage.send(.get, "/bridge/v1/rooms/standup/snapshots/q.jpg", token: "T-admin").status == 404)
        #expect(try await stage.send(.get, "/bridge/v1/rooms/standup/snapshots/p.png", token: "T-admin").status == 404)
        #expect(try await stage.send(.get, "/bridge/v1/room-recordings/r1/snapshots/p.jpg", token: "T-admin").status == 200)
        #expect(try await stage.send(.get, "/bridge/v1/room-recordings/r2/snapshots/p.jpg", token: "T-admin").status == 404)
    }

    @Test(arguments: [
        (HTTPRequest.Method.get, "/bridge/v1/room-recordings"), (.get, "/bridge/v1/room-recordings/r1"),
        (.post, "/bridge/v1/rooms/standup/recording"), (.delete, "/bridge/v1/rooms/standup/recording"),
        (.delete, "/bridge/v1/room-recordings/r1"), (.get, "/bridge/v1/room-recordings/r1/snapshots/p.jpg"),
        (.get, "/bridge/v1/streams/camera/boards"),
    ]) func nobodyElseSeesThem(method: HTTPRequest.Method, path: String) async throws {
        #expect(try await stage.send(method, path).status == 401)
    }
}
