package import Bridge
internal import BridgeModel

/// Turns events into rows, to be committed with the fact that they report.
package struct OutboxWriter: Sendable {
    private let reporter: EventReporter
    private let clock: BridgeClock
    private let service: any DeliveryService

    package init(reporter: EventReporter, clock: BridgeClock, service: any DeliveryService) {
        self.reporter = reporter
        self.clock = clock
        self.service = service
    }

    /// The rows of an event that happens now: its place in the log and its webhooks, which are due at once.
    package func changes(for event: BridgeEvent) -> [LedgerChange] {
        var random = SystemRandomNumberGenerator()
        return reporter.changes(for: event, at: clock.wall(), using: &random)
    }

    /// The ends of facts that an earlier run of the bridge left open.
    package func changes(ending facts: [OpenFact]) -> [LedgerChange] {
        var random = SystemRandomNumberGenerator()
        return facts.compactMap { reporter.change(ending: $0, at: clock.wall(), using: &random) }
    }

    /// The upload of a recording's finished segment as a row that is due now.
    package func upload(of segment: SegmentRow, in row: RecordingRow) -> LedgerChange {
        let now = clock.wall()
        var random = SystemRandomNumberGenerator()
        return .delivery(
            DeliveryRow(
                id: .upload(at: now, using: &random), work: .upload(recording: row.id, file: segment.file, destination: row.destination),
                account: row.context.account, session: row.context.session, dueAt: now, createdAt: now))
    }

    /// The upload of what travels with a recording's files, by its name in the spool, as a row that is due now.
    package func upload(of name: String, in row: RecordingRow) -> LedgerChange {
        let now = clock.wall()
        var random = SystemRandomNumberGenerator()
        return .delivery(
            DeliveryRow(
                id: .upload(at: now, using: &random), work: .upload(recording: row.id, file: name, destination: row.destination),
                account: row.context.account, session: row.context.session, dueAt: now, createdAt: now))
    }

    /// Tells the delivery service that there is something to do; call it after the commit.
    package func wake() { service.wake() }
}
