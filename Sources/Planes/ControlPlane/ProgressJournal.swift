package import Bridge
internal import BridgeModel
package import Logging

/// Collects what recorders have made durable and tells the ledger about all of it at once: one synchronised commit now and then, not one for each
/// fragment of each recording. What it holds is on the disk already; the ledger is behind by `interval` at most.
package actor ProgressJournal {
    private struct Key: Hashable {
        let recording: RecordingID
        let number: Int
    }

    private let ledger: any Ledger
    private let clock: BridgeClock
    private let logger: Logger
    private var pending: [Key: SegmentRow] = [:]
    private var writer: Task<Void, Never>?

    /// How long a word waits for others.
    private static let interval = Duration.milliseconds(500)

    package init(ledger: any Ledger, clock: BridgeClock, logger: Logger) {
        self.ledger = ledger
        self.clock = clock
        self.logger = logger
    }

    /// More of this segment is durable.
    package func note(_ segment: SegmentRow) {
        pending[Key(recording: segment.recording, number: segment.number)] = segment
        guard writer == nil else { return }
        writer = Task { [weak self, clock] in
            try? await clock.pause(Self.interval)
            await self?.write()
        }
    }

    private func write() async {
        let rows = Array(pending.values)
        pending = [:]
        writer = nil
        do throws(BridgeError) {
            try await ledger.commit(rows.map { .progress($0) })
        } catch {
            // The next fragments bring newer figures; the files themselves are safe.
            logger.warning("the progress of recordings could not be stored", metadata: ["error": "\(error)"])
        }
    }
}
