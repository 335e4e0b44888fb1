import Bridge
import BridgeModel
import DeliveryPlane
import Logging

/// A runner over a real ledger, with a virtual clock.
struct Outbox {
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

/// Longer than any test, in virtual time.
let anHour: Duration = .seconds(3600)
