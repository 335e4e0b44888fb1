import Bridge
import BridgeModel
import Foundation
import GRDB
import Logging
import StoragePlane
import Testing

@Suite struct WebhookQueueTests {
    private let folder: DataFolder
    private let ledger: SQLiteLedger
    private let receiver = Redacted("https://hooks.example/events-secret")
    private let later = Rows.start.advanced(by: .seconds(3600))

    init() throws {
        folder = try DataFolder()
        ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: .silent)
    }

    private func tell(_ id: String, session: String = "s1", to receiver: Redacted<String>? = nil) async throws {
        let draft = EventDraft(
            id: EventID("evt_\(id)"), kind: .recordingStarted, party: EventParty(Rows.context(session)), facts: .object([]),
            at: Rows.start)
        try await ledger.commit([.event(draft, receiver: receiver ?? self.receiver)])
    }

    private func due(_ excluding: WebhookExclusions = WebhookExclusions()) async throws -> [String] {
        try await ledger.dueWebhooks(at: later, limit: 100, excluding: excluding).map { String($0.id.rawValue.dropFirst(4)) }
    }

    private func row(_ id: String) async throws -> DeliveryRow { try #require(await ledger.webhook(DeliveryID("msg_\(id)"))) }

    private func settle(_ id: String, _ state: DeliveryRow.State, error: String? = nil) async throws {
        var row = try await row(id)
        row.state = state
        row.attempts += 1
        try await ledger.settle(row, Self.attempt(error: error))
    }

    private static func attempt(error: String? = nil) -> AttemptRecord {
        AttemptRecord(
            number: 0, beganAt: Rows.start, duration: .milliseconds(12), status: error == nil ? 200 : 500, error: error,
            requestHeaders: [AttemptRecord.Header("webhook-id", "msg"), AttemptRecord.Header("user-agent", "ü")], reply: "tha\u{0}nks")
    }

    @Test func anEventsWebhookCarriesItsDocument() async throws {
        try await tell("a")
        let sent = try await row("a")
        let event = try #require(await ledger.events(after: 0, limit: 1, session: nil).events.first)
        #expect(sent.work == .webhook(url: receiver, body: event.body))
        #expect(sent.terms == .events && sent.event == event.id && sent.dueAt == event.createdAt)
    }

    @Test(arguments: [DeliveryRow.State.delivered, .dead])
    func theNextOfASessionIsDueWhenTheOneBeforeHasEnded(end: DeliveryRow.State) async throws {
        for id in ["a1", "a2", "a3"] { try await tell(id) }
        try await tell("b1", session: "s2")
        #expect(try await due() == ["a1", "b1"])
        try await settle("a1", .pending, error: "again")
        #expect(try await due() == ["a1", "b1"])
        try await settle("a1", end)
        #expect(try await due().sorted() == ["a2", "b1"])
        try await settle("a2", end)
        try await settle("b1", end)
        #expect(try await due() == ["a3"])
        #expect(try await ledger.nextWebhookDue(excluding: WebhookExclusions()) == Rows.start)
        try await settle("a3", end)
        try await tell("a4")
        #expect(try await due() == ["a4"])
    }

    @Test func receiversHaveAnOrderOfTheirOwn() async throws {
        try await tell("a1")
        try await tell("a2", to: Redacted("https://hooks.example/other"))
        #expect(try await due() == ["a1", "a2"])
        let (first, second) = (try await row("a1"), try await row("a2"))
        let (one, other) = (try #require(first.receiver), try #require(second.receiver))
        #expect(one.id != other.id && one.host == other.host)
        #expect(try await due(WebhookExclusions(receivers: [one.id])) == ["a2"])
        #expect(try await due(WebhookExclusions(hosts: [one.host])) == [])
        #expect(try await due(WebhookExclusions(webhooks: [second.id])) == ["a1"])
        #expect(try await ledger.nextWebhookDue(excluding: WebhookExclusions(hosts: [one.host])) == nil)
    }

    @Test func aDialectsWebhooksWaitForNobody() async throws {
        try await ledger.commit([.delivery(Rows.webhook("msg_x")), .delivery(Rows.webhook("msg_y"))])
        try await tell("a")
        #expect(try await due() == ["x", "y", "a"])
    }

    @Test func everyAttemptIsALineOfTheLog() async throws {
        try await tell("a")
        try await settle("a", .pending, error: "destination replied 500")
        try await settle("a", .delivered)
        let attempts = try await ledger.attempts(of: DeliveryID("msg_a"))
        var expected = [Self.attempt(error: "destination replied 500"), Self.attempt()]
        (expected[0].number, expected[1].number) = (1, 2)
        // A text of SQLite ends with the first NUL.
        for index in expected.indices { expected[index].reply = "tha\u{FFFD}nks" }
        #expect(attempts == expected)
        #expect(try await ledger.attempts(of: DeliveryID("msg_unknown")).isEmpty)
        #expect(try await ledger.pruneDeliveries(before: later) == 1)
        #expect(try await ledger.attempts(of: DeliveryID("msg_a")).isEmpty)
    }

    @Test func whatWasGivenUpCanBeSentAgain() async throws {
        for id in ["a1", "a2", "a3"] { try await tell(id) }
        try await tell("b1", session: "s2")
        try await settle("a1", .dead, error: "gone")
        try await settle("b1", .dead, error: "gone")
        #expect(try await ledger.webhookFigures() == WebhookFigures(pending: 2, dead: 2))
        #expect(try await due() == ["a2"])
        #expect(try await ledger.reviveDead(at: Rows.start) == 2)
        #expect(try await ledger.webhookFigures() == WebhookFigures(pending: 4, dead: 0))
        #expect(try await due() == ["a2", "b1"], "one of a session at a time")
        try await settle("a2", .delivered)
        #expect(try await due().sorted() == ["a1", "b1"], "the one that was revived comes before what it was before")
        #expect(try await row("a1").attempts == 0)
        #expect(try await ledger.attempts(of: DeliveryID("msg_a1")).count == 1)
    }

    @Test func aPendingWebhookIsNotRevivedAndADeliveredOneIs() async throws {
        try await tell("a")
        try await settle("a", .pending, error: "again")
        #expect(try await ledger.revive(DeliveryID("msg_a"), at: later)?.attempts == 1)
        try await settle("a", .delivered)
        let revived = try #require(await ledger.revive(DeliveryID("msg_a"), at: later))
        #expect(revived.state == .pending && revived.attempts == 0 && revived.dueAt == later)
        #expect(try await due() == ["a"])
        #expect(try await ledger.revive(DeliveryID("msg_unknown"), at: later) == nil)
    }

    @Test func webhooksAreListedNewestFirst() async throws {
        for id in ["a", "b", "c"] { try await tell(id, session: id) }
        try await settle("b", .dead, error: "gone")
        func list(_ state: DeliveryRow.State?, _ limit: Int = 10, after: String? = nil) async throws -> [String] {
            try await ledger.webhooks(in: state, limit: limit, after: after.map { DeliveryID($0) }).map(\.id.rawValue)
        }
        #expect(try await list(nil) == ["msg_c", "msg_b", "msg_a"])
        #expect(try await list(nil, 1, after: "msg_c") == ["msg_b"])
        #expect(try await list(.dead) == ["msg_b"])
        #expect(try await list(.pending, after: "msg_c") == ["msg_a"])
        #expect(try await list(nil, after: "msg_unknown") == [])
    }

    @Test func aDamagedRowHoldsUpNobody() async throws {
        for id in ["a1", "a2"] { try await tell(id) }
        let queue = try DatabaseQueue(path: folder.file("viaduct.db"))
        try await queue.write { try $0.execute(sql: "UPDATE webhooks SET sealed_url = x'00' WHERE id = 'msg_a1'") }
        #expect(try await due() == [])
        #expect(try await due() == ["a2"])
        #expect(try await ledger.webhookFigures() == WebhookFigures(pending: 1, dead: 1))
    }

    @Test func webhooksOfTheReleaseBeforeAreSent() async throws {
        let old = try DataFolder()
        do {
            let before = SQLiteLedger(try StorageDatabase(dataFolder: old.path), logger: .silent)
            try await before.commit([.delivery(Rows.webhook("msg_1")), .recording(Rows.recording())])
            try await before.commit([.delivery(Rows.upload("upl_1", of: "r1", to: .keep))])
        }
        let queue = try DatabaseQueue(path: old.file("viaduct.db"))
        // As the release before had it.
        try await queue.write { connection in
            try connection.execute(
                sql: """
                    INSERT INTO deliveries (id, work, account, session, state, attempts, due_at, created_at, sealed_url, body)
                    SELECT id, 'webhook', account, session, state, attempts, due_at, created_at, sealed_url, body FROM webhooks;
                    DROP TABLE webhook_attempts; DROP TABLE webhooks; DROP TABLE events; DROP TABLE open_facts;
                    DELETE FROM grdb_migrations WHERE identifier = '2026-11 outbox';
                    """)
        }
        try queue.close()
        let ledger = SQLiteLedger(try StorageDatabase(dataFolder: old.path), logger: .silent)
        let moved = try await ledger.dueWebhooks(at: later, limit: 10, excluding: WebhookExclusions())
        #expect(moved.map(\.work) == [Rows.webhook("msg_1").work])
        #expect(try await ledger.dueUploads(at: later, limit: 10, excluding: []).map(\.id.rawValue) == ["upl_1"])
    }
}
