import Bridge
import BridgeModel
import HTTPTypes
import Synchronization
import Testing

@Suite struct AuthenticationTests {
    @Test func aMasterKeyBecomesAToken() async throws {
        let stage = Stage()
        let reply = try await stage.send(.post, "/auth_v2/client", body: #"{"master_key":"key-A","client_id":"client-0"}"#)
        #expect(reply.status == 201)
        #expect(reply.text == #"{"auth_token":"signed.token"}"#)
        #expect(reply.fields[.cacheControl] == "no-store")
        #expect(reply.fields[.contentType] == "application/json; charset=utf-8")
        #expect(reply.fields[.accessControlAllowOrigin] == nil)
        #expect(reply.fields[.init("X-Request-Id") ?? .age] == "01J")
        let order = try #require(stage.authority.memory.withLock { $0.issued.first })
        #expect(order == GrantRequest(account: AccountID("acme"), client: ClientID("client-0"), role: .client, lifetime: .seconds(86_400)))
        #expect(stage.authority.memory.withLock { $0.dialects } == ["eyeson"])
    }

    @Test func theOtherEndpointsMintTheirOwnRoles() async throws {
        let stage = Stage()
        let supervisor = #"{"master_key":"key-A","client_id":"boss","client_to_monitor":"client-0","token_ttl_s":60.0}"#
        #expect(try await stage.send(.post, "/auth_v2/supervisor/", body: supervisor).status == 201)
        #expect(try await stage.send(.post, "/auth_v2/stats", body: #"{"master_key":"key-A"}"#).status == 201)
        let issued = stage.authority.memory.withLock { $0.issued }
        #expect(issued.map(\.role) == [.supervisor, .stats])
        #expect(issued[0].monitoredClient == ClientID("client-0") && issued[0].lifetime == .seconds(60))
        #expect(issued[1].client == ClientID("stats"))
    }

    /// Contract section 13, row by row, and the fields of 5.1.
    @Test(
        arguments: [
            ("{", 400, "malformed_json", nil), ("", 400, "malformed_json", nil), ("[]", 400, "not_an_object", nil),
            ("{}", 400, "missing_field", "master_key"),
            (#"{"master_key":null}"#, 400, "missing_field", "master_key"), (#"{"master_key":5}"#, 400, "invalid_field", "master_key"),
            (#"{"master_key":""}"#, 400, "invalid_field", "master_key"), (#"{"master_key":"one-view"}"#, 401, "invalid_master_key", nil),
            (#"{"master_key":"key-off"}"#, 403, "account_suspended", nil), (#"{"master_key":"key-A"}"#, 400, "missing_field", "client_id"),
            (#"{"master_key":"key-A","client_id":7}"#, 400, "invalid_field", "client_id"),
            (#"{"master_key":"key-A","client_id":""}"#, 400, "invalid_field", "client_id"),
            (#"{"master_key":"key-A","client_id":"a\u0000b"}"#, 400, "invalid_field", "client_id"),
            (#"{"master_key":"key-A","client_id":"a\u0085b"}"#, 400, "invalid_field", "client_id"),
            (#"{"master_key":"key-A","client_id":"\#(String(repeating: "x", count: 129))"}"#, 400, "invalid_field", "client_id"),
            (#"{"master_key":"key-A","client_id":"\#(String(repeating: "ü", count: 65))"}"#, 400, "invalid_field", "client_id"),
            (#"{"master_key":"key-A","client_id":"c","token_ttl_s":0}"#, 400, "invalid_field", "token_ttl_s"),
            (#"{"master_key":"key-A","client_id":"c","token_ttl_s":-1}"#, 400, "invalid_field", "token_ttl_s"),
            (#"{"master_key":"key-A","client_id":"c","token_ttl_s":1e9}"#, 400, "invalid_field", "token_ttl_s"),
            (#"{"master_key":"key-A","client_id":"c","token_ttl_s":"60"}"#, 400, "invalid_field", "token_ttl_s"),
            (#"{"master_key":"key-A","client_id":"c","token_ttl_s":60.5}"#, 400, "invalid_field", "token_ttl_s"),
            (#"{"master_key":"key-A","client_id":"c","token_ttl_s":59}"#, 400, "invalid_field", "token_ttl_s"),
            (#"{"master_key":"key-A","client_id":"c","token_ttl_s":60.0,"more":[1]}"#, 201, nil, nil),
            (#"{"master_key":"key-A","client_id":"x","client_id":"c","token_ttl_s":null}"#, 201, nil, nil),
            ("\u{FEFF}{\"master_key\":\"key-A\",\"client_id\":\"c\"}", 201, nil, nil),
            (#"{"master_key":"key-A","client_id":"\#(String(repeating: "x", count: 128))"}"#, 201, nil, nil),
        ] as [(String, Int, String?, String?)]) func bodiesAreAnswered(_ body: String, _ status: Int, _ error: String?, _ field: String?)
        async throws
    {
        let stage = Stage()
        let reply = try await stage.send(.post, "/auth_v2/client", body: body)
        #expect(reply.status == status && reply.error == error && reply.field == field)
        if status != 201 {
            #expect(stage.authority.memory.withLock { $0.issued.isEmpty })
            #expect(reply.json["request_id"] == "01J" && reply.json["msg"]?.string?.isEmpty == false)
        }
    }

    @Test func theSupervisorNamesWhomItWatches() async throws {
        let reply = try await Stage().send(.post, "/auth_v2/supervisor", body: #"{"master_key":"key-A","client_id":"boss"}"#)
        #expect(reply.status == 400 && reply.error == "missing_field" && reply.field == "client_to_monitor")
    }

    @Test func bodiesAbove64KiBAreRefused() async throws {
        let reply = try await Stage().send(.post, "/auth_v2/client", body: String(repeating: " ", count: 65_537))
        #expect(reply.status == 413 && reply.error == "body_too_large")
        #expect(reply.fields[.connection] == "close")
    }

    @Test(arguments: [
        (HTTPRequest.Method.get, "/auth_v2/client", 405, "method_not_allowed"), (.options, "/auth_v2/client", 405, "method_not_allowed"),
        (.post, "/auth_v2", 404, "not_found"), (.post, "/auth_v2/else", 404, "not_found"), (.post, "/auth_v2/%zz", 404, "not_found"),
    ]) func otherPathsAndMethodsAreRefused(_ method: HTTPRequest.Method, _ path: String, _ status: Int, _ error: String) async throws {
        let reply = try await Stage().send(method, path)
        #expect(reply.status == status && reply.error == error)
        #expect(reply.fields[.allow] == (status == 405 ? "POST" : nil))
    }

    @Test func tenWrongKeysAMinuteSilenceAnAddress() async throws {
        let stage = Stage()
        let wrong = #"{"master_key":"wrong","client_id":"c"}"#
        for _ in 0..<10 { #expect(try await stage.send(.post, "/auth_v2/client", body: wrong).status == 401) }
        let refused = try await stage.send(.post, "/auth_v2/client", body: #"{"master_key":"key-A","client_id":"c"}"#)
        #expect(refused.status == 429 && refused.error == "rate_limited")
        #expect(refused.fields[.retryAfter] == "6")
        #expect(try await stage.send(.post, "/auth_v2/client", body: wrong, address: "192.0.2.2").status == 401)
        stage.clock.advance(.seconds(6))
        #expect(try await stage.send(.post, "/auth_v2/client", body: #"{"master_key":"key-A","client_id":"c"}"#).status == 201)
    }

    @Test func fortyCallsAtOnceThenTwentyASecond() async throws {
        let stage = Stage()
        let body = #"{"master_key":"key-A","client_id":"c"}"#
        for _ in 0..<40 { #expect(try await stage.send(.post, "/auth_v2/client", body: body).status == 201) }
        let refused = try await stage.send(.post, "/auth_v2/client", body: body)
        #expect(refused.status == 429 && refused.fields[.retryAfter] == "1")
        stage.clock.advance(.milliseconds(50))
        #expect(try await stage.send(.post, "/auth_v2/client", body: body).status == 201)
        #expect(try await stage.send(.post, "/auth_v2/client", body: body).status == 429)
    }

    @Test func plainHTTPIsForLoopbackListenersOnly() async throws {
        let open = Stage { $0.http.bind = "0.0.0.0" }
        let body = #"{"master_key":"key-A","client_id":"c"}"#
        #expect(try await open.send(.post, "/auth_v2/client", body: body).status == 404)
        #expect(try await open.send(.post, "/auth_v2/client", body: body, secure: true).status == 201)
        let allowed = Stage {
            $0.http.bind = "0.0.0.0"
            $0.streamrec.insecureHTTP = true
        }
        #expect(try await allowed.send(.post, "/auth_v2/client", body: body).status == 201)
    }
}
