import Bridge
import BridgeModel
import Foundation
import StoragePlane
import Synchronization
import Testing

@testable import DeliveryPlane

/// The machine's clock is set back by an hour: retries come when they would have come.
@Suite(.timeLimit(.minutes(1))) struct ClockStepTests {
    private let folder: TestFolder
    private let ledger: SQLiteLedger
    private let performer = ScriptedPerformer { delivery in .replied(status: delivery.attempts < 2 ? 500 : 200, retryAfter: nil) }

    init() throws {
        folder = try TestFolder()
        ledger = try folder.ledger()
    }

    /// How much later than by its schedule, jitter included, the row is due at most.
    private func isDueInTime(_ row: DeliveryRow, _ schedule: [Duration], _ clock: VirtualClock) -> Bool {
        row.dueAt <= clock.now.advanced(by: schedule[row.attempts - 1] * 1.1)
    }

    @Test func aWebhookIsTriedInTime() async throws {
        let outbox = Outbox(ledger: ledger, performer: performer)
        try await ledger.commit([.delivery(Rows.webhook(url: "https://a.example/"))])
        try await outbox.run { [ledger] runner in
            var started = performer.started.makeAsyncIterator()
            for attempts in 1...2 {
                _ = await started.next()
                #expect(await runner.drain(limit: anHour))
                outbox.clock.setBack(by: .seconds(3600))
                #expect(await runner.drain(limit: anHour))
                let row = try #require(try await ledger.webhook(DeliveryID("msg_1")))
                #expect(row.attempts == attempts && isDueInTime(row, WebhookSettings().schedule, outbox.clock))
                outbox.clock.advance(to: row.dueAt)
            }
            _ = await started.next()
            #expect(await runner.drain(limit: anHour))
        }
        #expect(try await ledger.webhook(DeliveryID("msg_1"))?.state == .delivered)
    }

    @Test func anUploadIsTriedInTime() async throws {
        let outbox = Outbox(ledger: ledger, performer: performer)
        try await ledger.commit([.recording(Rows.recording()), .delivery(Rows.upload(to: .put(url: Redacted("https://b.example/"))))])
        try await outbox.runAll { [ledger] runner in
            var started = performer.started.makeAsyncIterator()
            _ = await started.next()
            #expect(await runner.drain(limit: anHour))
            outbox.clock.setBack(by: .seconds(3600))
            #expect(await runner.drain(limit: anHour))
            let row = try #require(try await ledger.dueUploads(at: WallTime(nanoseconds: .max), limit: 1, excluding: []).first)
            #expect(row.attempts == 1 && isDueInTime(row, UploadSettings().schedule, outbox.clock))
            outbox.clock.advance(to: row.dueAt)
            _ = await started.next()
            #expect(await runner.drain(limit: anHour))
        }
    }

    /// Nobody was there to notice.
    @Test func soItIsAfterARestart() async throws {
        let ahead = Rows.start.advanced(by: .seconds(3600))
        var asked = Rows.webhook("asked", url: "https://a.example/", attempts: 1, due: Rows.start.advanced(by: .seconds(3000)))
        asked.lastStatus = 503
        let right = Rows.webhook("right", url: "https://c.example/", attempts: 5, due: Rows.start.advanced(by: .seconds(1700)))
        try await ledger.commit([
            .delivery(Rows.webhook("one", url: "https://a.example/", attempts: 1, due: ahead)),
            .delivery(Rows.webhook("new", url: "https://b.example/", due: ahead)), .delivery(asked), .delivery(right),
        ])
        try await Outbox(ledger: ledger, performer: performer).run { [ledger, kept = [asked, right]] runner in
            for await id in performer.started where id == DeliveryID("new") { break }
            #expect(await runner.drain(limit: anHour))
            let one = try #require(try await ledger.webhook(DeliveryID("one")))
            #expect(one.dueAt == Rows.start.advanced(by: .milliseconds(5500)))
            // A receiver may have asked for an hour, and a long wait is one.
            for row in kept { #expect(try await ledger.webhook(row.id)?.dueAt == row.dueAt) }
        }
    }

    @Test func aPauseOfTheBreakerEndsInTime() {
        var breaker = CircuitBreaker(CircuitBreaker.Policy(failures: 1, pause: .seconds(5)))
        breaker.end(.failing, now: Rows.start)
        #expect(!breaker.admits(now: Rows.start))
        #expect(breaker.admits(now: Rows.start.advanced(by: .seconds(-3600))))
    }

    @Test func asleepTheClockIsLookedAt() async throws {
        let back = Mutex(Duration.zero)
        let clock = SystemOutboxClock(step: .milliseconds(5)) {
            SystemOutboxClock().now.advanced(by: .zero - back.withLock { $0 })
        }
        let sleep = Task { try await clock.sleep(until: clock.now.advanced(by: .seconds(3600))) }
        try await Task.sleep(for: .milliseconds(20))
        back.withLock { $0 = .seconds(3600) }
        // It returns: else the test's time is over.
        try await sleep.value
    }
}
