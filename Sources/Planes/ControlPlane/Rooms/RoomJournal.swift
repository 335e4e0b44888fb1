package import Bridge
package import BridgeModel
package import Logging

/// Writes what happens in rooms, and to the agents of cameras, into the log of events. Both live in memory only: their events are all that is durable
/// of them, and what a process that died left open is ended by the next.
package struct RoomJournal: Sendable {
    private let ledger: any Ledger & EventLog
    private let outbox: OutboxWriter
    private let writer: EventWriter
    private let events: AsyncStream<BridgeEvent>
    private let mailbox: AsyncStream<BridgeEvent>.Continuation

    package init(ledger: any Ledger & EventLog, outbox: OutboxWriter, clock: BridgeClock, logger: Logger) {
        self.ledger = ledger
        self.outbox = outbox
        writer = EventWriter(ledger: ledger, outbox: outbox, clock: clock, logger: logger)
        (events, mailbox) = AsyncStream.makeStream()
    }

    /// Ends the rooms of an earlier run with all that was in them, inner things first, and the presence of its cameras. Call once, before anything is served.
    package func recover() async throws(BridgeError) {
        let open = try await ledger.openFacts().filter { EventKind.roomBeginnings.contains($0.kind) }
        guard !open.isEmpty else { return }
        try await ledger.commit(outbox.changes(ending: open.reversed()))
        outbox.wake()
    }

    /// Takes an event; it is written in its turn, while whoever posts it goes on.
    func post(_ event: BridgeEvent) { mailbox.yield(event) }

    /// No event follows: `run` returns when those that came are written.
    package func finish() { mailbox.finish() }

    /// Writes until `finish`, or until the task is cancelled. Call it once.
    package func run() async {
        for await event in events { await writer.write(event) }
    }
}
