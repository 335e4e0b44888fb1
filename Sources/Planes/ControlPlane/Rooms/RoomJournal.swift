package import Bridge
package import BridgeModel
package import Logging

/// Writes what happens in rooms into the log of events. Rooms live in memory only: their events are all that is durable of them, and what a process
/// that died left open is ended by the next.
package struct RoomJournal: Sendable {
    /// An event and where it happened.
    struct Entry: Sendable {
        var room: RoomID
        var account: AccountID
        var event: RoomEvent
    }

    private let ledger: any Ledger & EventLog
    private let outbox: OutboxWriter
    private let writer: EventWriter
    private let entries: AsyncStream<Entry>
    private let mailbox: AsyncStream<Entry>.Continuation

    package init(ledger: any Ledger & EventLog, outbox: OutboxWriter, clock: BridgeClock, logger: Logger) {
        self.ledger = ledger
        self.outbox = outbox
        writer = EventWriter(ledger: ledger, outbox: outbox, clock: clock, logger: logger)
        (entries, mailbox) = AsyncStream.makeStream()
    }

    /// Ends the rooms of an earlier run with all that was in them, inner things first. Call once, before anything is served.
    package func recover() async throws(BridgeError) {
        let open = try await ledger.openFacts().filter { EventKind.roomBeginnings.contains($0.kind) }
        guard !open.isEmpty else { return }
        try await ledger.commit(outbox.changes(ending: open.reversed()))
        outbox.wake()
    }

    /// Takes an event; it is written in its turn, while the room goes on.
    func post(_ entry: Entry) { mailbox.yield(entry) }

    /// No event follows: `run` returns when those that came are written.
    package func finish() { mailbox.finish() }

    /// Writes until `finish`, or until the task is cancelled. Call it once.
    package func run() async {
        for await entry in entries { await writer.write(.room(entry.room, entry.account, entry.event)) }
    }
}
