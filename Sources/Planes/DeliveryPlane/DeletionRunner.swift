package import Bridge
internal import BridgeModel
internal import Logging

/// Carries out deletions, some at once: the files in the spool, then the objects at the destination, by the schedule of uploads. It holds nothing that
/// a restart would lose: what was under way when the process ended is due again, and each step can be done twice.
package actor DeletionRunner: DeletionService {
    private let ledger: any Ledger & SegmentLedger & DeletionLedger
    private let spool: any SpoolErasing
    private let destinations: any DestinationKeeping
    private let webhooks: any DeliveryService
    private let policy: DeliveryPolicy
    private let reporter: EventReporter
    private let generator: SharedGenerator
    private let clock: any OutboxClock
    private let logger: Logger
    private let bell = Bell()

    /// Deletions that are under way at once.
    private static let batch = 8
    /// The pause after the ledger failed.
    private static let pause: Duration = .seconds(5)
    /// The pause after the spool did not let go of a file.
    private static let spoolPause: Duration = .seconds(60)

    /// What deletions are carried out with.
    package struct Ports: Sendable {
        package var ledger: any Ledger & SegmentLedger & DeletionLedger
        package var spool: any SpoolErasing
        package var destinations: any DestinationKeeping
        /// Woken to send what tells of the outcomes.
        package var webhooks: any DeliveryService

        package init(
            ledger: any Ledger & SegmentLedger & DeletionLedger, spool: any SpoolErasing, destinations: any DestinationKeeping,
            webhooks: any DeliveryService
        ) {
            self.ledger = ledger
            self.spool = spool
            self.destinations = destinations
            self.webhooks = webhooks
        }
    }

    package init(_ ports: Ports, settings: UploadRunnerSettings, environment: OutboxEnvironment) {
        ledger = ports.ledger
        spool = ports.spool
        destinations = ports.destinations
        webhooks = ports.webhooks
        policy = .upload(schedule: settings.schedule)
        reporter = settings.reporter
        generator = SharedGenerator(environment.generator)
        clock = environment.clock
        logger = environment.logger
    }

    package nonisolated func wake() { bell.ring() }

    /// Works until the task is cancelled. Call it once.
    package func run() async {
        while !Task.isCancelled {
            await bell.wait(until: await work(), clock)
        }
    }

    /// Takes a step of all that is due; when to look again.
    func work() async -> WallTime? {
        do throws(BridgeError) {
            while !Task.isCancelled {
                let due = try await ledger.dueDeletions(at: clock.now, limit: Self.batch)
                guard await attempt(due) else { return clock.now.advanced(by: Self.pause) }
                guard due.count == Self.batch else { break }
            }
            return try await ledger.nextDeletionDue()
        } catch {
            logger.error("the recordings to remove cannot be read", metadata: ["error": "\(error.description)"])
            return clock.now.advanced(by: Self.pause)
        }
    }

    private func attempt(_ rows: [RecordingRow]) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            for row in rows { group.addTask { await self.attempt(row) } }
            var areStored = true
            for await isStored in group where !isStored { areStored = false }
            return areStored
        }
    }

    /// False when the ledger failed.
    private func attempt(_ row: RecordingRow) async -> Bool {
        do throws(BridgeError) {
            try await advance(row)
            return true
        } catch {
            logger.error(
                "the removal of a recording cannot be stored", metadata: ["error": "\(error.description)", "recording": "\(row.id)"])
            return false
        }
    }

    private func advance(_ row: RecordingRow) async throws(BridgeError) {
        guard let deletion = row.deletion else { return }
        switch deletion.step {
        case .files:
            let next = await eraseFiles(of: row, deletion, try await ledger.segments(of: row.id))
            try await commit(next, of: row)
            if next.step == .destination { try await remove(row, next) }
        case .destination: try await remove(row, deletion)
        case .done, .failed: return
        }
    }

    private func eraseFiles(of row: RecordingRow, _ deletion: Deletion, _ segments: [SegmentRow]) async -> Deletion {
        do throws(BridgeError) {
            try await spool.erase(row.id, segments)
            return deletion.filesRemoved(at: clock.now)
        } catch {
            return deletion.filesStuck(error.message, until: clock.now.advanced(by: Self.spoolPause))
        }
    }

    private func remove(_ row: RecordingRow, _ deletion: Deletion) async throws(BridgeError) {
        var outcome = AttemptOutcome.stored
        for copy in try await copies(of: row) {
            let one = await destinations.remove(copy, of: row)
            if one.sentence != nil, outcome.sentence == nil { outcome = one }
        }
        guard !Task.isCancelled || outcome.sentence == nil else { return }
        var generator = generator
        let now = clock.now
        let decision = policy.decide(outcome, attempts: deletion.attempts + 1, now: now, using: &generator)
        try await commit(deletion.attempted(outcome, decision, at: now), of: row)
    }

    /// What the outbox knows, and where that is too old to know: what the recording's own destinations may have.
    private func copies(of row: RecordingRow) async throws(BridgeError) -> [DeliveredCopy] {
        var copies = try await ledger.deliveredCopies(of: row.id)
        for segment in try await ledger.segments(of: row.id) where !copies.contains(where: { $0.file == segment.file }) {
            copies += [row.destination, row.fallback].compactMap { $0 }.map { DeliveredCopy(file: segment.file, destination: $0) }
        }
        // What a plain URL has taken stays there; who ordered the deletion was told.
        return copies.filter { $0.destination.canRemove }
    }

    private func commit(_ deletion: Deletion, of row: RecordingRow) async throws(BridgeError) {
        let now = clock.now
        var changes: [LedgerChange] = [.deletion(row.id, deletion)]
        if !deletion.step.isPending {
            let detail = deletion.lastError ?? (deletion.includesDestination ? "on the bridge and at its destination" : "on the bridge")
            let draft = AuditDraft(
                .deleted, by: deletion.by, of: row, outcome: deletion.step == .failed ? .failed : .done, detail: detail, at: now)
            var generator = generator
            changes += [.audit(draft)] + reporter.changes(for: .recordingKept(row, .deleted(deletion)), at: now, using: &generator)
        }
        try await ledger.commit(changes)
        if !deletion.step.isPending { webhooks.wake() }
        log(deletion, row)
    }

    private func log(_ deletion: Deletion, _ row: RecordingRow) {
        var metadata: Logger.Metadata = [
            "recording": "\(row.id)", "stream": "\(row.context.stream)", "actor": "\(deletion.by)", "step": "\(deletion.step.rawValue)",
        ]
        if let error = deletion.lastError { metadata["reason"] = "\(error)" }
        switch deletion.step {
        case .files: logger.error("a recording's files cannot be removed and are tried again", metadata: metadata)
        case .done: logger.info("recording removed", metadata: metadata)
        case .destination where deletion.attempts > 0:
            logger.warning("a recording could not be removed at its destination and will be tried again", metadata: metadata)
        case .destination: logger.info("recording removed from the spool; its destination follows", metadata: metadata)
        case .failed: logger.error("a recording's destination did not let go of it", metadata: metadata)
        }
    }
}
