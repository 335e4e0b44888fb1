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
        let writer = OutboxWriter(translators: [PlainTranslator(), PlainTranslator()], clock: clock.clock, service: delivery)
        let rows = deliveries(writer.deliveries(for: .recordingDelivered(row())))
        #expect(rows.map(\.words) == ["webhook delivered r1", "webhook delivered r1"])
        #expect(Set(rows.map(\.id)).count == 2)
        for row in rows {
            #expect(row.id.rawValue.hasPrefix("msg_") && row.state == .pending && row.attempts == 0)
            #expect(row.account == AccountID("acme") && row.session == SessionID("s1"))
            #expect(row.dueAt == clock.wall && row.createdAt == clock.wall)
        }
    }

    @Test func nobodyWhoAskedIsTold() {
        let writer = OutboxWriter(translators: [PlainTranslator()], clock: clock.clock, service: delivery)
        #expect(writer.deliveries(for: .recordingFailed(row(nil))).isEmpty)
    }

    @Test func anUploadIsDueNowAndKnowsItsFile() throws {
        let writer = OutboxWriter(translators: [], clock: clock.clock, service: delivery)
        let upload = try #require(deliveries([writer.upload(of: row())]).first)
        #expect(upload.id.rawValue.hasPrefix("upl_") && upload.dueAt == clock.wall)
        #expect(upload.work == .upload(recording: RecordingID("r1"), file: "r1.webm", destination: row().destination))
    }

    @Test func wakingReachesTheService() {
        OutboxWriter(translators: [], clock: clock.clock, service: delivery).wake()
        #expect(delivery.wakes == 1)
    }
}
