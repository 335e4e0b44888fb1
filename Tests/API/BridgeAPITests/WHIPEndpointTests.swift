import Bridge
import BridgeModel
import Foundation
import HTTPCore
import HTTPTypes
import Synchronization
import Testing

@testable import BridgeAPI

/// `/whip/{stream}` and `/whep/{stream}`: POST, OPTIONS, GET and the rest.
@Suite struct WHIPEndpointTests {
    @Test(
        arguments: [
            ("/whip/cam", "T-publish", SessionContext.Direction.publish), ("/whip/cam", "T-admin", .publish),
            ("/whep/cam", "T-watch", .watch),
            ("/whep/cam/", "T-admin", .watch), ("/whep/front%20door%2F%C3%BC", "T-admin", .watch),
        ] as [(String, String, SessionContext.Direction)])
    func anOfferBecomesASession(_ path: String, _ token: String, _ direction: SessionContext.Direction) async throws {
        let stage = WHIPStage()
        let reply = try await stage.send(.post, path, token: token, fields: [.contentType: "Application/SDP; charset=utf-8"], body: "offer")
        #expect(reply.status == 201 && reply.text == "v=0\r\nanswer")
        #expect(reply.fields[.contentType] == "application/sdp" && reply.fields[.eTag] == "\"there-0\"")
        #expect(reply.fields[.acceptPatch] == "application/trickle-ice-sdpfrag")
        #expect(reply.fields[.location] == (path.hasSuffix("/") ? String(path.dropLast()) : path) + "/there")
        let order = try #require(stage.sessions.memory.withLock { $0.orders.first })
        #expect(order.offer == "offer" && order.direction == direction)
    }

    @Test(
        arguments: [
            ("/whip/cam", nil, 401, "token_missing"), ("/whep/cam", nil, 401, "token_missing"), ("/whip/cam", "xx", 401, "token_invalid"),
            ("/whip/cam", "a b", 401, "token_invalid"), ("/whip/cam", "T-expired", 401, "token_expired"),
            ("/whip/cam", "T-watch", 403, "wrong_role"), ("/whep/cam", "T-publish", 403, "wrong_role"),
            ("/whip/other", "T-publish", 403, "forbidden"), ("/whep/other", "T-watch", 403, "forbidden"),
            ("/whip/cam", "T-suspended", 403, "account_suspended"), ("/whip/cam", "T-down", 503, "unavailable"),
            ("/whip/%00", "T-admin", 404, "not_found"), ("/whip/a%0Ab", "T-admin", 404, "not_found"),
            ("/whip", "T-admin", 404, "not_found"),
        ] as [(String, String?, Int, String)])
    func whoMayNotIsTold(_ path: String, _ token: String?, _ status: Int, _ code: String) async throws {
        let stage = WHIPStage()
        let reply = try await stage.send(.post, path, token: token, body: "offer")
        #expect(reply.status == status && reply.code == code && reply.fields[.contentType] == "application/problem+json")
        #expect(stage.sessions.memory.withLock { $0.orders.isEmpty })
        #expect(reply.fields[.wwwAuthenticate]?.hasPrefix("Bearer") == (status == 401 || status == 403 ? true : nil))
    }

    @Test func aCameraHearsWhatItIsToldToPlayAndNothingElse() async throws {
        let stage = WHIPStage()
        #expect(try await stage.send(.post, "/whep/voices", token: "T-publish", body: "offer").status == 201)
        #expect(try await stage.send(.post, "/whep/other", token: "T-publish", body: "offer").status == 403)
        #expect(try await stage.send(.post, "/whip/voices", token: "T-publish", body: "offer").status == 403)
    }

    @Test func publicStreamsNeedNoTokenToBeWatched() async throws {
        let stage = WHIPStage(streamsArePublic: true)
        #expect(try await stage.send(.post, "/whep/any", body: "offer").status == 201)
        let order = try #require(stage.sessions.memory.withLock { $0.orders.first })
        #expect(order.grant.account == AccountID("public") && order.grant.role == .watch)
        #expect(try await stage.send(.post, "/whep/other", token: "T-watch", body: "offer").status == 201)
        #expect(try await stage.send(.post, "/whip/cam", body: "offer").status == 401)
        #expect(try await stage.send(.post, "/whep/any", token: "xx", body: "offer").status == 401, "a bad token is no token")
    }

    @Test(
        arguments: [
            ("application/json", "offer", 415, "unsupported_media_type"),
            ("application/sdp, text/plain", "offer", 415, "unsupported_media_type"),
            ("text/plain", "offer", 415, "unsupported_media_type"), ("application/sdp", "", 400, "malformed_sdp"),
            ("application/sdp", String(repeating: "x", count: 128 * 1024 + 1), 413, "body_too_large"),
        ]) func otherBodiesAreRefused(_ type: String, _ body: String, _ status: Int, _ code: String) async throws
    {
        let reply = try await WHIPStage().send(.post, "/whip/cam", token: "T-publish", fields: [.contentType: type], body: body)
        #expect(reply.status == status && reply.code == code)
        #expect((reply.fields[.acceptPost] == "application/sdp") == (status == 415))
    }

    @Test func aBodyWithoutATypeOrCompressedIsRefused() async throws {
        let stage = WHIPStage()
        let zipped: HTTPFields = [.contentType: "application/sdp", .contentEncoding: "gzip"]
        #expect(try await stage.send(.post, "/whip/cam", token: "T-publish", fields: zipped, body: "offer").status == 415)
        #expect(try await stage.send(.post, "/whip/cam", token: "T-publish").status == 415)
    }

    @Test(
        arguments: [
            ("application/sdp", 201), ("*/*", 201), ("application/*;q=0.5", 201), ("text/html, application/sdp;q=0.1", 201), ("", 201),
            ("text/html", 406), ("application/sdp;q=0", 406), ("application/sdp;q=0.000, */*", 406), ("application/json", 406),
        ]) func theAnswersTypeIsNegotiated(_ accept: String, _ status: Int) async throws
    {
        let reply = try await WHIPStage().send(
            .post, "/whip/cam", token: "T-publish", fields: [.accept: accept, .contentType: "application/sdp"], body: "o")
        #expect(reply.status == status)
    }

    @Test(
        arguments: [
            (WHIPError.malformed("line 3 is not valid SDP"), 400, "malformed_sdp", nil),
            (.unacceptable("no section"), 422, "unacceptable_offer", nil), (.occupied, 409, "stream_occupied", "10"),
            (.notPublished, 409, "stream_not_published", "2"), (.tooMany("Enough."), 429, "limit_reached", "5"),
            (.unsupported("Cannot."), 422, "unsupported", nil), (.notFound, 404, "session_not_found", nil),
            (.bridge(BridgeError(.unavailable, "Full.")), 503, "unavailable", "5"),
            (.bridge(BridgeError(.pipelineUnavailable, "Full.")), 503, "pipeline_unavailable", "5"),
            (.bridge(BridgeError(.internal, "Bug.")), 500, "internal", nil),
        ] as [(WHIPError, Int, String, String?)])
    func refusalsAreTold(_ error: WHIPError, _ status: Int, _ code: String, _ wait: String?) async throws {
        let stage = WHIPStage()
        stage.sessions.memory.withLock { $0.failure = error }
        let reply = try await stage.send(.post, "/whip/cam", token: "T-publish", body: "offer")
        #expect(reply.status == status && reply.code == code && reply.fields[.retryAfter] == wait)
        #expect(reply.json["request_id"] == "r-1" && reply.json["status"] == .number(Double(status)))
    }

    @Test func anOfferOfTheBridgeIsTold() async throws {
        let stage = WHIPStage()
        stage.sessions.memory.withLock { $0.makesOffers = true }
        let reply = try await stage.send(.post, "/whep/cam", token: "T-watch", body: "offer")
        #expect(reply.status == 406 && reply.fields[.contentType] == "application/sdp")
        #expect(reply.fields[.location] == "/whep/cam/there" && reply.fields[.acceptPatch] == "application/sdp")
        #expect(reply.fields[.eTag] == nil, "there is no ICE session before the answer")
    }

    @Test func iceServersAreLinked() async throws {
        var turn = TurnSettings()
        turn.stunURLs = ["stun:turn.example.net:3478"]
        turn.urls = ["turn:turn.example.net:3478?transport=udp", "turns:turn.example.net:443?transport=tcp"]
        turn.secret = Redacted("secret")
        let reply = try await WHIPStage(turn: turn).send(.post, "/whip/cam", token: "T-publish", body: "offer")
        let credentials = #"username="1700086400:holder"; credential="AQID"; credential-type="password""#
        #expect(
            reply.fields[values: .links] == [
                #"<stun:turn.example.net:3478>; rel="ice-server""#,
                #"<turn:turn.example.net:3478?transport=udp>; rel="ice-server"; \#(credentials)"#,
                #"<turns:turn.example.net:443?transport=tcp>; rel="ice-server"; \#(credentials)"#,
            ])
    }

    @Test func viewersAreToldOfExtensions() async throws {
        let reply = try await WHIPStage(publicBase: "https://bridge.example/").send(.post, "/whep/cam", token: "T-watch", body: "offer")
        #expect(reply.fields[.location] == "https://bridge.example/whep/cam/there")
        #expect(
            reply.fields[values: .links] == [
                #"<https://bridge.example/whep/cam/there/sse>; rel="urn:ietf:params:whep:ext:core:server-sent-events"; events="active,inactive,layers,viewercount""#,
                #"<https://bridge.example/whep/cam/there/layer>; rel="urn:ietf:params:whep:ext:core:layer""#,
            ])
    }

    @Test(arguments: [
        ("/whip/cam", "POST", "Accept-Post: application/sdp"), ("/whep/cam", "POST", "Accept-Post: application/sdp"),
        ("/whip/cam/x", "PATCH", "Accept-Patch: application/trickle-ice-sdpfrag"),
        ("/whep/cam/x", "DELETE", "Accept-Patch: application/trickle-ice-sdpfrag"),
        ("/whep/cam/x/sse", "POST", "Accept-Post: application/json"), ("/whep/cam/x/sse/y", "DELETE", ""),
        ("/whep/cam/x/layer", "POST", "Accept-Post: application/json"),
    ]) func optionsSayWhatAPathTakes(_ path: String, _ method: String, _ field: String) async throws {
        let reply = try await WHIPStage().send(.options, path)
        #expect(reply.status == 200 && reply.fields[.accessControlAllowOrigin] == "*")
        #expect(reply.fields[.accessControlAllowMethods]?.contains(method) == true && reply.fields[.allow]?.contains(method) == true)
        for name in ["Authorization", "Content-Type", "If-Match"] {
            #expect(reply.fields[.accessControlAllowHeaders]?.contains(name) == true)
        }
        let named = field.split(separator: ": ").map(String.init)
        if named.count == 2 { #expect(reply.fields[try #require(HTTPField.Name(named[0]))] == named[1]) }
    }

    @Test(arguments: [("/whip/none/x/y/z", 404), ("/whip", 404), ("/whip/cam/x/sse", 404)]) func unknownPathsHaveNoOptions(
        _ path: String, _ status: Int
    ) async throws {
        #expect(try await WHIPStage().send(.options, path).status == status)
    }

    @Test(arguments: [HTTPRequest.Method.get, .head]) func endpointsHaveNoRepresentation(_ method: HTTPRequest.Method) async throws {
        for path in ["/whip/cam", "/whep/none"] {
            let reply = try await WHIPStage().send(method, path)
            #expect(reply.status == 204 && reply.body == .empty)
        }
    }

    @Test(arguments: [
        ("/whip/cam", "PUT", "POST, GET, HEAD, OPTIONS"), ("/whip/cam", "DELETE", "POST, GET, HEAD, OPTIONS"),
        ("/whep/cam/there", "POST", "GET, HEAD, PATCH, DELETE, OPTIONS"), ("/whip/cam/there", "PUT", "GET, HEAD, PATCH, DELETE, OPTIONS"),
    ]) func otherMethodsAreRefused(_ path: String, _ method: String, _ allowed: String) async throws {
        let reply = try await WHIPStage().send(try #require(HTTPRequest.Method(method)), path, token: "T-admin", body: "x")
        #expect(reply.status == 405 && reply.fields[.allow] == allowed)
    }

    @Test(arguments: [("/whip/cam", 401), ("/whip/nowhere/at/all/is/this", 404)]) func everyReplyIsOpenToEveryOrigin(
        _ path: String, _ status: Int
    ) async throws {
        let reply = try await WHIPStage().send(.post, path, body: "offer")
        #expect(reply.status == status && reply.fields[.accessControlAllowOrigin] == "*" && reply.fields[.requestID] == "r-1")
        for name in ["Location", "Link", "ETag", "Accept-Patch", "Retry-After", "WWW-Authenticate"] {
            #expect(reply.fields[.accessControlExposeHeaders]?.contains(name) == true)
        }
        #expect(reply.fields[.cacheControl] == "no-store")
    }

    @Test func theContractNamesEveryRouteAndNoOther() throws {
        let routes = Set(WHIPStage().api.routes.map { "\($0.method.rawValue) \($0.path)" })
        #expect(try ContractTests.operations(in: "whip.openapi.yaml") == routes)
    }

    @Test func theContractNamesEveryCode() throws {
        let file = URL(filePath: #filePath).appending(path: "../../../../signaling/errors.json").standardized
        guard case .object(let entries)? = try JSONValue.read(Data(contentsOf: file))["whip"] else {
            Issue.record("errors.json has no whip")
            return
        }
        let errors: [WHIPError] = [
            .notFound, .malformed(""), .unacceptable(""), .unacceptableAnswer(""), .occupied, .notPublished, .stale, .unconditional,
            .unsupported(""), .tooMany(""),
        ]
        for error in errors {
            let problem = Problem(error)
            #expect(entries[problem.code]?["status"]?.integer == problem.status.code, "\(problem.code)")
        }
    }
}
