import Bridge
import BridgeAPI
import BridgeModel
import HTTPCore
import HTTPTypes
import Synchronization
import Testing

/// Policies and events in memory.
final class FakeTriggers: TriggerCommands {
    let failure = Mutex<BridgeError?>(nil)
    let stored = Mutex<[StreamID: RecordingPolicy]>([:])
    let reported = Mutex<[StreamEvent]>([])
    let queries = Mutex<[StreamEventQuery]>([])

    func policies() async -> [(stream: StreamID, policy: RecordingPolicy)] {
        stored.withLock { $0 }.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key, $0.value) }
    }

    func policy(of stream: StreamID) async -> (policy: RecordingPolicy, isOwn: Bool) {
        let own = stored.withLock { $0[stream] }
        return (own ?? RecordingPolicy(.request), own != nil)
    }

    func set(_ policy: RecordingPolicy?, for stream: StreamID) async throws(BridgeError) {
        if let failure = failure.withLock({ $0 }) { throw failure }
        stored.withLock { $0[stream] = policy }
    }

    func report(_ report: StreamEventReport, on stream: StreamID) async throws(BridgeError) -> StreamEvent {
        if let failure = failure.withLock({ $0 }) { throw failure }
        return reported.withLock { events in
            let at = WallTime(milliseconds: 1_700_000_000_000)
            let event = StreamEvent(
                id: "e-\(events.count)", stream: stream, report: report, at: at, recording: RecordingID("r-1"))
            events.append(event)
            return event
        }
    }

    func streamEvents(_ query: StreamEventQuery) async throws(BridgeError) -> [StreamEvent] {
        queries.withLock { $0.append(query) }
        return Array(reported.withLock { $0 }.prefix(query.limit))
    }
}

@Suite struct TriggerOperationTests {
    private let stage = Stage()
    private let policy = "/bridge/v1/streams/cam/recording-policy"
    private let events = "/bridge/v1/streams/cam/events"

    @Test func aPolicyIsSetShownListedAndTakenAway() async throws {
        var reply = try await stage.send(.get, policy, token: "T-admin")
        #expect(reply.status == 200 && reply.json["source"] == "configuration" && reply.json["policy"] == ["trigger": "request"])
        let body = #"{"trigger":"schedule","schedule":{"time_zone":"Europe/Berlin","windows":["mon-fri 08:00-18:00","daily 22:00-24:00"]}}"#
        reply = try await stage.send(.put, policy, token: "T-admin", body: body)
        #expect(reply.status == 200 && reply.json["source"] == "stream")
        #expect(reply.json["policy"]?["schedule"]?["windows"] == ["mon-fri 08:00-18:00", "daily 22:00-24:00"])
        _ = try await stage.send(
            .put, "/bridge/v1/streams/door/recording-policy", token: "T-admin",
            body: #"{"trigger":"event","pre_roll_s":5,"post_roll_s":60}"#)
        reply = try await stage.send(.get, "/bridge/v1/recording-policies?limit=1", token: "T-admin")
        #expect(reply.json["next"] == "cam")
        reply = try await stage.send(.get, "/bridge/v1/recording-policies?limit=1&after=cam", token: "T-admin")
        let shown: JSONValue = ["stream": "door", "policy": ["trigger": "event", "pre_roll_s": 5, "post_roll_s": 60]]
        #expect(reply.json == ["policies": [shown], "next": nil])
        #expect(try await stage.send(.delete, policy, token: "T-admin").status == 204)
        #expect(try await stage.send(.delete, policy, token: "T-admin").status == 204)
        #expect(stage.triggers.stored.withLock { $0.keys.map(\.rawValue) } == ["door"])
    }

    @Test(
        arguments: [
            (nil, "{}", 401, "token_missing", nil), ("T-publish", "{}", 403, "wrong_role", nil),
            ("T-admin", "[]", 400, "not_an_object", nil), ("T-admin", "{}", 400, "invalid_field", "trigger"),
            ("T-admin", #"{"trigger":"never"}"#, 400, "invalid_field", "trigger"),
            ("T-admin", #"{"trigger":"always","pre_roll_s":3}"#, 400, "invalid_field", "pre_roll_s"),
            ("T-admin", #"{"trigger":"event","pre_roll_s":61}"#, 400, "invalid_field", "pre_roll_s"),
            ("T-admin", #"{"trigger":"event","post_roll_s":0}"#, 400, "invalid_field", "post_roll_s"),
            ("T-admin", #"{"trigger":"event","postroll":1}"#, 400, "invalid_field", "postroll"),
            ("T-admin", #"{"trigger":"schedule"}"#, 400, "invalid_field", "schedule"),
            (
                "T-admin", #"{"trigger":"schedule","schedule":{"time_zone":"UTC","windows":["mon 9-10"]}}"#, 400, "invalid_field",
                "schedule.windows[0]"
            ),
        ] as [(String?, String, Int, String, String?)])
    func otherPoliciesAreRefused(_ token: String?, _ body: String, _ status: Int, _ code: String, _ field: String?) async throws {
        let reply = try await stage.send(.put, policy, token: token, body: body)
        #expect(reply.status == status && reply.code == code && reply.json["field"]?.string == field)
        #expect(stage.triggers.stored.withLock { $0.isEmpty })
    }

    @Test func anUnknownTimeZoneIsTheRequestsFault() async throws {
        stage.triggers.failure.withLock { $0 = BridgeError(.invalidField, "There is no time zone Mars/Olympus.") }
        let body = #"{"trigger":"schedule","schedule":{"time_zone":"Mars/Olympus","windows":["daily 08:00-18:00"]}}"#
        let reply = try await stage.send(.put, policy, token: "T-admin", body: body)
        #expect(reply.status == 400 && reply.json["field"] == "schedule.time_zone")
    }

    @Test func eventsAreReportedAndListed() async throws {
        let reply = try await stage.send(.post, events, token: "T-admin", body: #"{"type":"motion","note":"at the gate"}"#)
        #expect(reply.status == 201 && reply.json["type"] == "motion" && reply.json["recording"] == "r-1")
        _ = try await stage.send(.post, events, token: "T-admin", body: #"{"type":"door.open"}"#)
        let page = try await stage.send(.get, events + "?limit=1&from=1600000000000&to=2027-01-01T00:00:00Z", token: "T-admin")
        #expect(page.json["next"] == "e-0")
        let query = try #require(stage.triggers.queries.withLock { $0.last })
        #expect(query.stream == StreamID("cam") && query.from == WallTime(milliseconds: 1_600_000_000_000) && query.limit == 2)
    }

    @Test(arguments: [
        ("{}", "type"), (#"{"type":""}"#, "type"), (#"{"type":"a b"}"#, "type"), (#"{"type":3}"#, "type"),
        (#"{"type":"\#(String(repeating: "x", count: 65))"}"#, "type"), (#"{"type":"x","note":7}"#, "note"),
        (#"{"type":"x","note":"\#(String(repeating: "n", count: 501))"}"#, "note"),
    ]) func otherEventsAreRefused(_ body: String, _ field: String) async throws {
        let reply = try await stage.send(.post, events, token: "T-admin", body: body)
        #expect(reply.status == 400 && reply.code == "invalid_field" && reply.json["field"]?.string == field)
        #expect(stage.triggers.reported.withLock { $0.isEmpty })
    }

    @Test(arguments: [
        ("GET", "/bridge/v1/recording-policies"), ("GET", "/bridge/v1/streams/cam/events"), ("POST", "/bridge/v1/streams/cam/events"),
    ])
    func allIsTheOperators(_ method: String, _ path: String) async throws {
        let method = try #require(HTTPRequest.Method(rawValue: method))
        #expect(try await stage.send(method, path, token: "T-watch", body: "{}").status == 403)
        #expect(try await stage.send(.get, events + "?from=yesterday", token: "T-admin").status == 400)
    }

    @Test func aRecordingThatIsAskedForMayReachBack() async throws {
        let start = "/bridge/v1/streams/cam/recordings"
        #expect(try await stage.send(.post, start, token: "T-admin", body: #"{"pre_roll_s":10}"#).status == 201)
        #expect(stage.bridge.memory.withLock { $0.orders.first?.preRoll } == .seconds(10))
        for body in [#"{"pre_roll_s":11}"#, #"{"pre_roll_s":-1}"#, #"{"pre_roll_s":"10"}"#] {
            let reply = try await stage.send(.post, start, token: "T-admin", body: body)
            #expect(reply.status == 400 && reply.json["field"] == "pre_roll_s")
        }
    }
}
