internal import Bridge
package import BridgeModel
package import Logging
internal import Synchronization

/// How often, how far apart and how many beside each other.
package struct OutboxSettings: Sendable, Equatable {
    package var uploadSchedule: [Duration]
    package var webhookSchedule: [Duration]
    package var limits: OutboxLimits

    package init(uploadSchedule: [Duration], webhookSchedule: [Duration], limits: OutboxLimits = OutboxLimits()) {
        self.uploadSchedule = uploadSchedule
        self.webhookSchedule = webhookSchedule
        self.limits = limits
    }

    /// From the configuration.
    package init(webhooks: WebhookSettings, uploads: UploadSettings) {
        self.init(
            uploadSchedule: uploads.schedule, webhookSchedule: webhooks.schedule, limits: OutboxLimits(uploads: uploads.parallel))
    }
}

/// What the outbox takes from the world around it.
package struct OutboxEnvironment: Sendable {
    package var clock: any OutboxClock
    package var logger: Logger
    /// Makes ids and jitter.
    package var generator: any RandomNumberGenerator & Sendable

    /// By default the system's clock and randomness.
    package init(
        logger: Logger, clock: any OutboxClock = SystemOutboxClock(),
        generator: any RandomNumberGenerator & Sendable = SystemRandomNumberGenerator()
    ) {
        self.logger = logger
        self.clock = clock
        self.generator = generator
    }
}

/// Turns outcomes into the rows of one transaction: the delivery, its recording, and the webhooks that report it.
struct OutboxSettlement: Sendable {
    private let uploads: DeliveryPolicy
    private let webhooks: DeliveryPolicy
    private let translators: [any EventTranslator]
    private let generator: SharedGenerator

    struct Settled: Sendable {
        var delivery: DeliveryRow
        /// The recording's new row; nil when the outcome does not change it.
        var recording: RecordingRow?
        var webhooks: [DeliveryRow] = []

        var changes: [LedgerChange] {
            [.delivery(delivery)] + (recording.map { [.recording($0)] } ?? []) + webhooks.map { .delivery($0) }
        }
    }

    init(settings: OutboxSettings, translators: [any EventTranslator], generator: any RandomNumberGenerator & Sendable) {
        uploads = .upload(schedule: settings.uploadSchedule)
        webhooks = .webhook(schedule: settings.webhookSchedule)
        self.translators = translators
        self.generator = SharedGenerator(generator)
    }

    func settle(_ webhook: DeliveryRow, _ outcome: AttemptOutcome, at now: WallTime) -> Settled {
        var generator = generator
        let decision = webhooks.decide(outcome, attempts: webhook.attempts + 1, now: now, using: &generator)
        return Settled(delivery: webhook.attempted(outcome, decision))
    }

    func settle(_ upload: DeliveryRow, of recording: RecordingRow?, _ outcome: AttemptOutcome, at now: WallTime) -> Settled {
        var generator = generator
        let decision = uploads.decide(outcome, attempts: upload.attempts + 1, now: now, using: &generator)
        var settled = Settled(delivery: upload.attempted(outcome, decision))
        guard let (row, event) = recording?.settled(outcome, decision) else { return settled }
        settled.recording = row
        settled.webhooks = translators.flatMap { $0.webhooks(for: event, at: now) }.map { message in
            message.delivery(id: .webhook(at: now, using: &generator), at: now)
        }
        return settled
    }
}

/// One generator that is shared behind a lock.
private final class SharedGenerator: RandomNumberGenerator, Sendable {
    private struct Base: Sendable {
        var generator: any RandomNumberGenerator & Sendable
    }

    private let base: Mutex<Base>

    init(_ generator: any RandomNumberGenerator & Sendable) { base = Mutex(Base(generator: generator)) }

    func next() -> UInt64 { base.withLock { $0.generator.next() } }
}
