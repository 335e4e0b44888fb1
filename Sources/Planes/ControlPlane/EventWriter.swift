internal import Bridge
internal import BridgeModel
internal import Logging

/// Writes events into the log one after another and tries until it works: an event that is left out could never be told.
struct EventWriter: Sendable {
    let ledger: any Ledger
    let outbox: OutboxWriter
    let clock: BridgeClock
    let logger: Logger

    /// The pause after the ledger failed.
    private static let pause = Duration.seconds(1)

    /// Returns when the event is durable, or the task is cancelled.
    func write(_ event: BridgeEvent) async {
        let changes = outbox.changes(for: event)
        while true {
            do throws(BridgeError) {
                try await ledger.commit(changes)
                return outbox.wake()
            } catch {
                logger.error("an event could not be stored", metadata: ["error": "\(error.description)"])
            }
            guard (try? await clock.pause(Self.pause)) != nil else { return }
        }
    }
}
