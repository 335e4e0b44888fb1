package import Bridge
package import BridgeModel
package import Logging

/// Writes the beginnings and ends of streams into the log of events. A stream lives in memory only: its event is all that is durable of it, and
/// what a process that died left open is ended by the next.
package struct StreamJournal: Sendable {
    private let ledger: any Ledger & EventLog
    private let outbox: OutboxWriter
    private let writer: EventWriter
    private let changes: AsyncStream<StreamTable.Change>
    private let mailbox: AsyncStream<StreamTable.Change>.Continuation

    package init(ledger: any Ledger & EventLog, outbox: OutboxWriter, clock: BridgeClock, logger: Logger) {
        self.ledger = ledger
        self.outbox = outbox
        writer = EventWriter(ledger: ledger, outbox: outbox, clock: clock, logger: logger)
        (changes, mailbox) = AsyncStream.makeStream()
    }

    /// Ends the streams of an earlier run. Call once, before anything is served; sessions are ended by their rows.
    package func recover() async throws(BridgeError) {
        let streams = try await ledger.openFacts().filter { $0.kind == .streamStarted }
        guard !streams.isEmpty else { return }
        try await ledger.commit(outbox.changes(ending: streams))
        outbox.wake()
    }

    /// Takes a change; it is written in its turn, while the caller goes on.
    package func post(_ change: StreamTable.Change) { mailbox.yield(change) }

    /// No change follows: `run` returns when those that came are written.
    package func finish() { mailbox.finish() }

    /// Writes until `finish`, or until the task is cancelled. Call it once.
    package func run() async {
        var contexts: [StreamID: SessionContext] = [:]
        for await change in changes {
            switch change {
            case .started(let stream), .returned(let stream):
                contexts[stream.id] = stream.context
                await writer.write(.streamStarted(stream.context, tracks: stream.tracks))
            case .ended(let id):
                if let context = contexts.removeValue(forKey: id) { await writer.write(.streamEnded(context)) }
            // It may return; nobody is told yet.
            case .lost: break
            }
        }
    }
}
