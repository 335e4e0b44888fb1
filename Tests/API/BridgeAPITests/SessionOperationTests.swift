import Bridge
import BridgeAPI
import BridgeModel
import HTTPCore
import HTTPTypes
import Synchronization
import Testing

@Suite struct SessionOperationTests {
    @Test func aGrantBecomesASession() async throws {
        let reply = try await Stage().send(.post, "/bridge/v1/sessions", token: "T-watch", body: #"{"stream":"cam","direction":"watch"}"#)
        #expect(reply.status == 201)
        #expect(
            reply.text
                == #"{"ice_credentials":{"iceServers":[]},"session_id":"s-1","ws_endpoint":"ws://bridge.example/bridge/v1/io","client_id":"holder","stream":"cam"}"#
        )
        #expect(reply.fields[.cacheControl] == "no-store")
    }

    @Test func theStreamMayComeFromTheGrant() async throws {
        let reply = try await Stage().send(.post, "/bridge/v1/sessions", token: "T-publish", body: #"{"direction":"publish"}"#)
        #expect(reply.status == 201 && reply.json["stream"] == "cam")
    }

    @Test func anonymousViewersOfPublicStreamsGetATokenOfTheirOwn() async throws {
        let stage = Stage(streamsArePublic: true)
        let reply = try await stage.send(.post, "/bridge/v1/sessions", body: #"{"stream":"cam"}"#)
        #expect(reply.status == 201 && reply.json["auth_token"] == "issued")
        let order = try #require(stage.authority.issued.withLock { $0.first })
        #expect(order.role == .watch && order.stream == StreamID("cam") && order.account == AccountID("bridge"))
        #expect(order.client.rawValue.hasPrefix("viewer-") && reply.json["client_id"]?.string == order.client.rawValue)
    }

    @Test(
        arguments: [
            (false, nil, #"{"stream":"cam"}"#, 401, "token_missing"),
            (true, nil, #"{"stream":"cam","direction":"publish"}"#, 401, "token_missing"),
            (true, nil, "{}", 400, "missing_field"), (false, "T-watch", #"{"stream":"other"}"#, 403, "forbidden"),
            (false, "T-watch", #"{"stream":"cam","direction":"publish"}"#, 403, "wrong_role"),
            (false, "T-publish", #"{"stream":"cam"}"#, 403, "wrong_role"),
            (false, "T-client", #"{"stream":"cam"}"#, 403, "wrong_role"), (false, "T-admin", "{}", 400, "missing_field"),
            (false, "T-watch", #"{"direction":"up"}"#, 400, "invalid_field"), (false, "T-watch", #"{"stream":7}"#, 400, "invalid_field"),
            (false, "T-watch", #"{"stream":""}"#, 400, "invalid_field"), (false, "T-watch", #"{"stream":"a\u0000"}"#, 400, "invalid_field"),
            (false, "T-watch", "{", 400, "malformed_json"), (false, "T-watch", "[]", 400, "not_an_object"),
            (false, "T-watch", "", 400, "malformed_json"),
            (false, "xx", "{}", 401, "token_invalid"), (false, "a b", "{}", 401, "token_invalid"),
            (false, "T-expired", "{}", 401, "token_expired"),
            (false, "T-revoked", "{}", 401, "token_revoked"), (false, "T-suspended", "{}", 403, "account_suspended"),
            (false, "T-down", "{}", 503, "unavailable"),
        ] as [(Bool, String?, String, Int, String)])
    func otherRequestsAreRefused(_ isPublic: Bool, _ token: String?, _ body: String, _ status: Int, _ code: String) async throws {
        let reply = try await Stage(streamsArePublic: isPublic).send(.post, "/bridge/v1/sessions", token: token, body: body)
        #expect(reply.status == status && reply.code == code)
        #expect(reply.fields[.contentType] == "application/problem+json")
        #expect(reply.json["request_id"] == "r-1")
    }

    @Test(arguments: [(BridgeError.Code.limitReached, 429), (.unavailable, 503), (.notFound, 404)])
    func failuresOfTheDirectoryAreTold(_ code: BridgeError.Code, _ status: Int) async throws {
        let stage = Stage()
        stage.bridge.memory.withLock { $0.failure = BridgeError(code, "What happened.") }
        let reply = try await stage.send(.post, "/bridge/v1/sessions", token: "T-watch", body: "{}")
        #expect(reply.status == status && reply.code == code.rawValue)
    }

    @Test func theOperatorMakesWatchLinks() async throws {
        let stage = Stage()
        let reply = try await stage.send(.post, "/bridge/v1/watch-links", token: "T-admin", body: #"{"stream":"front door/ü","ttl_s":600}"#)
        #expect(reply.status == 201)
        #expect(reply.json["url"] == "http://bridge.example/watch/front%20door%2F%C3%BC#token=issued")
        #expect(reply.json["expires_at"] == "2023-11-14T22:23:20.000Z")
        let order = try #require(stage.authority.issued.withLock { $0.first })
        #expect(order.role == .watch && order.lifetime == .seconds(600) && order.account == AccountID("acme"))
    }

    @Test(
        arguments: [
            (nil, #"{"stream":"cam"}"#, 401), ("T-watch", #"{"stream":"cam"}"#, 403), ("T-admin", "{}", 400),
            ("T-admin", #"{"stream":"cam","ttl_s":59}"#, 400),
            ("T-admin", #"{"stream":"cam","ttl_s":604801}"#, 400), ("T-admin", #"{"stream":"cam","ttl_s":"60"}"#, 400),
        ] as [(String?, String, Int)]) func otherWatchLinksAreRefused(_ token: String?, _ body: String, _ status: Int) async throws
    {
        let stage = Stage()
        #expect(try await stage.send(.post, "/bridge/v1/watch-links", token: token, body: body).status == status)
        #expect(stage.authority.issued.withLock { $0.isEmpty })
    }

    @Test(
        arguments: [
            ("/bridge/v1/io?auth_token=T-watch", nil), ("/bridge/v1/io?auth_token=T-publish", nil),
            ("/bridge/v1/io?auth_token=T-admin", nil),
            ("/bridge/v1/io", 401), ("/bridge/v1/io?auth_token=x", 401), ("/bridge/v1/io?auth_token=T-client", 403),
            ("/bridge/v1/else?auth_token=T-watch", 404),
        ] as [(String, Int?)]) func upgradesAreDecidedByTheirToken(_ path: String, _ status: Int?) async throws
    {
        switch try #require(await Stage().api.admitSocket(Stage.request(.get, path))) {
        case .admit: #expect(status == nil)
        case .refuse(let response): #expect(response.head.status.code == status)
        }
        let foreign = await Stage().api.admitSocket(Stage.request(.get, "/api/v2/io"))
        #expect(foreign == nil)
        #expect(try await Stage().send(.get, "/bridge/v1/io").status == 426)
    }

    @Test(
        arguments: [
            ("/bridge/v1/rooms/standup/io?auth_token=T", nil), ("/bridge/v1/rooms/standup/io", 401),
            ("/bridge/v1/rooms/stand%20up/io?auth_token=T", 404), ("/bridge/v1/rooms/standup/io?auth_token=", 401),
        ] as [(String, Int?)]) func socketsOfRoomsNeedATokenAndAName(_ path: String, _ status: Int?) async throws
    {
        switch try #require(Stage().api.admitRoomSocket(Stage.request(.get, path))) {
        case .admit(let room, let token):
            #expect(status == nil && room == RoomID("standup") && token.revealed == "T")
        case .refuse(let response): #expect(response.head.status.code == status)
        }
        for other in ["/bridge/v1/io", "/bridge/v1/rooms/standup", "/bridge/v1/rooms/standup/io/x", "/api/v2/io"] {
            #expect(Stage().api.admitRoomSocket(Stage.request(.get, other)) == nil)
        }
        #expect(try await Stage().send(.get, "/bridge/v1/rooms/standup/io").status == 426)
    }
}
