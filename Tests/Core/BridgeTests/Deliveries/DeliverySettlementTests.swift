import Bridge
import BridgeModel
import Testing

@Suite struct DeliverySettlementTests {
    private let now = WallTime(milliseconds: 1_700_000_000_000)

    private var recording: RecordingRow {
        let context = SessionContext(
            session: SessionID("s"), account: AccountID("acme"), client: ClientID("c"), stream: StreamID("c"), direction: .publish)
        return RecordingRow(
            id: RecordingID("r"), context: context, state: .uploading, container: .webm, file: "r.webm",
            destination: .put(url: Redacted("https://a.example/secret")), webhookURL: nil, startedAt: now)
    }

    private var delivery: DeliveryRow {
        DeliveryRow(
            id: DeliveryID("msg_1"), work: .webhook(url: Redacted("https://a.example/secret"), body: "{}"), account: AccountID("acme"),
            session: SessionID("s"), dueAt: now, createdAt: now)
    }

    @Test func aRetryKeepsTheRowPendingAndMovesIt() {
        let later = now.advanced(by: .seconds(5))
        let row = delivery.attempted(.failed(.timedOut), .retry(at: later))
        #expect(row.state == .pending)
        #expect(row.attempts == 1)
        #expect(row.dueAt == later)
        #expect(row.lastStatus == 0)
        #expect(row.lastError == AttemptFault.timedOut.description)
        #expect(row.work == delivery.work)
    }

    @Test func successClearsTheLastError() {
        let failed = delivery.attempted(.replied(status: 500, retryAfter: nil), .retry(at: now))
        #expect(failed.lastError == "destination replied 500")
        let row = failed.attempted(.replied(status: 204, retryAfter: nil), .delivered)
        #expect(row.state == .delivered)
        #expect(row.attempts == 2)
        #expect(row.lastStatus == 204)
        #expect(row.lastError == nil)
    }

    @Test func aDeliveredUploadIsReported() throws {
        let (row, event) = try #require(recording.settled(.replied(status: 200, retryAfter: nil), .delivered))
        #expect(row.state == .delivered)
        #expect(row.uploadStatus == 200)
        #expect(row.failure == nil)
        #expect(event == .recordingDelivered(row))
    }

    @Test(arguments: [
        (AttemptOutcome.replied(status: 403, retryAfter: nil), 403, BridgeError.Code.unavailable),
        (.failed(.timedOut), 0, .unavailable),
        (.failed(.blockedAddress(.linkLocal)), 0, .invalidURL),
        (.failed(.refusedURL), 0, .invalidURL),
        (.failed(.folderFull), 0, .storageFull),
        (.failed(.fileMissing), 0, .notFound),
    ])
    func aDeadUploadIsReportedWithItsReason(outcome: AttemptOutcome, status: Int, code: BridgeError.Code) throws {
        let (row, event) = try #require(recording.settled(outcome, .dead))
        #expect(row.state == .failed)
        #expect(row.uploadStatus == status)
        #expect(row.failure?.code == code)
        #expect(row.failure?.message == outcome.sentence)
        #expect(event == .recordingFailed(row))
    }

    @Test func anUploadThatWillBeTriedAgainIsNotReported() {
        #expect(recording.settled(.failed(.timedOut), .retry(at: now)) == nil)
    }

    @Test func aMessageBecomesARowThatIsDueAtOnce() {
        let message = WebhookMessage(url: Redacted("https://a.example"), body: "{}", account: AccountID("acme"), session: SessionID("s"))
        let row = message.delivery(id: DeliveryID("msg_2"), at: now)
        #expect(row.dueAt == now)
        #expect(row.state == .pending)
        #expect(row.attempts == 0)
        #expect(row.work == .webhook(url: message.url, body: "{}"))
    }
}
