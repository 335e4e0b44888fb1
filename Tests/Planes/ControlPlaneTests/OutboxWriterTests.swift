import Bridge
import BridgeModel
import ControlPlane
import Testing

@Suite struct OutboxWriterTests {
    private let clock = TestClock()
    private let delivery = FakeDelivery()

    private func row(_ webhook: String? = "https://example.org/hook") -> RecordingRow {
        RecordingRow(
            id: RecordingID("r1"), context: Sample.context("s1"), state: .uploading, container: .webm, file: "r1.webm",
            destination: .put(url: Redacted("https://example.org/put")), webhookURL: webhook.map { Redacted($0) }, startedAt: clock.wall)
    }

    private func deliveries(_ changes: [LedgerChange]) -> [DeliveryRow] {
        changes.compactMap { change in
            guard case .delivery(let row) = change else { return nil }
            return row
        }
    }

    @Test func everyTranslatorMayHaveItsOwnWebhook() throws {
        let writer = OutboxWriter(
            reporter: EventReporter(translators: [PlainTranslator(), PlainTranslator()]), clock: clock.clock, service: delivery)
        let rows = deliveries(writer.changes(for: .recordingDelivered(row())))
        #expect(rows.map(\.words) == ["webhook delivered r1", "webhook delivered r1"])
        #expect(Set(rows.map(\.id)).count == 2)
        for row in rows {
            #expect(row.id.rawValue.hasPrefix("msg_") && row.state == .pending && row.attempts == 0)
            #expect(row.account == AccountID("acme") && row.session == SessionID("s1"))
            #expect(row.dueAt == clock.wall && row.createdAt == clock.wall)
        }
    }

    @Test func nobodyWhoAskedIsTold() {
        let writer = OutboxWriter(reporter: EventReporter(translators: [PlainTranslator()]), clock: clock.clock, service: delivery)
        #expect(deliveries(writer.changes(for: .recordingFailed(row(nil)))).isEmpty)
    }

    @Test func anUploadIsDueNowAndKnowsItsFile() throws {
        let writer = OutboxWriter(reporter: EventReporter(translators: []), clock: clock.clock, service: delivery)
        let segment = SegmentRow(recording: RecordingID("r1"), number: 2, stream: StreamID("c"), container: .webm, file: "r1-2.webm")
        let upload = try #require(deliveries([writer.upload(of: segment, in: row())]).first)
        #expect(upload.id.rawValue.hasPrefix("upl_") && upload.dueAt == clock.wall)
        #expect(upload.work == .upload(recording: RecordingID("r1"), file: "r1-2.webm", destination: row().destination))
    }

    @Test func theLogHasAnEventAlsoWhenNobodyAsked() throws {
        let receiver = Redacted("https://example.org/events")
        let reporter = EventReporter(translators: [], receiver: receiver)
        let changes = OutboxWriter(reporter: reporter, clock: clock.clock, service: delivery).changes(for: .recordingFailed(row(nil)))
        guard case .event(let draft, let told)? = changes.first, changes.count == 1 else {
            Issue.record("\(changes)")
            return
        }
        #expect(draft.kind == .recordingFailed && draft.at == clock.wall && told == receiver)
        #expect(draft.party == EventParty(Sample.context("s1")))
    }

    @Test func onlyOpenFactsOfKnownKindsAreEnded() {
        let writer = OutboxWriter(reporter: EventReporter(translators: []), clock: clock.clock, service: delivery)
        let facts = [EventKind.streamStarted, EventKind(rawValue: "room.opened")].map { kind in
            OpenFact(subject: .stream(StreamID("camera")), kind: kind, party: EventParty(Sample.context("s1")))
        }
        let kinds = writer.changes(ending: facts).compactMap { change -> EventKind? in
            guard case .event(let draft, _) = change else { return nil }
            return draft.kind
        }
        #expect(kinds == [.streamEnded])
    }

    @Test func wakingReachesTheService() {
        OutboxWriter(reporter: EventReporter(translators: []), clock: clock.clock, service: delivery).wake()
        #expect(delivery.wakes == 1)
    }
}
