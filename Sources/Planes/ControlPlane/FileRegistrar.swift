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
            await store(.described(described), of: row)
            await registered(described, row)
        } catch {
            logger.error(
                "a complete file cannot be read and has no hash; the next start tries again",
                metadata: metadata(of: row).adding("error", error.description))
            // The others are there all the same.
            await store(.unreadable(segment, because: error), of: row)
        }
        return true
    }

    /// Returns when the ledger has what is known of the segment.
    private func store(_ finding: FileFinding, of row: RecordingRow) async {
        var pause = Duration.seconds(1)
        var isLate = false
        while !Task.isCancelled {
            do throws(BridgeError) {
                try await ledger.settle(row.id) { [outbox] stored, segments in outbox.changes(for: finding, of: stored, segments) }
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

/// What reading a complete file has shown.
private enum FileFinding: Sendable {
    /// Its hash is in the row.
    case described(SegmentRow)
    case unreadable(SegmentRow, because: BridgeError)

    var segment: SegmentRow {
        switch self {
        case .described(let segment), .unreadable(let segment, _): segment
        }
    }
}

extension OutboxWriter {
    /// What a finding adds to a recording as it is stored: also that it is ready, when this was the last file to be known.
    fileprivate func changes(for finding: FileFinding, of row: RecordingRow, _ segments: [SegmentRow]) -> [LedgerChange] {
        let stored = segments.first { $0.number == finding.segment.number }
        var segment = stored ?? finding.segment
        // Whoever was first has told of it.
        guard stored?.sha256 == nil else { return [] }
        var row = row
        var changes: [LedgerChange]
        switch finding {
        case .described(let described):
            segment.sha256 = described.sha256
            changes = row.found(&segment, among: segments) + self.changes(for: .recordingAdvanced(row, .segment(segment)))
        case .unreadable(_, let error):
            guard !segment.isUnreadable else { return [] }
            changes = row.lost(&segment, because: error)
        }
        // Once: what was complete before has been told.
        guard row.completion(with: segments) == nil else { return changes }
        return changes + completion(of: row, with: segments.filter { $0.number != segment.number } + [segment])
    }

    /// What tells of a recording that stays here, when all these files are registered.
    func completion(of row: RecordingRow, with segments: [SegmentRow]) -> [LedgerChange] {
        row.completion(with: segments).map { changes(for: $0) } ?? []
    }
}

extension RecordingRow {
    /// A file can be read, perhaps again.
    fileprivate mutating func found(_ segment: inout SegmentRow, among segments: [SegmentRow]) -> [LedgerChange] {
        guard segment.isUnreadable else {
            return segment.sha256.map { [.digest(id, segment: segment.number, sha256: $0)] } ?? []
        }
        segment.failure = nil
        guard failure?.code == .recordingUnreadable else { return [.segment(segment)] }
        failure = segments.first { $0.number != segment.number && $0.isUnreadable }?.failure
        return [.recording(self), .segment(segment)]
    }

    /// A file cannot be read. One that is to be sent is its delivery's to tell of.
    fileprivate mutating func lost(_ segment: inout SegmentRow, because error: BridgeError) -> [LedgerChange] {
        guard segment.state == .ready else { return [] }
        let failure = BridgeError(
            .recordingUnreadable, "The file of segment \(segment.number) is tried again at the next start. \(error.message)")
        segment.failure = failure
        guard self.failure == nil else { return [.segment(segment)] }
        self.failure = failure
        return [.recording(self), .segment(segment)]
    }
}
