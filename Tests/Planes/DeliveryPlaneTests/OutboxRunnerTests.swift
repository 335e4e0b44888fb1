import Bridge
import BridgeModel
import DeliveryPlane
import Foundation
import Logging
import StoragePlane
import Testing

/// A runner over a real ledger, with a virtual clock.
private struct Outbox {
    var ledger: any Ledger
    var performer: any DeliveryPerformer
    var clock = VirtualClock()
    var observer = RecordingObserver()
    var logger = Logger.silent
    var translators: [any EventTranslator] = []
    var settings = OutboxSettings(webhooks: WebhookSettings(), uploads: UploadSettings())

    /// Runs the outbox beside `body`, and ends it then.
    func run(_ body: @escaping @Sendable (OutboxRunner) async throws -> Void) async throws {
        let runner = OutboxRunner(
            ledger: ledger, performer: performer, settings: settings, translators: translators,
            environment: OutboxEnvironment(logger: logger, clock: clock))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [observer] in await runner.run(reportingTo: observer) }
            try await body(runner)
            group.cancelAll()
        }
    }
}

private let anHour: Duration = .seconds(3600)

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
            try await ledger.commit([.delivery(Rows.webhook(url: "https://a.example/", due: later))])
            #expect(await runner.drain(limit: anHour))
            #expect(performer.attempted.isEmpty)
            outbox.clock.advance(to: later)
            for await _ in performer.started { break }
            #expect(await runner.drain(limit: anHour))
            let row = try await delivery("msg_1")
            #expect(row.state == .delivered)
        }
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
        try await outbox.run { runner in
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
            async let drained = runner.drain(limit: .seconds(3))
            for await moment in outbox.clock.sleeps {
                outbox.clock.advance(to: moment)
                break
            }
            #expect(await drained == false)
        }
        #expect(try await delivery("msg_1").attempts == 0)
    }
}

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
        try await Outbox(ledger: folder.ledger(), performer: hanging).run { _ in
            var started = hanging.started.makeAsyncIterator()
            _ = await (started.next(), started.next())
        }
        let ledger = try folder.ledger()
        #expect(try await ledger.recording(RecordingID("r1"))?.state == .uploading)
        let second = ScriptedPerformer(always: .stored)
        let outbox = Outbox(ledger: ledger, performer: second)
        try await outbox.run { #expect(await $0.drain(limit: anHour)) }
        #expect(Set(second.attempted) == Set(hanging.attempted))
        #expect(second.attempted.count == 2)
        for id in second.attempted {
            let row = try #require(await ledger.delivery(id))
            #expect(row.state == .delivered)
            #expect(row.attempts == 1, "an attempt that was broken off is not counted")
        }
        #expect(try await ledger.recording(RecordingID("r1"))?.state == .uploaded)
        #expect(outbox.observer.changes.map(\.state) == [.uploaded], "the state uploading was committed before the crash")
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
        try await outbox.run { #expect(await $0.drain(limit: anHour)) }
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
        let outbox = Outbox(ledger: ledger, performer: performer)
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
        try await outbox.run { runner in
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
        let runner = OutboxRunner(
            ledger: ledger, performer: try routes(folder, limit: .seconds(1)),
            settings: OutboxSettings(uploadSchedule: short, webhookSchedule: short), translators: [LineTranslator(name: "secret")],
            environment: OutboxEnvironment(logger: Logger(label: "test") { _ in CapturingLog(lines: lines) }))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await runner.run(reportingTo: RecordingObserver()) }
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
