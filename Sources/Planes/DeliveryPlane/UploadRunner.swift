package import Bridge
package import BridgeModel
internal import Logging

/// Carries out the uploads of the outbox: takes what is due from the ledger, so many at once, performs it, and commits the outcome together with what
/// follows from it. It holds nothing that a restart would lose: what was under way when the process ended is due again, with the same id, and goes on
/// with the parts that its destination has. See `CrashPoints.md`.
package actor UploadRunner: DeliveryService {
    let ledger: any Ledger & SegmentLedger
    private let queue: any UploadLedger
    let performer: any UploadPerformer
    private let webhooks: any DeliveryService
    let settlement: UploadSettlement
    private let parallel: Int
    let clock: any OutboxClock
    let logger: Logger
    private let bell = Bell()
    private var waits: WaitKeeper
    private var underWay: Set<DeliveryID> = []
    /// Who waits in `drain`.
    private var drains: [Bell] = []

    /// The pause after the ledger failed.
    private static let ledgerPause: Duration = .seconds(5)

    /// `webhooks` is woken to send what tells of the outcomes.
    package init(
        ledger: any Ledger & UploadLedger & SegmentLedger, performer: any UploadPerformer, settings: UploadRunnerSettings,
        webhooks: any DeliveryService,
        environment: OutboxEnvironment
    ) {
        self.ledger = ledger
        queue = ledger
        self.performer = performer
        self.webhooks = webhooks
        settlement = UploadSettlement(schedule: settings.schedule, reporter: settings.reporter, generator: environment.generator)
        parallel = max(1, settings.parallel)
        clock = environment.clock
        logger = environment.logger
        waits = WaitKeeper(clock)
    }

    /// Works until the task is cancelled; attempts under way are then broken off, and their rows stay due. Call it once. `observer` hears of each
    /// recording after the commit that changed it; `sidecars` finds what travels with files.
    package func run(reportingTo observer: any UploadObserver, sidecars: any SidecarSource) async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let asking = drains
                // What ends during the look may leave new rows that the look did not see: only one that began idle can find nothing to do.
                let wasIdle = underWay.isEmpty
                let look = await look()
                for upload in look.due { group.addTask { await self.attempt(upload, observer, sidecars) } }
                if wasIdle, look.foundNothing { for idle in asking { idle.ring() } }
                await bell.wait(until: look.next, clock)
            }
        }
    }

    package nonisolated func wake() { bell.ring() }

    package func drain(limit: Duration) async -> Bool {
        let idle = Bell()
        drains.append(idle)
        wake()
        let isDrained = await idle.wait(until: clock.now.advanced(by: limit), clock)
        drains.removeAll { $0 === idle }
        return isDrained
    }

    private struct Look {
        var due: [DeliveryRow] = []
        /// When to look again, if nobody rings before.
        var next: WallTime?
        /// True when no row is due; false also when the ledger could not be read.
        var foundNothing = false
    }

    private func look() async -> Look {
        var look = Look()
        let now = clock.now
        do {
            let room = parallel - underWay.count
            // The end of an attempt rings: with no room there is nothing to look for.
            guard room > 0 else { return look }
            if waits.mayBeWrong(clock) {
                try await queue.bringUploadsForward(within: settlement.longestWaits, of: now)
                waits.areRight()
            }
            look.due = try await queue.dueUploads(at: now, limit: room, excluding: underWay)
            underWay.formUnion(look.due.map(\.id))
            look.foundNothing = look.due.isEmpty
            guard look.due.count < room else { return look }
            let later = try await queue.dueUploads(at: WallTime(nanoseconds: .max), limit: 1, excluding: underWay)
            look.next = later.first?.dueAt
        } catch {
            logger.error("the uploads that are due cannot be read", metadata: ["error": "\(error)"])
            look.next = now.advanced(by: Self.ledgerPause)
        }
        return look
    }
}

/// How uploads are tried, and who hears of them.
package struct UploadRunnerSettings: Sendable {
    /// Waits between the attempts, one fewer than there are attempts.
    package var schedule: [Duration]
    /// Uploads at once.
    package var parallel: Int
    /// Makes events and webhooks of what an upload changes.
    package var reporter: EventReporter

    package init(_ settings: UploadSettings, reporter: EventReporter) {
        schedule = settings.schedule
        parallel = settings.parallel
        self.reporter = reporter
    }
}

// MARK: One attempt

extension UploadRunner {
    private func attempt(_ upload: DeliveryRow, _ observer: any UploadObserver, _ sidecars: any SidecarSource) async {
        if case .upload(let recording, _, _) = upload.work {
            if let sidecar = upload.sidecar {
                await attempt(sidecar, upload, of: recording, sidecars)
            } else {
                await attempt(upload, of: recording, observer, sidecars)
            }
        }
        underWay.remove(upload.id)
        bell.ring()
        webhooks.wake()
    }

    private func attempt(
        _ upload: DeliveryRow, of id: RecordingID, _ observer: any UploadObserver, _ source: any SidecarSource
    ) async {
        guard let recording = await recording(id) else { return }
        // While media is added the row is the recording's own; one that had ended begins again.
        if var begun = recording, begun.state.isFinal || begun.state == .closing {
            begun.state = .uploading
            guard await commit([.recording(begun)]) else { return }
            await observer.recordingChanged(begun)
        }
        let outcome = if let recording { await performer.attempt(upload, of: recording) } else { AttemptOutcome.failed(.impossible) }
        // An attempt that was broken off tells nothing about its destination; one that succeeded before it noticed has succeeded.
        guard !Task.isCancelled || outcome.sentence == nil else { return }
        if outcome.sentence == nil, recording != nil { await registration(of: upload, in: id, source) }
        guard let changes = await settle(upload, of: recording, outcome) else { return }
        for case .delivery(let row) in changes where row.id == upload.id {
            log(row, outcome)
            if row.state == .dead, let recording { await performer.abandon(row, of: recording) }
        }
        for case .recording(let row) in changes { await observer.recordingChanged(row) }
    }

    /// Waits for the event that tells of the file, which is read once for its hash meanwhile: a receiver hears of a file before it hears of the
    /// recording's delivery. As long as it is read, and not for long otherwise: a file that cannot be read has no such event.
    private func registration(of upload: DeliveryRow, in recording: RecordingID, _ source: any SidecarSource) async {
        guard case .upload(_, let file, _) = upload.work else { return }
        var looks = 0
        while true {
            looks += 1
            if looks > Self.registrationLooks, await !source.isBeingRegistered(file) { return }
            guard let segments = try? await ledger.segments(of: recording),
                let segment = segments.first(where: { $0.file == file }), segment.sha256 == nil,
                (try? await clock.sleep(until: clock.now.advanced(by: Self.registrationPause))) != nil
            else { return }
        }
    }

    /// Half a minute in all.
    private static let registrationLooks = 150
    private static let registrationPause: Duration = .milliseconds(200)

    /// Commits what the outcome changes, read and written in one transaction: nothing that was written meanwhile is written over, and of several
    /// segments the one that is settled last ends the recording. nil when the task was cancelled.
    func settle(_ upload: DeliveryRow, of recording: RecordingRow?, _ outcome: AttemptOutcome) async -> [LedgerChange]? {
        let now = clock.now
        guard let recording else {
            let changes = settlement.settle(upload, of: nil, [], outcome, at: now).changes
            return await commit(changes) ? changes : nil
        }
        return await persistently("an outcome cannot be stored") { [ledger, settlement] () async throws(BridgeError) in
            try await ledger.settle(recording.id) { row, segments in
                settlement.settle(upload, of: row, segments, outcome, at: now).changes
            }
        }
    }

    /// The row, `.some(nil)` when there is none or it is damaged, nil when the ledger could not be read before the task was cancelled.
    func recording(_ id: RecordingID) async -> RecordingRow?? {
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

    func commit(_ changes: [LedgerChange]) async -> Bool {
        await persistently("an outcome cannot be stored") { [ledger] () async throws(BridgeError) in try await ledger.commit(changes) }
            != nil
    }

    /// Tries until it works: what was delivered and cannot be recorded would be delivered again. nil when the task was cancelled.
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

    func log(_ upload: DeliveryRow, _ outcome: AttemptOutcome) {
        guard case .upload(let recording, _, let destination) = upload.work else { return }
        var metadata: Logger.Metadata = [
            "delivery": "\(upload.id)", "session": "\(upload.session)", "attempt": "\(upload.attempts)",
            "destination": "\(destination.origin)", "recording": "\(recording)",
        ]
        if let status = outcome.status { metadata["status"] = "\(status)" }
        if let sentence = outcome.sentence { metadata["reason"] = "\(sentence)" }
        switch upload.state {
        case .delivered: logger.info("delivery succeeded", metadata: metadata)
        case .pending: logger.warning("delivery failed and will be tried again", metadata: metadata)
        case .dead: logger.error("delivery given up", metadata: metadata)
        }
    }
}

/// Both halves of the outbox as one service.
package struct OutboxHalves: DeliveryService {
    private let uploads: UploadRunner
    private let webhooks: any DeliveryService
    private let sweeper: UploadSweeper?

    /// `sweeper` is woken with them.
    package init(uploads: UploadRunner, webhooks: any DeliveryService, sweeper: UploadSweeper? = nil) {
        self.uploads = uploads
        self.webhooks = webhooks
        self.sweeper = sweeper
    }

    package func wake() {
        uploads.wake()
        webhooks.wake()
        sweeper?.wake()
    }

    /// Uploads first: their ends make webhooks.
    package func drain(limit: Duration) async -> Bool {
        let end = ContinuousClock.now + limit
        guard await uploads.drain(limit: limit) else { return false }
        return await webhooks.drain(limit: max(.zero, end - .now))
    }
}
