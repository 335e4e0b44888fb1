package import Bridge
internal import BridgeModel
internal import Logging

/// Aborts uploads in parts that nothing goes on with, whose parts the user would pay for, or find in a folder: of recordings that came to nothing after
/// parts of them had been sent, of deliveries that were given up while their destination was away, and those whose ids were lost. What is to be aborted is
/// in the ledger, so that a restart goes on.
package final class UploadSweeper: Sendable {
    private let ledger: any UploadLedger & UploadLeftovers
    private let routes: UploadRoutes
    private let lost: LostUploads
    private let clock: any OutboxClock
    private let logger: Logger
    private let bell = Bell()

    /// What is aborted in one look.
    private static let pageLength = 64
    /// Between two looks, if nobody rings.
    private static let interval: Duration = .seconds(60)
    /// When something can be looked at in a moment.
    private static let shortInterval: Duration = .seconds(2)
    /// Between attempts that failed.
    private static let wait = DoublingWait(first: .seconds(30), longest: .seconds(3600))
    /// Two seconds in all.
    private static let stopLooks = 20
    private static let stopPause: Duration = .milliseconds(100)
    /// A week, most of it by the hour: a store that is away for longer does not come back.
    private static let attempts = 175

    /// `routes`: those that began the uploads.
    package init(ledger: any UploadLedger & UploadLeftovers & UploadIntentions, routes: UploadRoutes, environment: OutboxEnvironment) {
        self.ledger = ledger
        self.routes = routes
        clock = environment.clock
        logger = environment.logger
        lost = LostUploads(ledger: ledger, stores: routes.stores, clock: environment.clock, logger: environment.logger)
    }

    /// Works until the task is cancelled. Call it once.
    package func run() async {
        // Whatever made an abort fail may be over: at the start each is tried.
        var isDone = await sweep(dueAt: WallTime(nanoseconds: .max))
        var watch = ClockWatch(clock)
        while !Task.isCancelled {
            await bell.wait(until: clock.now.advanced(by: isDone ? Self.interval : Self.shortInterval), clock)
            isDone = await sweep(dueAt: watch.wasSetBack(clock) ? WallTime(nanoseconds: .max) : clock.now)
        }
    }

    /// Looks for leftovers; returns at once.
    package func wake() { bell.ring() }

    /// One look; false when the next one is worth while soon.
    @discardableResult
    func sweep(dueAt moment: WallTime) async -> Bool {
        do throws(BridgeError) {
            for file in try await ledger.strayUploads() {
                // A part that is under way would lie there after the abort: the next look finds the file again.
                guard await hasStopped(file) else { continue }
                try await ledger.leaveUpload(of: file)
            }
            for leftover in try await ledger.leftovers(dueAt: moment, limit: Self.pageLength) { try await abort(leftover) }
            return try await lost.sweep(dueAt: moment)
        } catch {
            logger.warning("unfinished uploads cannot be looked up", metadata: ["error": "\(error)"])
            return true
        }
    }

    /// Waits for a part that is under way, but not for a destination that hangs.
    private func hasStopped(_ file: String) async -> Bool {
        for _ in 0..<Self.stopLooks {
            if await routes.streams.stop(file) { return true }
            guard (try? await clock.sleep(until: clock.now.advanced(by: Self.stopPause))) != nil else { return false }
        }
        return false
    }

    private func abort(_ leftover: LeftoverUpload) async throws(BridgeError) {
        let metadata: Logger.Metadata = [
            "recording": "\(leftover.origin.recording)", "place": "\(leftover.upload.location)", "attempt": "\(leftover.attempts + 1)",
        ]
        if await routes.abort(leftover) {
            logger.info("unfinished upload aborted", metadata: metadata)
            return try await ledger.forget(leftover)
        }
        guard leftover.attempts + 1 < Self.attempts else {
            logger.error(
                "an unfinished upload could not be removed for a week: abort it at the store, or remove the hidden .part file where it lies",
                metadata: metadata)
            return try await ledger.forget(leftover)
        }
        logger.debug("unfinished upload not aborted yet", metadata: metadata)
        try await ledger.postpone(leftover, until: clock.now.advanced(by: Self.wait.after(leftover.attempts)))
    }
}
