import Bridge
import BridgeModel
import EyesonDialect
import HTTPCore
import HTTPTypes
import Synchronization
import Testing

@Suite struct SessionTests {
    private let body = #"{"client_id":"client-0"}"#

    @Test func aClientGetsASession() async throws {
        let stage = Stage { $0.streamrec.publicBase = "https://bridge.example" }
        let reply = try await stage.send(.post, "/api/v2/session", token: "T-client", body: body)
        #expect(reply.status == 201)
        let expected =
            #"{"ice_credentials":{"iceServers":[{"urls":["stun:turn.example.net:3478"],"username":"","credential":""},"#
            + #"{"urls":["turn:turn.example.net:3478"],"username":"1700086400:client-0","credential":"31Akr8P026JtVRXeP10CGFZy2c4="}]},"#
            + #""session_id":"98f06660-5434-4a9c-ae65-0291d5622624","ws_endpoint":"wss://bridge.example/api/v2/io"}"#
        #expect(reply.text == expected)
        #expect(reply.fields[.accessControlAllowOrigin] == "*")
        let created = stage.directory.created.withLock { $0 }
        #expect(created.map(\.stream) == [StreamID("client-0")] && created.map(\.direction) == [.publish])
    }

    @Test(arguments: [
        ("", "", false, "ws://bridge.example/api/v2/io"), ("", "", true, "wss://bridge.example/api/v2/io"),
        ("http://a.example:81", "", false, "ws://a.example:81/api/v2/io"), ("", "https://b.example", false, "wss://b.example/api/v2/io"),
        ("https://a.example", "https://b.example", false, "wss://a.example/api/v2/io"),
    ]) func theEndpointFollowsTheConfiguredOrigin(_ dialect: String, _ common: String, _ secure: Bool, _ expected: String) async throws {
        let stage = Stage {
            $0.streamrec.publicBase = dialect
            $0.http.publicBase = common
        }
        let reply = try await stage.send(.post, "/api/v2/session", token: "T-client", body: body, secure: secure)
        #expect(reply.json["ws_endpoint"]?.string == expected)
    }

    /// Contract sections 4 and 13: the order of checks, row by row.
    @Test(
        arguments: [
            (nil, "{", 401, "token_missing", nil), ("xxx", "{", 401, "token_invalid", nil), ("T-expired", "{", 401, "token_expired", nil),
            ("T-revoked", "{", 401, "token_revoked", nil), ("T-suspended", "{", 403, "account_suspended", nil),
            ("T-down", "{", 503, "unavailable", nil),
            ("a b", "{}", 401, "token_invalid", nil), ("T-supervisor", "{", 400, "malformed_json", nil),
            ("T-client", "[]", 400, "not_an_object", nil),
            ("T-supervisor", "{}", 403, "wrong_role", nil), ("T-stats", "{}", 403, "wrong_role", nil),
            ("T-watch", "{}", 403, "wrong_role", nil),
            ("T-client", "{}", 400, "missing_field", "client_id"), ("T-client", #"{"client_id":null}"#, 400, "missing_field", "client_id"),
            ("T-client", #"{"client_id":1}"#, 400, "invalid_field", "client_id"),
            ("T-client", #"{"client_id":"other"}"#, 403, "client_mismatch", nil),
            ("T-client", #"{"client_id":"Client-0"}"#, 403, "client_mismatch", nil),
        ] as [(String?, String, Int, String, String?)])
    func refusalsComeInTheContractsOrder(_ token: String?, _ body: String, _ status: Int, _ error: String, _ field: String?) async throws {
        let stage = Stage()
        let reply = try await stage.send(.post, "/api/v2/session", token: token, body: body)
        #expect(reply.status == status && reply.error == error && reply.field == field)
        #expect(reply.fields[.accessControlAllowOrigin] == "*")
        let challenge = status == 401 ? "Bearer realm=\"streamrec\"" + (token == nil ? "" : ", error=\"invalid_token\"") : nil
        #expect(reply.fields[.wwwAuthenticate] == challenge)
        #expect(reply.fields[.retryAfter] == (status == 503 ? "5" : nil))
        #expect(stage.directory.created.withLock { $0.isEmpty })
    }

    @Test func sizeIsCheckedBeforeTheToken() async throws {
        let reply = try await Stage().send(.post, "/api/v2/session", body: String(repeating: "x", count: 70_000))
        #expect(reply.status == 413)
    }

    @Test func aTokenInTheQueryDoesNotCount() async throws {
        let reply = try await Stage().send(.post, "/api/v2/session?auth_token=T-client", body: body)
        #expect(reply.error == "token_missing")
    }

    @Test(arguments: [
        (BridgeError.Code.limitReached, 429, "session_limit"), (.unavailable, 503, "unavailable"), (.internal, 500, "internal"),
    ]) func failuresOfTheDirectoryAreTold(_ code: BridgeError.Code, _ status: Int, _ error: String) async throws {
        let stage = Stage()
        stage.directory.failure.withLock { $0 = BridgeError(code, "x") }
        let reply = try await stage.send(.post, "/api/v2/session", token: "T-client", body: body)
        #expect(reply.status == status && reply.error == error)
        #expect(reply.fields[.retryAfter] == (status == 500 ? nil : "5"))
    }

    @Test(arguments: [
        (HTTPRequest.Method.get, "/api/v2/session", 405), (.get, "/api/v2/unknown", 404), (.post, "/api/v2/supervisor_session", 404),
        (.get, "/api", 404), (.get, "/api/%zz", 404), (.get, "/api/v2/io", 426), (.options, "/api/v2/session", 204),
        (.options, "/api/none", 404),
    ]) func everyReplyUnderAPIIsOpenToBrowsers(_ method: HTTPRequest.Method, _ path: String, _ status: Int) async throws {
        let reply = try await Stage().send(method, path)
        #expect(reply.status == status)
        #expect(reply.fields[.accessControlAllowOrigin] == "*")
        if status == 204 {
            #expect(reply.fields[.accessControlAllowMethods] == "GET, POST, DELETE, OPTIONS")
            #expect(reply.fields[.accessControlAllowHeaders] == "authorization, content-type")
            #expect(reply.fields[.accessControlMaxAge] == "600")
        }
    }

    @Test(
        arguments: [
            ("/api/v2/io?auth_token=T-client", nil, nil), ("/api/v2/io", "T-client", nil),
            ("/api/v2/io?auth_token=T-client", "T-client", nil),
            ("/api/v2/io", nil, 401), ("/api/v2/io?auth_token=xxx", nil, 401), ("/api/v2/io?auth_token=T-expired", nil, 401),
            ("/api/v2/io?auth_token=T-client", "T-supervisor", 401), ("/api/v2/io?auth_token=T-supervisor", nil, 403),
            ("/api/v2/io?auth_token=T-down", nil, 503), ("/api/v2/other?auth_token=T-client", nil, 404),
        ] as [(String, String?, Int?)]) func upgradesAreDecidedByTheirToken(_ path: String, _ token: String?, _ status: Int?) async throws
    {
        let admission = try #require(await Stage().dialect.admitSocket(Stage.request(.get, path, token: token)))
        switch admission {
        case .admit(let grant):
            #expect(status == nil && grant.role == .client)
        case .refuse(let response):
            let reply = try Stage.reply(response)
            #expect(reply.status == status)
            #expect(reply.error != nil && reply.fields[.referrerPolicy] == "no-referrer" && reply.fields[.cacheControl] == "no-store")
        }
    }

    @Test func aTokenOpensOneSocketWhereThatIsAskedFor() async throws {
        for (isSingle, second) in [(false, true), (true, false)] {
            let stage = Stage { $0.streamrec.singleUseSocket = isSingle }
            var admitted: [Bool] = []
            for _ in 0..<2 {
                let admission = try #require(
                    await stage.dialect.admitSocket(Stage.request(.get, "/api/v2/io?auth_token=T-client")))
                if case .refuse(let response) = admission { #expect(response.head.status == .unauthorized) }
                if case .admit = admission { admitted.append(true) } else { admitted.append(false) }
            }
            #expect(admitted == [true, second])
            #expect(stage.authority.memory.withLock { $0.revoked } == (isSingle ? ["client"] : []))
        }
    }

    @Test func otherPathsAndASwitchedOffDialectAreNotItsBusiness() async {
        #expect(await Stage().dialect.admitSocket(Stage.request(.get, "/bridge/v1/io")) == nil)
        let off = Stage { $0.streamrec.enabled = false }
        #expect(await off.dialect.admitSocket(Stage.request(.get, "/api/v2/io")) == nil)
        #expect(await Router([off.dialect]).respond(to: Stage.request(.get, "/api/v2/session")) == nil)
    }

    /// Contract section 16.
    @Test(
        arguments: [
            ("client-0", 1_700_086_400, "1700086400:client-0", "31Akr8P026JtVRXeP10CGFZy2c4="),
            ("agent.7", 1_700_003_600, "1700003600:agent.7", "MrLJn+nGjEkfxcU3Im/gNdRSH9s="),
            ("Jörg", 1_700_086_400, "1700086400:J%C3%B6rg", "430oCkPL1CPXAlrrGn8vC11UWRg="),
        ] as [(String, Int64, String, String)])
    func turnCredentialsMatchTheVectors(_ client: String, _ expiry: Int64, _ username: String, _ credential: String) throws {
        var settings = TurnSettings()
        settings.urls = ["turn:x"]
        settings.secret = Redacted("turn-secret-A")
        settings.lifetime = .seconds(600)
        let list = IceServerList(settings, hmacSHA1: HMACSHA1.code)
        let server = try #require(list.servers(for: ClientID(client), at: WallTime(milliseconds: (expiry - 600) * 1000)).first)
        #expect(server.username == username && server.credential.revealed == credential)
    }

    @Test func percentAndSpaceInAClientAreEncodedInTheUsername() {
        var settings = TurnSettings()
        settings.urls = ["turn:x"]
        settings.secret = Redacted("s")
        let list = IceServerList(settings, hmacSHA1: { _, _ in [] })
        let server = list.servers(for: ClientID("a %b:c"), at: WallTime(milliseconds: 0)).first
        #expect(server?.username == "86400:a%20%25b:c")
    }

    @Test func serversThatAreNotConfiguredAreLeftOut() {
        var settings = TurnSettings()
        #expect(IceServerList(settings, hmacSHA1: HMACSHA1.code).servers(for: ClientID("c"), at: WallTime(milliseconds: 0)).isEmpty)
        settings.urls = ["turn:x"]
        #expect(IceServerList(settings, hmacSHA1: HMACSHA1.code).servers(for: ClientID("c"), at: WallTime(milliseconds: 0)).isEmpty)
        #expect(JSONText.iceCredentials([]).text == #"{"iceServers":[]}"#)
    }
}
