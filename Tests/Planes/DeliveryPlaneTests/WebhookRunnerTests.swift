import Bridge
import BridgeModel
import DeliveryPlane
import Foundation
import StoragePlane
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct WebhookRunnerTests {
    private let folder: TestFolder
    private let ledger: SQLiteLedger
    private let receiver = Redacted("https://hooks.example/events")

    init() throws {
        folder = try TestFolder()
        ledger = try folder.ledger()
    }

    private func tell(_ id: String, session: String = "s1") async throws {
        let draft = EventDraft(
            id: EventID("evt_\(id)"), kind: .recordingStarted, party: EventParty(session: SessionID(session)), facts: .object([]),
            at: Rows.start)
        try await ledger.commit([.event(draft, receiver: receiver)])
    }

    private func row(_ id: String) async throws -> DeliveryRow { try #require(await ledger.webhook(DeliveryID("msg_\(id)"))) }

    @Test func aSessionsEventsArriveOneAfterTheOtherAndSessionsBesideEachOther() async throws {
        for place in 1...20 { for session in ["a", "b", "c"] { try await tell("\(session)\(place)", session: session) } }
        let underWay = Mutex<[String: Int]>([:])
        let overlaps = Mutex(0)
        let performer = ScriptedPerformer { delivery in
            let session = delivery.session.rawValue
            if underWay.withLock({ state in
                state[session, default: 0] += 1
                return state[session] ?? 0
            }) > 1 {
                overlaps.withLock { $0 += 1 }
            }
            await Task.yield()
            underWay.withLock { $0[session, default: 1] -= 1 }
            return .replied(status: 200, retryAfter: nil)
        }
        try await Outbox(ledger: ledger, performer: performer).run { #expect(await $0.drain(limit: anHour)) }
        let order = performer.attempted.map { $0.rawValue.dropFirst(4) }
        for session in ["a", "b", "c"] {
            #expect(order.filter { $0.hasPrefix(session) } == (1...20).map { "\(session)\($0)" })
        }
        #expect(overlaps.withLock { $0 } == 0)
        #expect(order.prefix(10).contains { $0.hasPrefix("b") }, "one session does not wait for the other")
    }

    @Test func theNextEventWaitsThroughTheRetriesOfTheOneBefore() async throws {
        for id in ["a1", "a2"] { try await tell(id) }
        let performer = ScriptedPerformer { .replied(status: $0.id.rawValue == "msg_a1" && $0.attempts < 2 ? 500 : 200, retryAfter: nil) }
        let outbox = Outbox(ledger: ledger, performer: performer)
        try await outbox.run { runner in
            for _ in 0..<3 {
                #expect(await runner.drain(limit: anHour))
                outbox.clock.advance(to: outbox.clock.now.advanced(by: .seconds(60)))
            }
        }
        #expect(performer.attempted.map(\.rawValue) == ["msg_a1", "msg_a1", "msg_a1", "msg_a2"])
    }

    @Test func anEventIsTriedForSeventyTwoHoursAndThenTheNextGoesOn() async throws {
        for id in ["a1", "a2"] { try await tell(id) }
        let performer = ScriptedPerformer { .replied(status: $0.id.rawValue == "msg_a1" ? 500 : 200, retryAfter: nil) }
        var outbox = Outbox(ledger: ledger, performer: performer)
        outbox.terms.breaker = CircuitBreaker.Policy(failures: 1000)
        let clock = outbox.clock
        try await outbox.run { runner in
            while try await row("a1").state == .pending {
                #expect(await runner.drain(limit: anHour * 1000))
                clock.advance(to: try await row("a1").dueAt)
            }
            #expect(await runner.drain(limit: anHour))
        }
        let hours = Double(clock.now.nanoseconds - Rows.start.nanoseconds) / 3.6e12
        #expect((58...72).contains(hours), "\(hours)")
        #expect(performer.attempted.count == WebhookSettings().eventSchedule.count + 2)
        #expect(try await row("a1").state == .dead)
        #expect(try await row("a2").state == .delivered)
    }

    @Test func theLongestScheduleIsWithinSeventyTwoHours() {
        let waits = WebhookSettings().eventSchedule.reduce(Duration.zero, +)
        #expect(waits * 1.1 <= .seconds(72 * 3600) && waits >= .seconds(60 * 3600))
    }

    @Test func aReceiverThatFailsIsLeftAloneAndAskedByOne() async throws {
        for session in 0..<30 { try await tell("x\(session)", session: "s\(session)") }
        let isBack = Mutex(false)
        let performer = ScriptedPerformer { _ in .replied(status: isBack.withLock { $0 } ? 200 : 503, retryAfter: nil) }
        var outbox = Outbox(ledger: ledger, performer: performer)
        outbox.terms.limits = WebhookLanes.Limits(total: 4, perHost: 1)
        outbox.terms.breaker = CircuitBreaker.Policy(failures: 5, pause: .seconds(60), longestPause: .seconds(600))
        let clock = outbox.clock
        try await outbox.run { runner in
            #expect(await runner.drain(limit: anHour))
            #expect(performer.attempted.count == 5, "it opens after five")
            let open = await runner.samples().first { $0.name == "viaduct_outbox_breakers" && $0.labels.first?.value == "open" }
            #expect(open?.value == 1)
            clock.advance(to: clock.now.advanced(by: .seconds(60)))
            #expect(await runner.drain(limit: anHour))
            #expect(performer.attempted.count == 6, "one asks")
            isBack.withLock { $0 = true }
            clock.advance(to: clock.now.advanced(by: .seconds(120)))
            #expect(await runner.drain(limit: anHour))
        }
        #expect(Set(performer.attempted).count == 30)
        #expect(performer.attempted.count == 36, "no attempt of the schedule was lost while it was away")
        #expect(try await ledger.webhookFigures() == WebhookFigures())
    }

    @Test func otherReceiversDoNotFeelIt() async throws {
        try await tell("x")
        try await ledger.commit([.delivery(Rows.webhook("msg_y", url: "https://other.example/"))])
        let performer = ScriptedPerformer { .replied(status: $0.id.rawValue == "msg_x" ? 500 : 200, retryAfter: nil) }
        var outbox = Outbox(ledger: ledger, performer: performer)
        outbox.terms.breaker = CircuitBreaker.Policy(failures: 1, pause: .seconds(300))
        try await outbox.run { #expect(await $0.drain(limit: anHour)) }
        #expect(try await row("y").state == .delivered)
        #expect(try await row("x").state == .pending)
    }

    @Test func everyAttemptIsLogged() async throws {
        try await tell("a")
        let performer = ScriptedPerformer { .replied(status: $0.attempts == 0 ? 500 : 200, retryAfter: nil) }
        let outbox = Outbox(ledger: ledger, performer: performer)
        try await outbox.run { runner in
            for _ in 0..<2 {
                #expect(await runner.drain(limit: anHour))
                outbox.clock.advance(to: outbox.clock.now.advanced(by: .seconds(60)))
            }
        }
        let log = try await ledger.attempts(of: DeliveryID("msg_a"))
        #expect(log.map(\.status) == [500, 200] && log.map(\.number) == [1, 2])
        #expect(log.map(\.error) == ["destination replied 500", nil] && log.map(\.reply) == ["thanks", "thanks"])
        #expect(log.first?.requestHeaders == [AttemptRecord.Header("webhook-id", "msg_a")] && log.first?.duration == .milliseconds(3))
    }

    @Test func whatWasGivenUpIsSentAgainOnDemand() async throws {
        try await tell("a")
        let isBack = Mutex(false)
        let performer = ScriptedPerformer { _ in .replied(status: isBack.withLock { $0 } ? 200 : 410, retryAfter: nil) }
        let outbox = Outbox(ledger: ledger, performer: performer)
        try await outbox.run { runner in
            #expect(await runner.drain(limit: anHour))
            let figures = try await ledger.webhookFigures()
            #expect(figures == WebhookFigures(dead: 1))
            let dead = await runner.samples().first { $0.name == "viaduct_outbox_dead_total" }
            #expect(dead?.value == 1)
            isBack.withLock { $0 = true }
            let revived = try await ledger.reviveDead(at: outbox.clock.now)
            #expect(revived == 1)
            #expect(await runner.drain(limit: anHour))
        }
        #expect(performer.attempted == [DeliveryID("msg_a"), DeliveryID("msg_a")])
        #expect(try await row("a").state == .delivered)
    }

    @Test func theLogHasTheBeginningOfTheAnswerAndNoSignature() async throws {
        let server = try TestServer(.reply(400, body: "no: " + String(repeating: "x", count: 5000)))
        let attempt = try await routes(folder).webhooks.send(Rows.webhook("msg_1", url: server.url("/hook")))
        #expect(attempt.outcome == .replied(status: 400, retryAfter: nil))
        #expect(attempt.reply.hasPrefix("no: xxx") && attempt.reply.utf8.count == AttemptRecord.longestReply)
        #expect(attempt.requestHeaders.map(\.name) == ["content-type", "user-agent", "webhook-id", "webhook-timestamp"])
        #expect(attempt.duration > .zero)
    }
}
