import Bridge
import BridgeModel
import DeliveryPlane
import Foundation
import Logging
import StoragePlane
import Testing

@Suite(.timeLimit(.minutes(1))) struct OutboxCrashTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test func whatWasUnderWayIsDueAgainWithItsId() async throws {
        let destination = Destination.folder(path: folder.path + "/out")
        let hanging = ScriptedPerformer { _ in
            await Gate().pass()
            return .failed(.connectionLost)
        }
        try await folder.ledger().commit([
            .recording(Rows.recording(destination: destination)), .delivery(Rows.upload(to: destination)),
            .delivery(Rows.webhook(url: "https://a.example/")),
        ])
        try await Outbox(ledger: folder.ledger(), performer: hanging).runAll { _ in
            var started = hanging.started.makeAsyncIterator()
            _ = await (started.next(), started.next())
        }
        let ledger = try folder.ledger()
        #expect(try await ledger.recording(RecordingID("r1"))?.state == .uploading)
        let second = ScriptedPerformer(always: .stored)
        let outbox = Outbox(ledger: ledger, performer: second)
        try await outbox.runAll { #expect(await $0.drain(limit: anHour)) }
        #expect(Set(second.attempted) == Set(hanging.attempted))
        #expect(second.attempted.count == 2)
        for id in second.attempted {
            let row = try #require(await ledger.delivery(id))
            #expect(row.state == .delivered)
            #expect(row.attempts == 1, "an attempt that was broken off is not counted")
        }
        #expect(try await ledger.recording(RecordingID("r1"))?.state == .delivered)
        #expect(outbox.observer.changes.map(\.state) == [.delivered], "the state uploading was committed before the crash")
    }

    @Test func successDuringShutdownIsCommitted() async throws {
        let gate = Gate()
        let performer = ScriptedPerformer { _ in
            await gate.pass()
            return .replied(status: 200, retryAfter: nil)
        }
        let ledger = try folder.ledger()
        try await ledger.commit([.delivery(Rows.webhook(url: "https://a.example/"))])
        try await Outbox(ledger: ledger, performer: performer).run { _ in
            for await _ in performer.started { break }
        }
        #expect(try await ledger.delivery(DeliveryID("msg_1"))?.state == .delivered)
    }

    @Test func anOutcomeThatCannotBeStoredIsNotDeliveredAgain() async throws {
        let ledger = try folder.ledger()
        try await ledger.commit([.delivery(Rows.webhook(url: "https://a.example/"))])
        let performer = ScriptedPerformer(always: .replied(status: 200, retryAfter: nil))
        let outbox = Outbox(ledger: FailingLedger(ledger, commits: 3), performer: performer)
        try await outbox.run { runner in
            var pauses = 0
            for await moment in outbox.clock.sleeps where pauses < 3 {
                pauses += 1
                outbox.clock.advance(to: moment)
                if pauses == 3 { break }
            }
            #expect(await runner.drain(limit: anHour))
        }
        #expect(performer.attempted == [DeliveryID("msg_1")])
        #expect(try await ledger.delivery(DeliveryID("msg_1"))?.state == .delivered)
    }

    @Test func theUploadOfADamagedRecordingIsGivenUp() async throws {
        let ledger = try folder.ledger()
        try await ledger.commit([.recording(Rows.recording()), .delivery(Rows.upload(to: .folder(path: "/out")))])
        let performer = ScriptedPerformer(always: .stored)
        let outbox = Outbox(ledger: FailingLedger(ledger, damaged: RecordingID("r1")), performer: performer)
        try await outbox.runAll { #expect(await $0.drain(limit: anHour)) }
        #expect(performer.attempted.isEmpty)
        #expect(try await ledger.delivery(DeliveryID("upl_1"))?.state == .dead)
    }

    @Test func aLedgerThatCannotBeReadIsAskedAgain() async throws {
        let ledger = try folder.ledger()
        try await ledger.commit([.delivery(Rows.webhook(url: "https://a.example/"))])
        let performer = ScriptedPerformer(always: .replied(status: 200, retryAfter: nil))
        let outbox = Outbox(ledger: FailingLedger(ledger, reads: 2), performer: performer)
        try await outbox.run { runner in
            var pauses = 0
            for await moment in outbox.clock.sleeps {
                pauses += 1
                outbox.clock.advance(to: moment)
                if pauses == 2 { break }
            }
            #expect(await runner.drain(limit: anHour))
        }
        #expect(performer.attempted == [DeliveryID("msg_1")])
    }
}

@Suite(.timeLimit(.minutes(1))) struct OutboxWithRealPartsTests {
    @Test func aFileAndItsWebhookArriveThroughTroubleAndNothingLeaks() async throws {
        let folder = try TestFolder()
        let content = try folder.spoolFile("r1.webm", length: 700_000)
        let bucket = try TestServer { $0 == 0 ? .reply(503) : $0 == 1 ? .reset(afterBody: 10_000) : .reply(200) }
        let hooks = try TestServer { [.reply(500), .hang, .raw("nonsense\r\n\r\n"), .reply(200)][min($0, 3)] }
        let destination = Destination.put(url: Redacted(bucket.url("/put-secret?sig=secret")))
        var recording = Rows.recording(destination: destination)
        recording.webhookURL = Redacted(hooks.url("/hook-secret"))
        let ledger = try folder.ledger()
        try await ledger.commit([.recording(recording), .delivery(Rows.upload(to: destination))])
        let lines = CapturingLog.Lines()
        let short = [Duration](repeating: .milliseconds(20), count: 6)
        let environment = OutboxEnvironment(logger: Logger(label: "test") { _ in CapturingLog(lines: lines) })
        let routes = try routes(folder, limit: .seconds(1))
        var settings = UploadRunnerSettings(
            UploadSettings(), reporter: EventReporter(translators: [LineTranslator(name: "secret")]))
        settings.schedule = short
        let terms = WebhookTerms(dialectSchedule: short, eventSchedule: short)
        let webhooks = WebhookRunner(queue: ledger, sender: routes.webhooks, terms: terms, environment: environment)
        let uploads = UploadRunner(
            ledger: ledger, performer: routes.uploads, settings: settings, webhooks: webhooks, environment: environment)
        let runner = OutboxHalves(uploads: uploads, webhooks: webhooks)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await uploads.run(reportingTo: RecordingObserver(), sidecars: ScriptedSidecars()) }
            group.addTask { await webhooks.run() }
            while hooks.received.count < 4 {
                try Task.checkCancellation()
                _ = await runner.drain(limit: .seconds(5))
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(await runner.drain(limit: .seconds(5)))
            group.cancelAll()
        }
        #expect(bucket.received.last?.body == content)
        #expect(Set(hooks.received.compactMap { $0.header("webhook-id") }).count == 1)
        #expect(try await ledger.nextDeliveryDue() == nil)
        #expect(lines.text.contains("127.0.0.1:\(bucket.port)"))
        #expect(lines.text.contains("delivery succeeded"))
        #expect(!lines.text.contains("secret"), "\(lines.text)")
    }
}
