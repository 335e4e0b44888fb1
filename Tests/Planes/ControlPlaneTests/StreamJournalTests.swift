import Bridge
import BridgeModel
import BridgeTesting
import ControlPlane
import Testing

@Suite(.timeLimit(.minutes(1))) struct StreamJournalTests {
    private let clock = TestClock()
    private let ledger = MemoryLedger()
    private let delivery = FakeDelivery()
    private let journal: StreamJournal

    init() {
        let outbox = OutboxWriter(reporter: EventReporter(translators: []), clock: clock.clock, service: delivery)
        journal = StreamJournal(ledger: ledger, outbox: outbox, clock: clock.clock, logger: Sample.logger)
    }

    private var told: [String] { ledger.events.map { "\($0.kind.rawValue) \($0.party.session?.rawValue ?? "")" } }

    @Test func beginningsAndEndsAreWrittenInTheirOrder() async {
        let (first, second) = (Sample.stream(), Sample.stream(Sample.context("s2")))
        for change in [StreamTable.Change.started(first), .lost(first.id), .returned(second), .ended(first.id)] { journal.post(change) }
        journal.finish()
        await journal.run()
        // The ledger makes a pair of each: the second beginning ends the first.
        #expect(told == ["stream.started s1", "stream.started s2", "stream.ended s2"])
        #expect(delivery.wakes == 3)
    }

    @Test func aLedgerThatFailsIsAskedAgainAndNothingIsLeftOut() async {
        ledger.fail(2)
        let stream = Sample.stream()
        journal.post(.started(stream))
        journal.post(.ended(stream.id))
        journal.finish()
        let running = Task { [journal] in await journal.run() }
        for _ in 0..<2 {
            await clock.sleeper(for: .seconds(1))
            clock.advance(by: .seconds(1))
        }
        await running.value
        #expect(told == ["stream.started s1", "stream.ended s1"])
    }

    @Test func whatAnEarlierRunLeftOpenIsEndedAtTheStart() async throws {
        let outbox = OutboxWriter(reporter: EventReporter(translators: []), clock: clock.clock, service: delivery)
        let session = SessionRow(context: Sample.context("s1"), state: .active, webhookURL: nil, createdAt: TestClock.epoch)
        try await ledger.commit(
            outbox.changes(for: .sessionStarted(session)) + outbox.changes(for: .streamStarted(session.context, tracks: [])))
        try await journal.recover()
        #expect(told.last == "stream.ended s1")
        #expect(ledger.events.count == 3, "a session is ended by its row")
        try await journal.recover()
        #expect(ledger.events.count == 3)
    }
}
