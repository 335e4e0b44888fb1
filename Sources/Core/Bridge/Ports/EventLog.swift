package import BridgeModel

/// The events that the ledger holds. They are written by `Ledger.commit`; whoever reads them here in order misses none, since their sequence is the order
/// of the commits. Implemented by StoragePlane.
package protocol EventLog: Sendable {
    /// The events that follow the sequence `after` (0: from the first), in order, at most `limit`; of one session only, when it is given.
    func events(after: Int64, limit: Int, session: SessionID?) async throws(BridgeError) -> EventPage
    /// Facts that began and did not end, oldest first.
    func openFacts() async throws(BridgeError) -> [OpenFact]
}

/// The webhooks of the outbox as the operator sees them. Implemented by StoragePlane.
package protocol DeliveryArchive: Sendable {
    /// Newest first, at most `limit`, in this state (nil: in any); with `after`, those that are older than that one (none when it is unknown).
    func webhooks(in state: DeliveryRow.State?, limit: Int, after: DeliveryID?) async throws(BridgeError) -> [DeliveryRow]
    /// One of them; nil when there is none of this id.
    func webhook(_ id: DeliveryID) async throws(BridgeError) -> DeliveryRow?
    /// Its attempts, oldest first; empty also when it is unknown.
    func attempts(of id: DeliveryID) async throws(BridgeError) -> [AttemptRecord]
    /// Makes a webhook that ended due again, with its id, its bytes and a whole schedule; one that is pending stays as it is. The row as it is
    /// then, nil when there is none.
    func revive(_ id: DeliveryID, at now: WallTime) async throws(BridgeError) -> DeliveryRow?
    /// As `revive`, for all that were given up; how many.
    func reviveDead(at now: WallTime) async throws(BridgeError) -> Int
}

/// Events and webhooks, as the native API shows and commands them. Implemented by ControlPlane.
package protocol DeliveryCommands: Sendable {
    /// See `EventLog.events`.
    func events(after: Int64, limit: Int, session: SessionID?) async throws(BridgeError) -> EventPage
    /// See `DeliveryArchive.webhooks`.
    func deliveries(in state: DeliveryRow.State?, limit: Int, after: DeliveryID?) async throws(BridgeError) -> [DeliveryRow]
    /// A webhook and its attempts; nil when there is none of this id.
    func delivery(_ id: DeliveryID) async throws(BridgeError) -> (row: DeliveryRow, attempts: [AttemptRecord])?
    /// Sends a webhook again; the row as it is then, nil when there is none.
    func redeliver(_ id: DeliveryID) async throws(BridgeError) -> DeliveryRow?
    /// Sends all again that were given up; how many.
    func redeliverDead() async throws(BridgeError) -> Int
}
