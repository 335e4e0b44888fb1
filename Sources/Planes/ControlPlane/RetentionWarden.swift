package import Bridge
internal import BridgeModel
package import Logging

/// Holds the recordings of each stream against its rule, now and then and after each delivery, and decides what goes. What it decides is durable, and carried
/// out by the deletion service.
package actor RetentionWarden: UploadObserver {
    private let ledger: any Ledger & SegmentLedger & RetentionLedger
    private let deletions: any DeletionService
    private let next: any UploadObserver
    private let settings: RetentionSettings
    private let clock: BridgeClock
    private let logger: Logger

    /// Deletions that are decided in one go; the rest follows.
    private static let batch = 100

    /// `next`: hears of uploads first.
    package init(
        ledger: any Ledger & SegmentLedger & RetentionLedger, deletions: any DeletionService, next: any UploadObserver,
        settings: RetentionSettings, clock: BridgeClock, logger: Logger
    ) {
        self.ledger = ledger
        self.deletions = deletions
        self.next = next
        self.settings = settings
        self.clock = clock
        self.logger = logger
    }

    /// Looks at all streams, again and again, until the task is cancelled. Call it once.
    package func run() async {
        while !Task.isCancelled {
            await sweep()
            guard (try? await clock.pause(settings.interval)) != nil else { return }
        }
    }

    package func recordingChanged(_ row: RecordingRow) async {
        await next.recordingChanged(row)
        guard row.state == .delivered else { return }
        await attempt(row.context.stream)
    }

    /// Looks at all streams once.
    package func sweep() async {
        do throws(BridgeError) {
            let own = try await ledger.retentionRules()
            guard settings.rule.isLimiting || !own.isEmpty else { return }
            let streams = settings.rule.isLimiting ? try await ledger.recordedStreams() : own.keys.sorted { $0.rawValue < $1.rawValue }
            for stream in streams where !Task.isCancelled { try await enforce(own[stream] ?? settings.rule, on: stream) }
        } catch {
            complain(error)
        }
    }

    private func attempt(_ stream: StreamID) async {
        do throws(BridgeError) {
            try await enforce(try await ledger.retentionRule(of: stream) ?? settings.rule, on: stream)
        } catch {
            complain(error)
        }
    }

    private func enforce(_ rule: RetentionRule, on stream: StreamID) async throws(BridgeError) {
        guard rule.isLimiting else { return }
        let now = clock.wall()
        let found = try await ledger.remaining(of: stream, delivered: rule.includesDestination)
        let remaining = found.filter { $0.localBytes > 0 || $0.row.hasRemovableCopy }
        let rows = Dictionary(remaining.map { ($0.row.id, $0.row) }, uniquingKeysWith: { $1 })
        let recordings = remaining.map { RetainedRecording($0.row, localBytes: $0.localBytes) }
        let verdicts = rule.verdicts(on: recordings, now: now).prefix(Self.batch)
        for verdict in verdicts {
            guard let row = rows[verdict.id] else { continue }
            let order = DeletionOrder(
                by: .retention, cause: verdict.cause.rawValue, includesDestination: rule.includesDestination && row.hasRemovableCopy)
            // What was held or sent again meanwhile stays: the row of the transaction decides.
            try await ledger.settle(verdict.id) { row, segments in (try? row.removal(order, segments, at: now).get()) ?? [] }
        }
        guard !verdicts.isEmpty else { return }
        logger.info("retention gives recordings up", metadata: ["stream": "\(stream)", "count": "\(verdicts.count)"])
        deletions.wake()
    }

    private func complain(_ error: BridgeError) {
        logger.error("retention could not look at the recordings and tries again later", metadata: ["error": "\(error.description)"])
    }
}

/// The configured rule, and how often it is asked.
package struct RetentionSettings: Sendable {
    package var rule: RetentionRule
    package var interval: Duration

    package init(rule: RetentionRule, interval: Duration) {
        self.rule = rule
        self.interval = interval
    }
}

extension RetainedRecording {
    fileprivate init(_ row: RecordingRow, localBytes: Int64) {
        let standing: Standing =
            if row.hold != nil {
                .held
            } else if !row.state.isFinal {
                .busy
            } else {
                row.state == .failed && row.destination != .keep ? .undelivered : .complete
            }
        self.init(
            id: row.id, endedAt: row.state.isRunning ? nil : row.stoppedAt ?? row.startedAt,
            bytes: localBytes > 0 ? localBytes : row.sizeBytes ?? 0,
            standing: standing)
    }
}
