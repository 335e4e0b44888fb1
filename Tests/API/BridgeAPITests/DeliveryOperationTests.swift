import Bridge
import BridgeModel
import HTTPTypes
import Synchronization
import Testing

@Suite struct DeliveryOperationTests {
    private let stage = Stage()
    private let start = WallTime(milliseconds: 1_700_000_000_000)

    private func get(_ path: String, token: String? = "T-admin") async throws -> Stage.Reply {
        try await stage.send(.get, "/bridge/v1" + path, token: token)
    }

    private func event(_ sequence: Int64, session: String) -> EventRow {
        let draft = EventDraft(
            id: EventID("evt_\(sequence)"), kind: .sessionStarted, party: EventParty(session: SessionID(session)),
            facts: .object([.init("direction", .string("publish"))]), at: start)
        return EventRow(draft, sequence: sequence, sessionSequence: 1)
    }

    private func delivery(_ id: String, _ state: DeliveryRow.State) -> DeliveryRow {
        var row = DeliveryRow(
            id: DeliveryID(id), work: .webhook(url: Redacted("https://hooks.example/path-secret?sig=secret"), body: #"{"type":"x"}"#),
            account: AccountID("acme"), session: SessionID("s-1"), state: state, attempts: 3, dueAt: start, createdAt: start)
        row.terms = .events
        row.event = EventID("evt_1")
        row.lastStatus = 500
        row.lastError = "destination replied 500"
        return row
    }

    @Test func eventsAreReplayedFromACursorThatAlwaysGoesOn() async throws {
        stage.bridge.memory.withLock { $0.events = (4...9).map { event($0, session: $0 == 6 ? "b" : "a") } }
        let first = try await get("/events?limit=4").json
        #expect(first["events"]?.items?.compactMap { $0["sequence"] } == [.number(4), .number(5), .number(6), .number(7)])
        #expect(first["events"]?.items?.first?["type"]?.string == "session.started")
        #expect(first["next"]?.string == "7" && first["more"] == .bool(true) && first["oldest"] == .number(4))
        let second = try await get("/events?after=7").json
        #expect(second["events"]?.items?.count == 2 && second["next"]?.string == "9" && second["more"] == .bool(false))
        let none = try await get("/events?after=9").json
        #expect(none["events"]?.items?.isEmpty == true && none["next"]?.string == "9")
        #expect(try await get("/events?session=b").json["events"]?.items?.count == 1)
    }

    @Test(arguments: ["after=x", "after=-1", "after=1.5", "after=99999999999999999999", "after=%31e2", "limit=0", "limit=1001", "limit=x"])
    func cursorsAreChecked(query: String) async throws {
        let reply = try await get("/events?\(query)")
        #expect(reply.status == 400 && reply.code == "invalid_field")
    }

    @Test func deliveriesAreListedByStateInPagesAndWithoutTheirURL() async throws {
        stage.bridge.memory.withLock { $0.deliveries = [delivery("msg_1", .dead), delivery("msg_2", .pending), delivery("msg_3", .dead)] }
        let page = try await get("/deliveries?state=dead&limit=1")
        #expect(page.json["deliveries"]?.items?.compactMap { $0["id"]?.string } == ["msg_1"])
        #expect(page.json["next"]?.string == "msg_1")
        let last = try await get("/deliveries?state=dead&limit=1&after=msg_1")
        #expect(last.json["deliveries"]?.items?.compactMap { $0["id"]?.string } == ["msg_3"] && last.json["next"]?.isNull == true)
        let shown = try #require(page.json["deliveries"]?.items?.first)
        #expect(shown["origin"]?.string == "https://hooks.example" && shown["event_id"]?.string == "evt_1")
        #expect(shown["terms"]?.string == "events" && shown["last_status"] == .number(500) && shown["due_at"]?.isNull == true)
        #expect(!page.text.contains("secret"))
        let refused = try await get("/deliveries?state=lost")
        #expect(refused.status == 400 && refused.code == "invalid_field")
    }

    @Test func aDeliveryShowsItsBodyAndItsAttempts() async throws {
        stage.bridge.memory.withLock { memory in
            memory.deliveries = [delivery("msg_1", .pending)]
            memory.attempts = [
                AttemptRecord(
                    number: 1, beganAt: start, duration: .milliseconds(42), status: 500, error: "destination replied 500",
                    requestHeaders: [AttemptRecord.Header("webhook-id", "msg_1")], reply: "oh \"no\"\n")
            ]
        }
        let reply = try await get("/deliveries/msg_1")
        #expect(reply.json["body"]?.string == #"{"type":"x"}"# && reply.json["due_at"]?.string == start.iso8601)
        let attempt = try #require(reply.json["attempt_log"]?.items?.first)
        #expect(attempt["duration_ms"] == .number(42) && attempt["status"] == .number(500) && attempt["reply"]?.string == "oh \"no\"\n")
        #expect(attempt["request_headers"]?["webhook-id"]?.string == "msg_1")
        #expect(!reply.text.contains("secret"))
        #expect(try await get("/deliveries/msg_9").status == 404)
    }

    @Test func oneOrAllAreSentAgain() async throws {
        stage.bridge.memory.withLock { $0.deliveries = [delivery("msg_1", .dead), delivery("msg_2", .dead), delivery("msg_3", .pending)] }
        let one = try await stage.send(.post, "/bridge/v1/deliveries/msg_1/redeliver", token: "T-admin")
        #expect(one.status == 202 && one.json["id"]?.string == "msg_1")
        #expect(stage.bridge.memory.withLock { $0.redelivered } == [DeliveryID("msg_1")])
        #expect(try await stage.send(.post, "/bridge/v1/deliveries/msg_9/redeliver", token: "T-admin").status == 404)
        let all = try await stage.send(.post, "/bridge/v1/deliveries/redeliver", token: "T-admin")
        #expect(all.status == 202 && all.json["redelivered"] == .number(2))
    }

    @Test(arguments: [
        (HTTPRequest.Method.get, "/events"), (.get, "/deliveries"), (.get, "/deliveries/msg_1"), (.post, "/deliveries/msg_1/redeliver"),
        (.post, "/deliveries/redeliver"),
    ])
    func theyAreTheOperators(method: HTTPRequest.Method, path: String) async throws {
        #expect(try await stage.send(method, "/bridge/v1" + path).status == 401)
        for role in ["publish", "watch", "client", "supervisor", "stats"] {
            let reply = try await stage.send(method, "/bridge/v1" + path, token: "T-\(role)")
            #expect(reply.status == 403 && reply.code == "wrong_role")
        }
        #expect(stage.bridge.memory.withLock { $0.redelivered.isEmpty })
    }

    @Test func aLedgerThatCannotBeReadIsUnavailable() async throws {
        stage.bridge.memory.withLock { $0.failure = BridgeError(.unavailable, "The database is locked.") }
        #expect(try await get("/events").status == 503)
        #expect(try await get("/deliveries").status == 503)
    }
}

extension JSONValue {
    /// The items of an array; nil for anything else.
    fileprivate var items: [JSONValue]? {
        guard case .array(let items) = self else { return nil }
        return items
    }
}
