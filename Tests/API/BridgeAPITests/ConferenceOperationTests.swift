import Bridge
import BridgeAPI
import BridgeModel
import HTTPTypes
import Synchronization
import Testing

/// Conferences in memory.
final class FakeConferences: ConferenceCommands {
    let failure = Mutex<BridgeError?>(nil)
    let all = Mutex<[ConferenceStatus]>([])

    func join(_ stream: StreamID, _ target: ConferenceTarget) async throws(BridgeError) -> (status: ConferenceStatus, isNew: Bool) {
        if let failure = failure.withLock({ $0 }) { throw failure }
        return all.withLock { all in
            if let same = all.first(where: { $0.row.stream == stream && $0.row.target == target }) { return (same, false) }
            let now = WallTime(milliseconds: 1_700_000_000_000)
            let row = ConferenceRow(id: ConferenceID("c\(all.count)"), stream: stream, target: target, createdAt: now)
            let status = ConferenceStatus(
                row: row, phase: .backingOff, since: now, attempts: 2, reason: BridgeError(.conferenceUnavailable, "busy"), bytesSent: 9)
            all.append(status)
            return (status, true)
        }
    }

    func conferences(of stream: StreamID) async -> [ConferenceStatus] {
        all.withLock { $0.filter { $0.row.stream == stream && !$0.row.target.kind.isPush } }
    }

    func pushes() async -> [ConferenceStatus] { all.withLock { $0.filter { $0.row.target.kind.isPush } } }

    func conference(_ id: ConferenceID) async -> ConferenceStatus? { all.withLock { $0.first { $0.row.id == id } } }

    func leave(_ id: ConferenceID) async throws(BridgeError) {
        let isThere = all.withLock { all in
            defer { all.removeAll { $0.row.id == id } }
            return all.contains { $0.row.id == id }
        }
        guard isThere else { throw BridgeError(.notFound, "none") }
    }
}

@Suite struct ConferenceOperationTests {
    private let stage = Stage()
    private let path = "/bridge/v1/streams/cam/conferences"
    private let order = #"{"kind":"whip","url":"https://meet.example/whip/hush-path","token":"hush-token"}"#

    @Test func aConferenceIsJoinedShownListedAndLeft() async throws {
        let made = try await stage.send(.post, path, token: "T-admin", body: order)
        #expect(made.status == 201 && made.fields[.location] == "/bridge/v1/conferences/c0")
        let shown = try await stage.send(.get, "/bridge/v1/conferences/c0", token: "T-admin")
        #expect(shown.status == 200 && shown.json == made.json)
        #expect(shown.json["origin"] == "https://meet.example" && shown.json["state"] == "backing_off" && shown.json["bytes_sent"] == 9)
        #expect(shown.json["reason"] == ["code": "conference_unavailable", "detail": "busy"] && !shown.text.contains("hush"))
        let again = try await stage.send(.post, path, token: "T-admin", body: order)
        #expect(again.status == 200 && again.json["id"] == "c0" && again.fields[.location] == nil)
        #expect(try await stage.send(.get, path, token: "T-admin").json["conferences"] == [made.json])
        #expect(try await stage.send(.get, "/bridge/v1/streams/other/conferences", token: "T-admin").json["conferences"] == [])
        #expect(try await stage.send(.delete, "/bridge/v1/conferences/c0", token: "T-admin").status == 204)
        #expect(try await stage.send(.delete, "/bridge/v1/conferences/c0", token: "T-admin").status == 404)
        #expect(try await stage.send(.get, "/bridge/v1/conferences/c0", token: "T-admin").status == 404)
    }

    @Test func aRoomOfAJanusServerIsJoinedAndItsSecretsAreNotShown() async throws {
        let order = #"{"kind":"janus_videoroom","url":"https://meet.example:8089/hush","room":7,"pin":"hush","api_secret":"hush"}"#
        let made = try await stage.send(.post, path, token: "T-admin", body: order)
        #expect(made.status == 201 && made.json["kind"] == "janus_videoroom" && made.json["origin"] == "https://meet.example:8089")
        #expect(!made.text.contains("hush"))
        #expect(try await stage.send(.post, path, token: "T-admin", body: order).status == 200)
        let other = order.replacing(#""room":7"#, with: #""room":8"#)
        #expect(try await stage.send(.post, path, token: "T-admin", body: other).status == 201)
    }

    @Test func ordersThatMakeNoSenseAreRefused() async throws {
        for (body, code, field) in [
            (#"{}"#, "missing_field", "kind"), (#"{"kind":null}"#, "missing_field", "kind"),
            (#"{"kind":"jitsi"}"#, "invalid_field", "kind"),
            (#"{"kind":5}"#, "invalid_field", "kind"), (#"{"kind":"whip"}"#, "missing_field", "url"),
            (#"{"kind":"whip","url":"http://meet.example/"}"#, "invalid_field", "url"),
            (#"{"kind":"whip","url":"https://u:p@meet.example/"}"#, "invalid_field", "url"),
            (#"{"kind":"whip","url":"https://meet.example/","token":"a b"}"#, "invalid_field", "token"),
            (#"{"kind":"janus_videoroom","url":"https://meet.example/janus"}"#, "missing_field", "room"),
            (#"{"kind":"janus_videoroom","url":"https://meet.example/janus","room":[7]}"#, "invalid_field", "room"),
        ] {
            let reply = try await stage.send(.post, path, token: "T-admin", body: body)
            #expect(reply.status == 400 && reply.code == code && reply.json["field"]?.string == field, "\(body): \(reply.text)")
        }
        let long = "/bridge/v1/streams/" + String(repeating: "x", count: 129) + "/conferences"
        #expect(try await stage.send(.post, long, token: "T-admin", body: order).status == 400)
        stage.conferences.failure.withLock { $0 = BridgeError(.limitReached, "too many") }
        #expect(try await stage.send(.post, path, token: "T-admin", body: order).status == 429)
    }

    @Test func theyAreTheOperators() async throws {
        for (method, path) in [
            (HTTPRequest.Method.post, path), (.get, path), (.get, "/bridge/v1/conferences/c0"), (.delete, "/bridge/v1/conferences/c0"),
        ] {
            #expect(try await stage.send(method, path, body: order).status == 401)
            for role in ["publish", "watch", "client"] {
                #expect(try await stage.send(method, path, token: "T-\(role)", body: order).status == 403)
            }
        }
        #expect(stage.conferences.all.withLock { $0.isEmpty })
    }
}
