package import Bridge
package import BridgeModel

/// Holds, removals and redeliveries of recordings that are over. Each is decided on the row as it is in the transaction that writes it.
package struct RecordingKeeper: RecordingKeeping {
    private let ledger: any KeeperLedger
    private let outbox: OutboxWriter
    private let destinations: any DestinationStore
    private let deletions: any DeletionService
    private let configured: RetentionRule
    private let sidecars: [Sidecar]
    private let clock: BridgeClock

    /// What the ledger has to be able to do.
    package typealias KeeperLedger = Ledger & SegmentLedger & RetentionLedger & AuditLog

    /// `configured`: the rule of streams that have none of their own; `sidecars`: what travels to destinations that say nothing of it.
    package init(
        ledger: any KeeperLedger, outbox: OutboxWriter, destinations: any DestinationStore, deletions: any DeletionService,
        configured: RetentionRule, sidecars: [Sidecar] = [], clock: BridgeClock
    ) {
        self.sidecars = sidecars
        self.ledger = ledger
        self.outbox = outbox
        self.destinations = destinations
        self.deletions = deletions
        self.configured = configured
        self.clock = clock
    }

    package func hold(_ id: RecordingID, reason: String, by actor: AuditActor) async throws(BridgeError) -> RecordingRow {
        let hold = RecordingHold(reason: reason, by: actor, placedAt: clock.wall())
        return try await change(id) { row, _ in
            guard row.deletion == nil else {
                return .failure(BridgeError(.recordingGone, "The recording \(row.id) is removed, or about to be: nothing is left to hold."))
            }
            var held = row
            held.hold = hold
            return .success(
                [.hold(row.id, hold), .audit(AuditDraft(.hold, by: actor, of: row, detail: reason, at: hold.placedAt))]
                    + outbox.changes(for: .recordingKept(held, .held(hold))))
        }
    }

    package func release(_ id: RecordingID, by actor: AuditActor) async throws(BridgeError) -> RecordingRow {
        let now = clock.wall()
        return try await change(id) { row, _ in
            guard let hold = row.hold else { return .success([]) }
            return .success(
                [.hold(row.id, nil), .audit(AuditDraft(.release, by: actor, of: row, detail: hold.reason, at: now))]
                    + outbox.changes(for: .recordingKept(row, .released(by: actor))))
        }
    }

    package func delete(_ id: RecordingID, _ order: DeletionOrder) async throws(BridgeError) -> RecordingRow {
        let now = clock.wall()
        do throws(BridgeError) {
            let row = try await change(id) { row, segments in row.removal(order, segments, at: now) }
            deletions.wake()
            return row
        } catch {
            // Who tried is worth a line as well.
            if error.code != .notFound {
                try await ledger.settle(id) { row, _ in
                    [.audit(AuditDraft(.delete, by: order.by, of: row, outcome: .refused, detail: error.code.rawValue, at: now))]
                }
            }
            throw error
        }
    }

    package func redeliver(_ id: RecordingID, to name: DestinationName?, by actor: AuditActor) async throws(BridgeError) -> RecordingRow {
        var choice: DestinationChoice?
        if let name {
            guard let destination = try await destinations.destination(name) else {
                throw BridgeError(.notFound, "There is no destination \(name); GET /bridge/v1/destinations lists them.")
            }
            choice = destination.choice.withSidecars(sidecars)
        }
        let chosen = choice
        let now = clock.wall()
        return try await change(id) { row, segments in
            row.redelivery(to: chosen, segments, by: actor, at: now) { segment, row in outbox.upload(of: segment, in: row) }
        }
    }

    package func audit(after: Int64, limit: Int, recording: RecordingID?) async throws(BridgeError) -> [AuditEntry] {
        try await ledger.audit(after: after, limit: limit, recording: recording)
    }

    package func retention(of stream: StreamID) async throws(BridgeError) -> (rule: RetentionRule, isOwn: Bool) {
        let own = try await ledger.retentionRule(of: stream)
        return (own ?? configured, own != nil)
    }

    package func setRetention(_ rule: RetentionRule?, of stream: StreamID) async throws(BridgeError) {
        try await ledger.setRetentionRule(rule, of: stream)
    }

    // MARK: - Pieces

    /// Commits what `decide` makes of the recording, and returns it as it is then.
    private func change(
        _ id: RecordingID, _ decide: @escaping @Sendable (RecordingRow, [SegmentRow]) -> Result<[LedgerChange], BridgeError>
    ) async throws(BridgeError) -> RecordingRow {
        let refusal = Refusal()
        try await ledger.settle(id) { row, segments in
            switch decide(row, segments) {
            case .success(let changes):
                refusal.note(nil)
                return changes
            case .failure(let error):
                refusal.note(error)
                return []
            }
        }
        if let error = refusal.error { throw error }
        outbox.wake()
        guard let row = try await ledger.recording(id) else { throw BridgeError(.notFound, "There is no recording with this id.") }
        return row
    }
}
