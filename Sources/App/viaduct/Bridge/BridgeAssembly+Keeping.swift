import Bridge
import BridgeModel
import ControlPlane
import DeliveryPlane
import Logging
import StoragePlane

extension BridgeAssembly {
    /// What carries the removal of recordings out.
    static func deletions(_ settings: Settings, _ ports: DeletionRunner.Ports, _ logger: Logger) -> DeletionRunner {
        DeletionRunner(
            ports, settings: UploadRunnerSettings(settings.uploads, reporter: reporter(settings)),
            environment: OutboxEnvironment(logger: logger.named("deletion")))
    }

    /// What looks after recordings that are over.
    static func keeping(
        _ services: RecordingServices, ledger: SQLiteLedger, recordings: RecordingDirector, deletions: DeletionRunner,
        destinations: SQLiteDestinationStore
    ) -> (RetentionWarden, RecordingKeeper) {
        let settings = services.settings.retention
        let rule = RetentionRule(settings)
        let warden = RetentionWarden(
            ledger: ledger, deletions: deletions, next: recordings,
            settings: RetentionSettings(rule: rule, interval: settings.interval), clock: services.clock,
            logger: services.logger)
        let keeper = RecordingKeeper(
            ledger: ledger, outbox: services.outbox, destinations: destinations, deletions: deletions, configured: rule,
            sidecars: services.settings.sidecars, clock: services.clock)
        return (warden, keeper)
    }
}

extension RetentionRule {
    /// Zero limits nothing.
    init(_ settings: RecordingSettings.KeepingSettings) {
        self.init(
            age: settings.age > .zero ? settings.age : nil, bytes: settings.size > 0 ? Int64(settings.size) : nil,
            count: settings.count > 0 ? settings.count : nil)
        includesDestination = settings.destination
        includesUndelivered = settings.undelivered
    }
}
