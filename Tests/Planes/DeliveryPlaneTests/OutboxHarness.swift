import Bridge
import BridgeModel
import DeliveryPlane
import Logging

/// The runners over a real ledger, with a virtual clock.
struct Outbox {
    var ledger: FailingLedger
    var performer: ScriptedPerformer
    var clock = VirtualClock()
    var observer = RecordingObserver()
    var sidecars = ScriptedSidecars()
    var logger = Logger.silent
    var reporter = EventReporter(translators: [])
    var terms = WebhookTerms(WebhookSettings())
    var uploads = UploadSettings()

    init(
        ledger: any Ledger & UploadLedger & SegmentLedger & WebhookQueue, performer: ScriptedPerformer, clock: VirtualClock = VirtualClock()
    ) {
        self.ledger = ledger as? FailingLedger ?? FailingLedger(ledger)
        self.performer = performer
        self.clock = clock
    }

    private var environment: OutboxEnvironment { OutboxEnvironment(logger: logger, clock: clock) }

    /// Runs the webhooks beside `body`, and ends them then.
    func run(_ body: @escaping @Sendable (WebhookRunner) async throws -> Void) async throws {
        let runner = WebhookRunner(queue: ledger, sender: performer, terms: terms, environment: environment)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await runner.run() }
            try await body(runner)
            group.cancelAll()
        }
    }

    /// As `run`, with uploads and the webhooks that they cause.
    func runAll(_ body: @escaping @Sendable (OutboxHalves) async throws -> Void) async throws {
        try await run { webhooks in
            let runner = UploadRunner(
                ledger: ledger, performer: performer, settings: UploadRunnerSettings(uploads, reporter: reporter), webhooks: webhooks,
                environment: environment)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { [observer, sidecars] in await runner.run(reportingTo: observer, sidecars: sidecars) }
                try await body(OutboxHalves(uploads: runner, webhooks: webhooks))
                group.cancelAll()
            }
        }
    }
}

/// Longer than any test, in virtual time.
let anHour: Duration = .seconds(3600)
