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
        try await outbox.runAll { #expect(await $0.drain(limit: anHour)) }
        return try #require(await ledger.recording(RecordingID("r1")))
    }

    /// The upload is faster than the hash, with which the event of the file comes.
    @Test func aReceiverHearsOfTheFileBeforeItHearsOfTheDelivery() async throws {
        let outbox = Outbox(ledger: ledger, performer: ScriptedPerformer(always: .replied(status: 201, retryAfter: nil)))
        var segment = SegmentRow(
            recording: RecordingID("r1"), number: 1, stream: StreamID("client-0"), container: .webm, file: "r1.webm", state: .uploading)
        segment.startedAt = Rows.start
        try await ledger.commit([
            .recording(Rows.recording(state: .uploading, destination: destination)), .segment(segment),
            .delivery(Rows.upload(to: destination)),
        ])
        try await outbox.runAll { [ledger, segment] runner in
            var waits = 0
            for await moment in outbox.clock.sleeps {
                waits += 1
                #expect(try await ledger.recording(RecordingID("r1"))?.state == .uploading)
                if waits == 3 {
                    try await ledger.commit([.digest(segment.recording, segment: 1, sha256: String(repeating: "a", count: 64))])
                }
                outbox.clock.advance(to: moment)
                if waits == 3 { break }
            }
            #expect(await runner.drain(limit: anHour))
            #expect(try await ledger.recording(RecordingID("r1"))?.state == .delivered)
        }
    }

    private func commitFileWithoutHash() async throws {
        let segment = SegmentRow(
            recording: RecordingID("r1"), number: 1, stream: StreamID("client-0"), container: .webm, file: "r1.webm", state: .uploading)
        try await ledger.commit([
            .recording(Rows.recording(state: .uploading, destination: destination)), .segment(segment),
            .delivery(Rows.upload(to: destination)),
        ])
    }

    /// Its event may never come.
    @Test func aFileWithoutAHashIsNotWaitedForForEver() async throws {
        let outbox = Outbox(ledger: ledger, performer: ScriptedPerformer(always: .replied(status: 201, retryAfter: nil)))
        try await commitFileWithoutHash()
        try await outbox.runAll { [ledger] runner in
            let time = Task {
                for await moment in outbox.clock.sleeps where moment < Rows.start.advanced(by: .seconds(60)) {
                    outbox.clock.advance(to: moment)
                }
            }
            while try await ledger.recording(RecordingID("r1"))?.state != .delivered { try await Task.sleep(for: .milliseconds(2)) }
            time.cancel()
            #expect(outbox.clock.now <= Rows.start.advanced(by: .seconds(31)))
        }
    }

    /// A day's recording takes longer to read than the half minute that others get.
    @Test func aFileThatIsBeingReadIsWaitedFor() async throws {
        let outbox = Outbox(ledger: ledger, performer: ScriptedPerformer(always: .replied(status: 201, retryAfter: nil)))
        try await commitFileWithoutHash()
        outbox.sidecars.register(["r1.webm"])
        try await outbox.runAll { [ledger] runner in
            let end = Rows.start.advanced(by: .seconds(120))
            for await moment in outbox.clock.sleeps {
                let state = try await ledger.recording(RecordingID("r1"))?.state
                #expect(state == .uploading)
                if moment > end { outbox.sidecars.register([]) }
                outbox.clock.advance(to: moment)
                if moment > end { break }
            }
            #expect(await runner.drain(limit: anHour))
            #expect(try await ledger.recording(RecordingID("r1"))?.state == .delivered)
        }
    }

    @Test func anUploadIsReportedByEveryDialectAfterItsCommit() async throws {
        let performer = ScriptedPerformer(always: .replied(status: 201, retryAfter: nil))
        var outbox = Outbox(ledger: ledger, performer: performer)
        outbox.reporter = EventReporter(translators: [LineTranslator(name: "one"), LineTranslator(name: "two")])
        let row = try await run(outbox)
        #expect(row.state == .delivered)
        #expect(row.uploadStatus == 201)
        #expect(row.failure == nil)
        #expect(outbox.observer.changes.map(\.state) == [.uploading, .delivered])
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
        var outbox = Outbox(ledger: ledger, performer: performer)
        outbox.reporter = EventReporter(translators: [LineTranslator(name: "one")])
        let row = try await run(outbox)
        #expect(row.state == .failed)
        #expect(row.uploadStatus == status)
        #expect(row.failure?.message == outcome.sentence)
        #expect(outbox.observer.changes.map(\.state) == [.uploading, .failed])
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
        try await outbox.runAll { runner in
            for _ in 0..<3 {
                #expect(await runner.drain(limit: anHour))
                outbox.clock.advance(to: outbox.clock.now.advanced(by: .seconds(300)))
            }
        }
        #expect(performer.attempted == Array(repeating: DeliveryID("upl_1"), count: 3))
        #expect(outbox.observer.changes.map(\.state) == [.uploading, .delivered])
        #expect(outbox.observer.changes.last?.uploadStatus == nil)
        let told = try await ledger.events(after: 0, limit: 10, session: nil).events.map(\.kind)
        #expect(told == [.destinationFailing, .recordingDelivered], "a destination that fails is told once")
    }
}

@Suite(.timeLimit(.minutes(1))) struct FallbackTests {
    private let folder: TestFolder
    private let ledger: SQLiteLedger
    private let first = Destination.put(url: Redacted("https://bucket.example/key"))
    private let second = Destination.folder(path: "/spare")

    init() throws {
        folder = try TestFolder()
        ledger = try folder.ledger()
    }

    private func run(_ performer: ScriptedPerformer) async throws -> (Outbox, RecordingRow) {
        var recording = Rows.recording(destination: first)
        recording.fallback = second
        try await ledger.commit([.recording(recording), .delivery(Rows.upload(to: first))])
        var outbox = Outbox(ledger: ledger, performer: performer)
        outbox.reporter = EventReporter(translators: [LineTranslator(name: "one")])
        try await outbox.runAll { #expect(await $0.drain(limit: anHour)) }
        return (outbox, try #require(await ledger.recording(RecordingID("r1"))))
    }

    @Test func theSecondDestinationGetsWhatTheFirstDoesNotTake() async throws {
        let performer = ScriptedPerformer { delivery in
            switch delivery.work {
            case .upload(_, _, .folder): .stored
            case .upload: .replied(status: 403, retryAfter: nil)
            case .webhook: .replied(status: 200, retryAfter: nil)
            }
        }
        let (outbox, row) = try await run(performer)
        #expect(row.state == .delivered)
        #expect(row.failure == nil)
        #expect(performer.attempted.count == 3, "first, second, and one webhook")
        #expect(performer.abandoned == [DeliveryID("upl_1")])
        #expect(outbox.observer.changes.map(\.state) == [.uploading, .delivered])
        let uploads = [performer.attempted[0], performer.attempted[1]]
        #expect(try await ledger.delivery(uploads[0])?.state == .dead)
        #expect(try await ledger.delivery(uploads[1])?.state == .delivered)
    }

    @Test func afterTheFallbackThereIsNothingMore() async throws {
        let performer = ScriptedPerformer { delivery in
            if case .upload = delivery.work { .replied(status: 403, retryAfter: nil) } else { .replied(status: 200, retryAfter: nil) }
        }
        let (outbox, row) = try await run(performer)
        #expect(row.state == .failed)
        #expect(performer.attempted.count == 3)
        #expect(outbox.observer.changes.map(\.state) == [.uploading, .failed])
    }

    @Test func aFileThatIsGoneGoesNowhere() async throws {
        let performer = ScriptedPerformer { delivery in
            if case .upload = delivery.work { .failed(.fileMissing) } else { .replied(status: 200, retryAfter: nil) }
        }
        let (_, row) = try await run(performer)
        #expect(row.state == .failed)
        #expect(performer.attempted.count == 2)
    }
}
