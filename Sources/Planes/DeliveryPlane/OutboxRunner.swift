package import Bridge
internal import BridgeModel
internal import Logging

/// Carries out the outbox: takes what is due from the ledger, performs it, and commits the outcome together with what follows from it. It holds
/// nothing that a restart would lose: what was under way when the process ended is simply due again, with the same id. See `CrashPoints.md`.
package actor OutboxRunner: DeliveryService {
    private let ledger: any Ledger
    private let performer: any DeliveryPerformer
    private let settlement: OutboxSettlement
    private let clock: any OutboxClock
    private let logger: Logger
    private let bell = Bell()
    private var lanes: OutboxLanes
    /// Due rows that wait for a place in their lane, oldest first; nobody else changes a pending row, so they need not be read again.
    private var backlog: [DeliveryRow] = []
    /// Who waits in `drain`.
    private var drains: [Bell] = []

    /// Rows that are looked at in one query.
    private static let pageLength = 128
    /// Rows of full lanes that are held back before the ledger is asked for no more; the end of any attempt looks again.
    private static let longestBacklog = 1024
    /// The pause after the ledger failed.
    private static let ledgerPause: Duration = .seconds(5)

    /// `translators` put each event into the webhooks of their dialect.
    package init(
        ledger: any Ledger, performer: any DeliveryPerformer, settings: OutboxSettings, translators: [any EventTranslator],
        environment: OutboxEnvironment
    ) {
        self.ledger = ledger
        self.performer = performer
        clock = environment.clock
        logger = environment.logger
        lanes = OutboxLanes(limits: settings.limits)
        settlement = OutboxSettlement(settings: settings, translators: translators, generator: environment.generator)
    }

    /// Works until the task is cancelled; attempts under way are then broken off, and their rows stay due. Call it once. `observer` hears of each
    /// recording after the commit that changed it.
    package func run(reportingTo observer: any UploadObserver) async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let asking = drains
                // What ends during the look may leave new rows that the look did not see: only one that began idle can find nothing to do.
                let wasIdle = lanes.isIdle
                let look = await look()
                for delivery in look.startable { group.addTask { await self.attempt(delivery, observer) } }
                if wasIdle, look.foundNothing { release(asking) }
                await rest(until: look.next)
            }
        }
    }

    package nonisolated func wake() { bell.ring() }

    package func drain(limit: Duration) async -> Bool {
        let idle = Bell()
        drains.append(idle)
        wake()
        let moment = clock.now.advanced(by: limit)
        let isDrained = await withTaskGroup(of: Bool.self) { [clock] group in
            group.addTask { await idle.wait() }
            group.addTask {
                try? await clock.sleep(until: moment)
                return false
            }
            let first = await group.next() ?? false
            group.cancelAll()
            return first
        }
        drains.removeAll { $0 === idle }
        return isDrained
    }
}

// MARK: Looking

extension OutboxRunner {
    private struct Look {
        var startable: [DeliveryRow] = []
        /// When to look again, if nobody rings before.
        var next: WallTime?
        /// True when no row is due; false also when the ledger could not be read.
        var foundNothing = false
    }

    private func look() async -> Look {
        var look = Look(startable: takeStartable())
        // One moment for the whole look: what falls due during it is due for the next one.
        let now = clock.now
        do {
            while lanes.hasRoom, backlog.count < Self.longestBacklog {
                let page = try await ledger.dueDeliveries(at: now, limit: Self.pageLength, excluding: known)
                backlog += page
                look.startable += takeStartable()
                guard page.count == Self.pageLength else { break }
            }
            // The earliest of all that is neither under way nor waiting for a place. If even that was due, a place will be free first.
            let later = try await ledger.dueDeliveries(at: WallTime(nanoseconds: .max), limit: 1, excluding: known)
            look.next = later.first.map(\.dueAt).flatMap { $0 > now ? $0 : nil }
            look.foundNothing = look.startable.isEmpty && backlog.isEmpty
        } catch {
            logger.error("the outbox cannot be read", metadata: ["error": "\(error)"])
            look.next = clock.now.advanced(by: Self.ledgerPause)
        }
        return look
    }

    private var known: Set<DeliveryID> { lanes.underWay.union(backlog.map(\.id)) }

    /// Moves what has a place in its lane out of the backlog.
    private func takeStartable() -> [DeliveryRow] {
        var startable: [DeliveryRow] = []
        var waiting: [DeliveryRow] = []
        for delivery in backlog {
            if lanes.reserve(delivery) { startable.append(delivery) } else { waiting.append(delivery) }
        }
        backlog = waiting
        return startable
    }

    private func rest(until moment: WallTime?) async {
        guard let moment else {
            _ = await bell.wait()
            return
        }
        await withTaskGroup(of: Void.self) { [bell, clock] group in
            group.addTask { _ = await bell.wait() }
            group.addTask { try? await clock.sleep(until: moment) }
            await group.next()
            group.cancelAll()
        }
    }

    private func release(_ asking: [Bell]) {
        for idle in asking { idle.ring() }
    }
}

// MARK: One attempt

extension OutboxRunner {
    private func attempt(_ delivery: DeliveryRow, _ observer: any UploadObserver) async {
        switch delivery.work {
        case .webhook: await post(delivery)
        case .upload(let recording, _, _): await upload(delivery, of: recording, observer)
        }
        lanes.release(delivery.id)
        bell.ring()
    }

    private func post(_ delivery: DeliveryRow) async {
        let outcome = await performer.attempt(delivery)
        guard isMeaningful(outcome) else { return }
        let settled = settlement.settle(delivery, outcome, at: clock.now)
        log(settled.delivery, outcome)
        await commit(settled.changes)
    }

    private func upload(_ delivery: DeliveryRow, of id: RecordingID, _ observer: any UploadObserver) async {
        guard let recording = await recording(id) else { return }
        if var begun = recording, begun.state != .uploading {
            begun.state = .uploading
            guard await commit([.recording(begun)]) else { return }
            await observer.recordingChanged(begun)
        }
        let outcome = recording == nil ? .failed(.impossible) : await performer.attempt(delivery)
        // Read again: nothing that was written meanwhile may be written over.
        guard isMeaningful(outcome), let current = await self.recording(id) else { return }
        let settled = settlement.settle(delivery, of: current, outcome, at: clock.now)
        log(settled.delivery, outcome)
        guard await commit(settled.changes), let row = settled.recording else { return }
        await observer.recordingChanged(row)
    }

    /// An attempt that was broken off tells nothing about its receiver; one that succeeded before it noticed has succeeded.
    private func isMeaningful(_ outcome: AttemptOutcome) -> Bool {
        !Task.isCancelled || outcome.sentence == nil
    }

    /// The row, `.some(nil)` when there is none or it is damaged, nil when the ledger could not be read before the task was cancelled.
    private func recording(_ id: RecordingID) async -> RecordingRow?? {
        await persistently("a recording cannot be read") { [ledger, logger] () async throws(BridgeError) -> RecordingRow? in
            do throws(BridgeError) {
                return try await ledger.recording(id)
            } catch {
                guard error.code == .internal else { throw error }
                logger.error("a recording is damaged, and its upload is given up", metadata: ["error": "\(error)", "recording": "\(id)"])
                return nil
            }
        }
    }

    @discardableResult
    private func commit(_ changes: [LedgerChange]) async -> Bool {
        await persistently("an outcome cannot be stored") { [ledger] () async throws(BridgeError) in try await ledger.commit(changes) }
            != nil
    }

    /// Tries until it works: what was delivered and cannot be recorded would be delivered again at once, and again. nil when the task was cancelled.
    private func persistently<T: Sendable>(
        _ complaint: Logger.Message, _ work: @Sendable () async throws(BridgeError) -> T
    ) async -> T? {
        while true {
            do {
                return try await work()
            } catch {
                logger.error(complaint, metadata: ["error": "\(error)"])
            }
            guard (try? await clock.sleep(until: clock.now.advanced(by: Self.ledgerPause))) != nil else { return nil }
        }
    }

    private func log(_ delivery: DeliveryRow, _ outcome: AttemptOutcome) {
        var metadata: Logger.Metadata = [
            "delivery": "\(delivery.id)", "session": "\(delivery.session)", "attempt": "\(delivery.attempts)",
            "destination": "\(delivery.work.origin)",
        ]
        if case .upload(let recording, _, _) = delivery.work { metadata["recording"] = "\(recording)" }
        if let status = outcome.status { metadata["status"] = "\(status)" }
        if let sentence = outcome.sentence { metadata["reason"] = "\(sentence)" }
        switch delivery.state {
        case .delivered: logger.info("delivery succeeded", metadata: metadata)
        case .pending: logger.warning("delivery failed and will be tried again", metadata: metadata)
        case .dead: logger.error("delivery given up", metadata: metadata)
        }
    }
}

extension DeliveryRow.Work {
    /// Where it goes, without secrets: scheme, host and port, or the word folder.
    fileprivate var origin: String {
        switch self {
        case .webhook(let url, _), .upload(_, _, .put(let url)): DeliveryURL.origin(of: url) ?? "unreadable URL"
        case .upload(_, _, .folder): "folder"
        case .upload(_, _, .keep): "spool"
        }
    }
}
