package import Bridge
package import BridgeModel
package import Logging

/// Keeps the table of sessions, their rows and the handles by which the bridge ends them.
package actor SessionRegister {
    private struct Running {
        var row: SessionRow
        var handle: any SessionHandle
    }

    private let ledger: any Ledger
    private let outbox: OutboxWriter
    private let clock: BridgeClock
    private let logger: Logger
    private var table: SessionTable
    private var running: [SessionID: Running] = [:]
    private var isDraining = false

    package init(ledger: any Ledger, outbox: OutboxWriter, limits: SessionTable.Limits, clock: BridgeClock, logger: Logger) {
        self.ledger = ledger
        self.outbox = outbox
        self.clock = clock
        self.logger = logger
        table = SessionTable(limits: limits)
    }

    /// Sessions whose `session_start` was accepted.
    package var runningSessions: [SessionContext] { table.running }

    /// Makes a session for this caller. Throws `limit_reached`, and `unavailable` while the bridge drains.
    package func create(account: AccountID, client: ClientID, direction: SessionContext.Direction, stream: StreamID) throws(BridgeError)
        -> SessionContext
    {
        guard !isDraining else { throw BridgeError(.unavailable, "The bridge is shutting down; try again in a few seconds.") }
        let context = SessionContext(
            session: SessionID(RandomUUID.text()), account: account, client: client, stream: stream, direction: direction)
        try table.create(context, now: clock.now())
        return context
    }

    /// The session, unless it is unknown, over or was never started in time.
    package func context(of id: SessionID) -> SessionContext? { table.context(of: id, now: clock.now()) }

    /// Forgets a session that was created and will not be started; one that runs goes on.
    func discard(_ id: SessionID) {
        if running[id] == nil { table.end(id) }
    }

    /// Makes the session's row and event durable, unless it is a viewer's of whom no webhook tells, and ends the sessions that it replaces.
    /// Throws `not_found` when the session is unknown or expired.
    package func started(_ context: SessionContext, webhookURL: Redacted<String>?, handle: any SessionHandle) async throws(BridgeError) {
        guard table.context(of: context.session, now: clock.now()) != nil else {
            throw BridgeError(.notFound, "The session is unknown or was not started in time; create a new one.")
        }
        let row = SessionRow(context: context, state: .active, webhookURL: webhookURL, createdAt: clock.wall())
        if row.isKept {
            try await ledger.commit([.session(row)] + outbox.changes(for: .sessionStarted(row)))
            outbox.wake()
        }
        running[context.session] = Running(row: row, handle: handle)
        let replaced = table.start(context.session).compactMap { running[$0]?.handle }
        logger.info("session started", metadata: context.metadata)
        guard !replaced.isEmpty else { return }
        // Not awaited here: the older session's own queue ends it, and the new one need not wait for that.
        Task { for handle in replaced { await handle.end(.replaced) } }
    }

    /// Writes the end and its event in one transaction. A ledger that cannot take it is an operator's matter; the session ends all the same
    /// and is reported as `INTERNAL_ERROR` at the next start.
    package func ended(_ context: SessionContext, cause: TerminationCause) async {
        table.end(context.session)
        guard let entry = running.removeValue(forKey: context.session) else { return }
        let row = entry.row.ended(cause, at: clock.wall())
        do throws(BridgeError) {
            if row.isKept {
                try await ledger.commit([.session(row)] + outbox.changes(for: .sessionEnded(row)))
                outbox.wake()
            }
        } catch {
            logger.error("a session's end could not be stored", metadata: context.metadata.adding("error", error.description))
        }
        logger.info("session ended", metadata: context.metadata.adding("cause", cause.rawValue))
    }

    /// Ends the sessions that watch a stream which is over, all at once: one that is slow to end keeps no other waiting.
    package func endWatchers(of stream: StreamID) async {
        await withDiscardingTaskGroup { group in
            for handle in table.watching(stream).compactMap({ running[$0]?.handle }) {
                group.addTask { await handle.end(.monitoredSessionEnded) }
            }
        }
    }

    /// Takes no more sessions.
    package func drain() { isDraining = true }

    /// Sessions that ran when the process died become `TERMINATED` with `INTERNAL_ERROR`. Call once, before anything is served.
    package func recover() async throws(BridgeError) {
        for row in try await ledger.sessions(in: [.created, .active]) {
            let ended = row.ended(.internalError, at: clock.wall())
            try await ledger.commit([.session(ended)] + outbox.changes(for: .sessionEnded(ended)))
            logger.warning("session of an earlier run closed", metadata: row.context.metadata)
        }
        outbox.wake()
    }
}

extension SessionRow {
    /// A viewer of whom no webhook tells leaves nothing behind: thousands come and go, and each row is a write that waits for the disk.
    fileprivate var isKept: Bool { context.direction == .publish || webhookURL != nil }

    fileprivate func ended(_ cause: TerminationCause, at time: WallTime) -> SessionRow {
        var row = self
        row.state = .terminated
        row.cause = cause
        row.endedAt = time
        return row
    }
}

extension SessionContext {
    /// The keys that every log line about a session has.
    var metadata: Logger.Metadata {
        ["session": "\(session)", "stream": "\(stream)", "client": "\(client)", "direction": "\(direction.rawValue)"]
    }
}

extension Logger.Metadata {
    func adding(_ key: String, _ value: String) -> Logger.Metadata {
        merging([key: "\(value)"]) { _, new in new }
    }
}
