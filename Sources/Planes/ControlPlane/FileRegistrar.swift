package import Bridge
internal import BridgeModel
package import Logging

/// Reads each complete file of a recording once, one after the other: its hash goes into the ledger, together with the event that tells of the file.
/// What a process that ends leaves undone is done by the next: a complete segment without a hash.
package actor FileRegistrar {
    private let keeping: any SpoolKeeping
    private let ledger: any Ledger
    private let outbox: OutboxWriter
    private let registered: @Sendable (SegmentRow, RecordingRow) async -> Void
    private let logger: Logger
    private var waiting: [(segment: SegmentRow, row: RecordingRow)] = []
    private var worker: Task<Void, Never>?

    /// `registered` is told of each segment that is done.
    package init(
        keeping: any SpoolKeeping, ledger: any Ledger, outbox: OutboxWriter, logger: Logger,
        registered: @escaping @Sendable (SegmentRow, RecordingRow) async -> Void = { _, _ in }
    ) {
        self.registered = registered
        self.keeping = keeping
        self.ledger = ledger
        self.outbox = outbox
        self.logger = logger
    }

    /// This segment's file is in its place.
    package func complete(_ segment: SegmentRow, of row: RecordingRow) {
        waiting.append((segment, row))
        guard worker == nil else { return }
        worker = Task { [weak self] in
            while await self?.registerNext() == true {}
        }
    }

    private func registerNext() async -> Bool {
        guard !waiting.isEmpty else {
            worker = nil
            return false
        }
        let (segment, row) = waiting.removeFirst()
        do throws(BridgeError) {
            var described = segment
            let sha256 = try await keeping.describe(segment, of: row)
            described.sha256 = sha256
            let event = outbox.changes(for: .recordingAdvanced(row, .segment(described)))
            try await ledger.commit([.digest(row.id, segment: segment.number, sha256: sha256)] + event)
            outbox.wake()
            await registered(described, row)
        } catch {
            logger.error(
                "a complete file could not be registered; the next start tries again",
                metadata: row.context.metadata.adding("recording", row.id.rawValue).adding("error", error.description))
        }
        return true
    }
}
