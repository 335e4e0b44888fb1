package import Bridge
internal import BridgeModel

/// Turns events into outbox rows, to be committed with the fact that they report.
package struct OutboxWriter: Sendable {
    private let translators: [any EventTranslator]
    private let clock: BridgeClock
    private let service: any DeliveryService

    package init(translators: [any EventTranslator], clock: BridgeClock, service: any DeliveryService) {
        self.translators = translators
        self.clock = clock
        self.service = service
    }

    /// The webhooks of an event as rows that are due now.
    package func deliveries(for event: BridgeEvent) -> [LedgerChange] {
        let now = clock.wall()
        var random = SystemRandomNumberGenerator()
        return translators.flatMap { $0.webhooks(for: event, at: now) }.map { message in
            .delivery(message.delivery(id: .webhook(at: now, using: &random), at: now))
        }
    }

    /// The upload of a finished recording as a row that is due now.
    package func upload(of row: RecordingRow) -> LedgerChange {
        let now = clock.wall()
        var random = SystemRandomNumberGenerator()
        return .delivery(
            DeliveryRow(
                id: .upload(at: now, using: &random), work: .upload(recording: row.id, file: row.file, destination: row.destination),
                account: row.context.account, session: row.context.session, dueAt: now, createdAt: now))
    }

    /// Tells the delivery service that there is something to do; call it after the commit.
    package func wake() { service.wake() }
}
