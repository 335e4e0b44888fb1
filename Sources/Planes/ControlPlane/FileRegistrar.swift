package import Bridge
internal import BridgeModel
internal import Logging

/// Reads each complete file of a recording once, one after the other: its hash goes into the ledger, together with the event that tells of the file, and
/// behind the last of a recording that stays here the event that it is ready. A ledger that stays away is tried until it takes the hash. What a process
/// that ends leaves undone is done by the next: a complete segment without a hash.
package actor FileRegistrar {
    private let keeping: any SpoolKeeping
    private let ledger: any SegmentLedger
    private let outbox: OutboxWriter
    private let unstored: UnstoredRecordings
    private let clock: BridgeClock
    private let registered: @Sendable (SegmentRow, RecordingRow) async -> Void
    private let logger: Logger
    private var waiting: [(segment: SegmentRow, row: RecordingRow)] = []
    private var worker: Task<Void, Never>?
    /// The file at hand.
    private var current: String?

    /// The longest wait for the ledger; the first is a second, and each is twice as long as the one before.
    private static let longestPause = Duration.seconds(15)

    /// `unstored` counts the file that waits for the ledger; `registered` is told of each segment that is done.
    init(
        keeping: any SpoolKeeping, ledger: any SegmentLedger, outbox: OutboxWriter, unstored: UnstoredRecordings, clock: BridgeClock,
        logger: Logger, registered: @escaping @Sendable (SegmentRow, RecordingRow) async -> Void = { _, _ in }
    ) {
        self.registered = registered
        self.keeping = keeping
        self.ledger = ledger
        self.outbox = outbox
        self.unstored = unstored
        self.clock = clock
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

    /// Whether it reads this file, or will.
    package func isBusy(with file: String) -> Bool { current == file || waiting.contains { $0.segment.file == file } }

    private func registerNext() async -> Bool {
        current = nil
        guard !waiting.isEmpty else {
            worker = nil
            return false
        }
        let (segment, row) = waiting.removeFirst()
        current = segment.file
        do throws(BridgeError) {
            var described = segment
            described.sha256 = try await keeping.describe(segment, of: row)
            await store(described, of: row)
            await registered(described, row)
        } catch {
            logger.error(
                "a complete file cannot be read and has no hash; the next start tries again",
                metadata: metadata(of: row).adding("error", error.description))
            // The others are there all the same.
            await store(segment, of: row)
        }
        return true
    }

    /// Returns when the ledger has what is known of the segment.
    private func store(_ segment: SegmentRow, of row: RecordingRow) async {
        var pause = Duration.seconds(1)
        var isLate = false
        while !Task.isCancelled {
            do throws(BridgeError) {
                try await ledger.settle(row.id) { [outbox] stored, segments in
                    // Whoever was first has told of it.
                    guard segments.first(where: { $0.number == segment.number })?.sha256 == nil else { return [] }
                    let completion = outbox.completion(of: stored, with: segments.filter { $0.number != segment.number })
                    guard let sha256 = segment.sha256 else { return completion }
                    return [.digest(row.id, segment: segment.number, sha256: sha256)]
                        + outbox.changes(for: .recordingAdvanced(row, .segment(segment))) + completion
                }
                outbox.wake()
                break
            } catch {
                if !isLate { complain(error, row) }
                isLate = true
                try? await clock.pause(pause)
                pause = min(pause * 2, Self.longestPause)
            }
        }
        guard isLate else { return }
        unstored.add(-1)
        logger.notice("a complete file is registered", metadata: metadata(of: row))
    }

    private func complain(_ error: BridgeError, _ row: RecordingRow) {
        unstored.add(1)
        logger.error(
            "a complete file cannot be registered and is tried until it can: make room on the disk of data.folder",
            metadata: metadata(of: row).adding("error", error.description))
    }

    private func metadata(of row: RecordingRow) -> Logger.Metadata { row.context.metadata.adding("recording", row.id.rawValue) }
}

extension OutboxWriter {
    /// What tells of a recording that stays here, when all these files are registered.
    func completion(of row: RecordingRow, with segments: [SegmentRow]) -> [LedgerChange] {
        row.completion(with: segments).map { changes(for: $0) } ?? []
    }
}
