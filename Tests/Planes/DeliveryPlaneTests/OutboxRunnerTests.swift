import Bridge
import BridgeModel
import DeliveryPlane
import Foundation
import Logging
import StoragePlane
import Testing

@Suite(.timeLimit(.minutes(1))) struct OutboxRunnerTests {
    private let folder: TestFolder
    private let ledger: SQLiteLedger

    init() throws {
        folder = try TestFolder()
        ledger = try folder.ledger()
    }

    private func delivery(_ id: String) async throws -> DeliveryRow { try #require(await ledger.delivery(DeliveryID(id))) }

    @Test func aWebhookIsDelivered() async throws {
        let outbox = Outbox(ledger: ledger, performer: ScriptedPerformer(always: .replied(status: 200, retryAfter: nil)))
        try await outbox.run { runner in
            try await ledger.commit([.delivery(Rows.webhook(url: "https://a.example/"))])
            #expect(await runner.drain(limit: anHour))
            let row = try await delivery("msg_1")
            #expect(row.state == .delivered)
            #expect(row.attempts == 1)
            #expect(row.lastStatus == 200)
        }
    }

    @Test func aDeadReceiverIsTriedTenTimesByTheSchedule() async throws {
        let performer = ScriptedPerformer(always: .replied(status: 500, retryAfter: nil))
        let outbox = Outbox(ledger: ledger, performer: performer)
        try await ledger.commit([.delivery(Rows.webhook(url: "https://a.example/"))])
        try await outbox.run { runner in
            for (index, wait) in WebhookSettings().schedule.enumerated() {
                #expect(await runner.drain(limit: anHour))
                let row = try await delivery("msg_1")
                #expect(row.attempts == index + 1)
                #expect(row.state == .pending)
                let waited = Duration.nanoseconds(row.dueAt.nanoseconds - outbox.clock.now.nanoseconds)
                #expect(waited >= wait * 0.9 && waited <= wait * 1.1)
                outbox.clock.advance(to: row.dueAt)
            }
            #expect(await runner.drain(limit: anHour))
            let row = try await delivery("msg_1")
            #expect(row.state == .dead)
            #expect(row.attempts == 10)
            #expect(row.lastError == "destination replied 500")
            #expect(performer.attempted == Array(repeating: DeliveryID("msg_1"), count: 10))
        }
    }

    @Test func aRowOfLaterIsLeftUntilThen() async throws {
        let performer = ScriptedPerformer(always: .replied(status: 200, retryAfter: nil))
        let outbox = Outbox(ledger: ledger, performer: performer)
        let later = Rows.start.advanced(by: .seconds(60))
        try await outbox.run { runner in
            try await ledger.commit([.delivery(Rows.webhook(url: "https://a.example/", attempts: 3, due: later))])
            #expect(await runner.drain(limit: anHour))
            #expect(performer.attempted.isEmpty)
            outbox.clock.advance(to: later)
            for await _ in performer.started { break }
            #expect(await runner.drain(limit: anHour))
            let row = try await delivery("msg_1")
            #expect(row.state == .delivered)
        }
    }

    @Test func aRowThatFallsDueWhileTheLedgerIsReadIsTaken() async throws {
        let later = Rows.start.advanced(by: .seconds(60))
        let clock = VirtualClock()
        let slow = FailingLedger(ledger, afterRead: { clock.advance(to: later) })
        let performer = ScriptedPerformer(always: .replied(status: 200, retryAfter: nil))
        try await ledger.commit([.delivery(Rows.webhook(url: "https://a.example/", attempts: 3, due: later))])
        try await Outbox(ledger: slow, performer: performer, clock: clock).run { _ in
            for await _ in performer.started { break }
        }
        #expect(performer.attempted == [DeliveryID("msg_1")])
    }

    @Test func aSlowUploadDoesNotHoldUpARetry() async throws {
        let gate = Gate()
        let performer = ScriptedPerformer { delivery in
            if case .upload = delivery.work { await gate.pass() }
            return .replied(status: delivery.attempts == 0 ? 500 : 200, retryAfter: nil)
        }
        let outbox = Outbox(ledger: ledger, performer: performer)
        try await ledger.commit([
            .recording(Rows.recording()), .delivery(Rows.upload(to: .put(url: Redacted("https://b.example/")))),
            .delivery(Rows.webhook(url: "https://a.example/")),
        ])
        try await outbox.runAll { runner in
            var started = performer.started.makeAsyncIterator()
            _ = await (started.next(), started.next())
            // The retry of the webhook is the only thing to sleep for.
            for await moment in outbox.clock.sleeps {
                outbox.clock.advance(to: moment)
                break
            }
            #expect(await started.next() == DeliveryID("msg_1"))
            gate.open()
            #expect(await runner.drain(limit: anHour))
            let row = try await delivery("msg_1")
            #expect(row.state == .delivered)
        }
    }

    @Test func drainingEndsAtItsLimit() async throws {
        let gate = Gate()
        let performer = ScriptedPerformer { _ in
            await gate.pass()
            return .failed(.connectionLost)
        }
        let outbox = Outbox(ledger: ledger, performer: performer)
        try await ledger.commit([.delivery(Rows.webhook(url: "https://a.example/"))])
        try await outbox.run { runner in
            let time = Task { for await moment in outbox.clock.sleeps { outbox.clock.advance(to: moment) } }
            #expect(await runner.drain(limit: .seconds(3)) == false)
            time.cancel()
        }
        #expect(try await delivery("msg_1").attempts == 0)
    }
}

@Suite(.timeLimit(.minutes(1))) struct OutboxBoundsTests {
    private let folder: TestFolder
    private let ledger: SQLiteLedger

    init() throws {
        folder = try TestFolder()
        ledger = try folder.ledger()
    }

    @Test func oneReceiverTakesItsPlacesOnly() async throws {
        let gate = Gate()
        let performer = ScriptedPerformer { _ in
            await gate.pass()
            return .replied(status: 200, retryAfter: nil)
        }
        // More than a page of one host, and behind them another: it is found.
        let crowd = (0..<150).map { Rows.webhook("msg_\($0)", url: "https://slow.example/\($0)") }
        let other = Rows.webhook("other", url: "https://other.example/", due: Rows.start.advanced(by: .nanoseconds(1)))
        try await ledger.commit((crowd + [other]).map { .delivery($0) })
        var outbox = Outbox(ledger: ledger, performer: performer)
        outbox.terms.limits.perHost = 2
        outbox.clock.advance(to: other.dueAt)
        try await outbox.run { runner in
            var started = performer.started.makeAsyncIterator()
            for _ in 0..<3 { _ = await started.next() }
            #expect(performer.running.contains(DeliveryID("other")))
            gate.open()
            #expect(await runner.drain(limit: anHour))
        }
        #expect(performer.mostRunning == 3)
        #expect(performer.attempted.count == 151)
        #expect(Set(performer.attempted).count == 151)
    }

    @Test func uploadsAndWebhooksHaveTheirOwnPlaces() async throws {
        let gate = Gate()
        let performer = ScriptedPerformer { _ in
            await gate.pass()
            return .stored
        }
        let webhooks = (0..<60).map { Rows.webhook("msg_\($0)", url: "https://host\($0 % 30).example/") }
        let uploads = (0..<20).map { Rows.upload("upl_\($0)", to: .keep) }
        try await ledger.commit([.recording(Rows.recording(state: .uploading))] + (webhooks + uploads).map { .delivery($0) })
        let outbox = Outbox(ledger: ledger, performer: performer)
        try await outbox.runAll { runner in
            var started = performer.started.makeAsyncIterator()
            for _ in 0..<20 { _ = await started.next() }
            let running = performer.running.map(\.rawValue)
            #expect(running.count { $0.hasPrefix("upl_") } == 4)
            #expect(running.count { $0.hasPrefix("msg_") } == 16)
            gate.open()
            #expect(await runner.drain(limit: anHour))
        }
        #expect(performer.mostRunning == 20)
        #expect(Set(performer.attempted).count == 80)
    }
}
