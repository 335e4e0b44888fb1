import Bridge
import BridgeModel
import DeliveryPlane
import Foundation
import Logging
import StoragePlane
import Testing

@Suite(.timeLimit(.minutes(1))) struct OutboxUploadTests {
    private let folder: TestFolder
    private let ledger: SQLiteLedger
    private let destination = Destination.put(url: Redacted("https://bucket.example/key"))

    init() throws {
        folder = try TestFolder()
        ledger = try folder.ledger()
    }

    private func run(_ outbox: Outbox) async throws -> RecordingRow {
        try await ledger.commit([.recording(Rows.recording(destination: destination)), .delivery(Rows.upload(to: destination))])
        try await outbox.run { #expect(await $0.drain(limit: anHour)) }
        return try #require(await ledger.recording(RecordingID("r1")))
    }

    @Test func anUploadIsReportedByEveryDialectAfterItsCommit() async throws {
        let performer = ScriptedPerformer(always: .replied(status: 201, retryAfter: nil))
        let outbox = Outbox(ledger: ledger, performer: performer, translators: [LineTranslator(name: "one"), LineTranslator(name: "two")])
        let row = try await run(outbox)
        #expect(row.state == .uploaded)
        #expect(row.uploadStatus == 201)
        #expect(row.failure == nil)
        #expect(outbox.observer.changes.map(\.state) == [.uploading, .uploaded])
        #expect(outbox.observer.changes.last == row)
        let webhooks = performer.attempted.dropFirst()
        #expect(webhooks.count == 2)
        var bodies: Set<String> = []
        for id in webhooks {
            #expect(id.rawValue.hasPrefix("msg_") && id.rawValue.utf8.count == 30)
            let sent = try #require(await ledger.delivery(id))
            #expect(sent.state == .delivered)
            guard case .webhook(let url, let body) = sent.work else {
                Issue.record("no webhook")
                return
            }
            #expect(url.revealed == "https://hooks.example/recording")
            bodies.insert(body)
        }
        #expect(bodies == ["one upload_ready \(Rows.start.iso8601)", "two upload_ready \(Rows.start.iso8601)"])
    }

    @Test(arguments: [
        (AttemptOutcome.replied(status: 403, retryAfter: nil), 403), (.replied(status: 307, retryAfter: nil), 307),
        (.failed(.fileMissing), 0),
    ])
    func aFinalFailureIsReportedAtOnce(outcome: AttemptOutcome, status: Int) async throws {
        let performer = ScriptedPerformer { delivery in
            if case .upload = delivery.work { outcome } else { .replied(status: 200, retryAfter: nil) }
        }
        let outbox = Outbox(ledger: ledger, performer: performer, translators: [LineTranslator(name: "one")])
        let row = try await run(outbox)
        #expect(row.state == .uploadFailed)
        #expect(row.uploadStatus == status)
        #expect(row.failure?.message == outcome.sentence)
        #expect(outbox.observer.changes.map(\.state) == [.uploading, .uploadFailed])
        let webhook = try #require(await ledger.delivery(performer.attempted[1]))
        guard case .webhook(_, let body) = webhook.work else {
            Issue.record("no webhook")
            return
        }
        #expect(body == "one upload_failed \(status) \(Rows.start.iso8601)")
    }

    @Test func retriesKeepTheStateAndEndInOneReport() async throws {
        let performer = ScriptedPerformer { delivery in
            delivery.attempts < 2 ? .failed(.unreachable) : .stored
        }
        let outbox = Outbox(ledger: ledger, performer: performer)
        try await ledger.commit([.recording(Rows.recording(destination: destination)), .delivery(Rows.upload(to: destination))])
        try await outbox.run { runner in
            for _ in 0..<3 {
                #expect(await runner.drain(limit: anHour))
                outbox.clock.advance(to: outbox.clock.now.advanced(by: .seconds(300)))
            }
        }
        #expect(performer.attempted == Array(repeating: DeliveryID("upl_1"), count: 3))
        #expect(outbox.observer.changes.map(\.state) == [.uploading, .uploaded])
        #expect(outbox.observer.changes.last?.uploadStatus == nil)
    }
}
