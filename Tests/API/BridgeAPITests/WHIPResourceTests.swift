import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import Synchronization
import Testing

@testable import BridgeAPI

/// Sessions that are there: PATCH, DELETE, GET, and what viewers have besides.
@Suite struct WHIPResourceTests {
    private static let fragment =
        "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\na=mid:0\r\na=candidate:1 1 udp 5 192.0.2.1 9000 typ host\r\n"

    @Test func candidatesAreTaken() async throws {
        let stage = WHIPStage()
        let reply = try await stage.send(
            .patch, "/whip/cam/there", token: "T-publish", fields: [.ifMatch: "\"there-0\", W/\"weak\""], body: Self.fragment)
        #expect(reply.status == 204 && reply.fields[.eTag] == nil && reply.body == .empty)
        let (changes, conditions) = stage.sessions.memory.withLock { ($0.changes, $0.conditions) }
        #expect(conditions == [.oneOf([EntityTag("there-0")])])
        guard case .ice(let change)? = changes.first else {
            Issue.record("\(changes)")
            return
        }
        #expect(change.credentials?.ufrag == "EsAw" && change.candidates.count == 1)
    }

    @Test func aRestartTellsOursAndTheNewTag() async throws {
        let stage = WHIPStage()
        let ours = IceRestartAnswer(
            credentials: IceParameters(ufrag: "ours", password: Redacted("oursoursoursoursoursours")),
            candidates: ["candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host"], isLite: true)
        stage.sessions.memory.withLock { $0.outcome = .restarted(ours, EntityTag("there-1")) }
        let reply = try await stage.send(.patch, "/whip/cam/there", token: "T-publish", fields: [.ifMatch: "*"], body: Self.fragment)
        #expect(reply.status == 200 && reply.fields[.eTag] == "\"there-1\"")
        #expect(reply.fields[.contentType] == "application/trickle-ice-sdpfrag")
        #expect(
            reply.text == """
                a=ice-lite\r
                a=ice-ufrag:ours\r
                a=ice-pwd:oursoursoursoursoursours\r
                m=audio 9 UDP/TLS/RTP/SAVPF 0\r
                a=candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host\r
                a=end-of-candidates\r

                """)
        #expect(stage.sessions.memory.withLock { $0.conditions } == [.any])
    }

    @Test(
        arguments: [
            ("application/sdp", "*", fragment, 415, "unsupported_media_type"),
            ("application/trickle-ice-sdpfrag", "*", "garbage", 400, "malformed_sdp"),
            ("application/trickle-ice-sdpfrag", "*", "", 400, "malformed_sdp"),
            ("application/trickle-ice-sdpfrag", "there-0", fragment, 400, "invalid_field"),
            ("application/trickle-ice-sdpfrag", "*", String(repeating: "a=x\r\n", count: 20_000), 413, "body_too_large"),
        ]) func otherPatchesAreRefused(_ type: String, _ condition: String, _ body: String, _ status: Int, _ code: String) async throws
    {
        let stage = WHIPStage()
        let reply = try await stage.send(
            .patch, "/whip/cam/there", token: "T-publish", fields: [.contentType: type, .ifMatch: condition], body: body)
        #expect(reply.status == status && reply.code == code)
        #expect((reply.fields[.acceptPatch] == "application/trickle-ice-sdpfrag") == (status == 415))
        #expect(stage.sessions.memory.withLock { $0.changes.isEmpty })
    }

    @Test(
        arguments: [
            (WHIPError.stale, 412, "precondition_failed"), (.unconditional, 428, "precondition_required"),
            (.unsupported("Cannot."), 422, "unsupported"),
            (.tooMany("Flood."), 429, "limit_reached"), (.notFound, 404, "session_not_found"),
            (.bridge(BridgeError(.unavailable, "Not now.")), 503, "unavailable"),
        ] as [(WHIPError, Int, String)]) func aSessionsRefusalsAreTold(_ error: WHIPError, _ status: Int, _ code: String) async throws
    {
        let stage = WHIPStage()
        stage.sessions.memory.withLock { $0.failure = error }
        let reply = try await stage.send(.patch, "/whip/cam/there", token: "T-publish", body: Self.fragment)
        #expect(reply.status == status && reply.code == code)
        #expect(stage.sessions.memory.withLock { $0.conditions } == [.absent])
    }

    @Test func anOfferOfTheBridgeIsAnswered() async throws {
        let stage = WHIPStage()
        stage.sessions.memory.withLock { $0.outcome = .accepted(EntityTag("offered-0")) }
        let fields: HTTPFields = [.contentType: "application/sdp"]
        let reply = try await stage.send(.patch, "/whep/cam/offered", token: "T-watch", fields: fields, body: "answer")
        #expect(reply.status == 204 && reply.fields[.eTag] == "\"offered-0\"")
        #expect(reply.fields[.acceptPatch] == "application/trickle-ice-sdpfrag")
        #expect(stage.sessions.memory.withLock { $0.changes } == [.answer("answer")])
    }

    @Test func aSessionThatAwaitsAnAnswerTakesNoFragmentAndAnotherNoAnswer() async throws {
        let stage = WHIPStage()
        let early = try await stage.send(.patch, "/whep/cam/offered", token: "T-watch", fields: [.ifMatch: "*"], body: Self.fragment)
        #expect(early.status == 415 && early.fields[.acceptPatch] == "application/sdp")
        let fields: HTTPFields = [.contentType: "application/sdp"]
        let late = try await stage.send(.patch, "/whep/cam/seen", token: "T-watch", fields: fields, body: "answer")
        #expect(late.status == 415 && late.fields[.acceptPatch] == "application/trickle-ice-sdpfrag")
        #expect(stage.sessions.memory.withLock { $0.changes.isEmpty })
    }

    @Test(
        arguments: [
            (WHIPError.malformed("line 1 is not valid SDP"), 400, "malformed_sdp"),
            (.unacceptableAnswer("Section 0 does not fit."), 422, "unacceptable_answer"), (.notFound, 404, "session_not_found"),
        ] as [(WHIPError, Int, String)])
    func anAnswerThatDoesNotFitIsRefused(_ error: WHIPError, _ status: Int, _ code: String) async throws {
        let stage = WHIPStage()
        stage.sessions.memory.withLock { $0.failure = error }
        let fields: HTTPFields = [.contentType: "application/sdp"]
        let reply = try await stage.send(.patch, "/whep/cam/offered", token: "T-watch", fields: fields, body: "answer")
        #expect(reply.status == status && reply.code == code)
    }

    @Test func aSessionEndsWhateverTagIsNamed() async throws {
        let stage = WHIPStage()
        #expect(try await stage.send(.delete, "/whip/cam/there", token: "T-publish", fields: [.ifMatch: "\"other\""]).status == 200)
        #expect(try await stage.send(.delete, "/whip/cam/gone", token: "T-publish").status == 200, "once more changes nothing")
        #expect(stage.sessions.memory.withLock { $0.ended } == [SessionID("there"), SessionID("gone")])
    }

    @Test(
        arguments: [
            ("/whip/cam/there", nil, 401), ("/whip/cam/there", "T-watch", 403), ("/whip/cam/there", "xx", 401),
            ("/whip/cam/there", "T-admin", 200),
            ("/whip/cam/nobody", "T-publish", 404), ("/whip/other/there", "T-admin", 404), ("/whep/cam/there", "T-admin", 404),
            ("/whep/cam/seen", "T-watch", 200), ("/whep/cam/seen", nil, 401), ("/whep/cam/open", nil, 200),
        ] as [(String, String?, Int)]) func onlyItsOwnerCommandsASession(_ path: String, _ token: String?, _ status: Int) async throws
    {
        let stage = WHIPStage()
        #expect(try await stage.send(.delete, path, token: token).status == status)
        #expect(stage.sessions.memory.withLock { $0.ended.isEmpty } == (status != 200))
    }

    @Test(arguments: [("/whip/cam/there", 204), ("/whip/cam/gone", 404), ("/whip/cam/nobody", 404)])
    func sessionsHaveNoRepresentation(_ path: String, _ status: Int) async throws {
        for method in [HTTPRequest.Method.get, .head] {
            let reply = try await WHIPStage().send(method, path, token: "T-publish")
            #expect(reply.status == status)
        }
        #expect(try await WHIPStage().send(.patch, "/whip/cam/gone", token: "T-publish", body: Self.fragment).status == 404)
    }
}

@Suite struct WHEPExtensionTests {
    @Test(
        arguments: [
            ("", Set(WHEPEvent.Kind.allCases)), (#"["active","viewercount"]"#, [.active, .viewerCount]),
            (#"["scte35","layers"]"#, [.layers]), ("[]", []),
        ] as [(String, Set<WHEPEvent.Kind>)]) func aStreamOfEventsIsMade(_ body: String, _ kinds: Set<WHEPEvent.Kind>) async throws
    {
        let stage = WHIPStage()
        let reply = try await stage.send(
            .post, "/whep/cam/seen/sse", token: "T-watch", fields: [.contentType: "application/json"], body: body)
        #expect(reply.status == 201 && reply.fields[.location] == "/whep/cam/seen/sse/e1")
        #expect(stage.sessions.memory.withLock { $0.kinds } == [kinds])
    }

    @Test(
        arguments: [
            ("{}", "application/json", 400), ("[1]", "application/json", 400), ("[", "application/json", 400), ("[]", "text/plain", 415),
            ("[\"" + String(repeating: "x", count: 5000) + "\"]", "application/json", 413),
        ]) func otherBodiesAreRefused(_ body: String, _ type: String, _ status: Int) async throws
    {
        let fields: HTTPFields = [.contentType: type]
        #expect(try await WHIPStage().send(.post, "/whep/cam/seen/sse", token: "T-watch", fields: fields, body: body).status == status)
    }

    @Test(arguments: ["/whep/cam/seen/sse", "/whep/cam/seen/sse/e1"]) func eventsComeAsTheyAre(_ path: String) async throws {
        let reply = try await WHIPStage().send(.get, path, fields: [.accept: "text/event-stream"])
        #expect(reply.status == 200 && reply.fields[.contentType] == "text/event-stream" && reply.fields[.cacheControl] == "no-store")
        guard case .stream(let parts) = reply.body else {
            Issue.record("no stream")
            return
        }
        var text = ""
        for await part in parts { text += String(decoding: part, as: UTF8.self) }
        #expect(
            text == """
                event: active
                data: {}

                event: layers
                data: {"0":[{"rid":"hd","spatialLayerId":1,"temporalLayerId":2,"bitrate":900,"width":640,"height":360},{"spatialLayerId":0,"temporalLayerId":0,"bitrate":0}]}

                event: viewercount
                data: {"viewercount":3}

                event: inactive
                data: {}


                """)
    }

    @Test(
        arguments: [
            (HTTPRequest.Method.get, "/whep/cam/seen/sse/other", nil, 404), (.get, "/whep/cam/nobody/sse", nil, 404),
            (.get, "/whep/cam/there/sse", nil, 404),
            (.delete, "/whep/cam/seen/sse/e1", nil, 401), (.delete, "/whep/cam/seen/sse/e1", "T-watch", 200),
            (.delete, "/whep/cam/seen/sse/other", "T-watch", 404), (.post, "/whep/cam/seen/sse", nil, 401),
            (.post, "/whep/cam/seen/layer", nil, 401),
            (.post, "/whep/cam/seen/sse", "T-publish", 403),
        ] as [(HTTPRequest.Method, String, String?, Int)])
    func whoMayNotIsTold(_ method: HTTPRequest.Method, _ path: String, _ token: String?, _ status: Int) async throws {
        #expect(try await WHIPStage().send(method, path, token: token).status == status)
    }

    @Test func eventsAreNotSentAsAnythingElse() async throws {
        #expect(try await WHIPStage().send(.get, "/whep/cam/seen/sse", fields: [.accept: "text/html"]).status == 406)
    }

    @Test func aLayerIsChosen() async throws {
        let stage = WHIPStage()
        let fields: HTTPFields = [.contentType: "application/json"]
        let body =
            #"{"mediaId":"1","rid":"hd","spatialLayerId":1,"temporalLayerId":2,"maxSpatialLayerId":3,"maxTemporalLayerId":4,"maxWidth":640,"maxHeight":360}"#
        #expect(try await stage.send(.post, "/whep/cam/seen/layer", token: "T-watch", fields: fields, body: body).status == 200)
        #expect(try await stage.send(.post, "/whep/cam/seen/layer", token: "T-watch", fields: fields, body: "{}").status == 200)
        var choice = LayerChoice()
        (choice.rid, choice.spatialID, choice.temporalID) = ("hd", 1, 2)
        (choice.highestSpatialID, choice.highestTemporalID, choice.greatestWidth, choice.greatestHeight) = (3, 4, 640, 360)
        #expect(stage.sessions.memory.withLock { $0.choices } == [choice, LayerChoice()])
        #expect(stage.sessions.memory.withLock { $0.sections } == [1, nil])
        stage.sessions.memory.withLock { $0.failure = .unsupported("No such layer.") }
        #expect(try await stage.send(.post, "/whep/cam/seen/layer", token: "T-watch", fields: fields, body: "{}").status == 422)
    }

    @Test(arguments: [
        "", "[]", "{", #"{"mediaId":0}"#, #"{"mediaId":"-1"}"#, #"{"rid":1}"#, #"{"spatialLayerId":"0"}"#, #"{"maxWidth":-1}"#,
        #"{"maxHeight":1.5}"#,
    ])
    func otherChoicesAreRefused(_ body: String) async throws {
        let fields: HTTPFields = [.contentType: "application/json"]
        #expect(try await WHIPStage().send(.post, "/whep/cam/seen/layer", token: "T-watch", fields: fields, body: body).status == 400)
    }
}
