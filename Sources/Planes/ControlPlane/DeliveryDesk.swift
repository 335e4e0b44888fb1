package import Bridge
package import BridgeModel

/// The native API's view of events and webhooks: questions go to the ledger, and what is to be sent again to the delivery service.
package struct DeliveryDesk: DeliveryCommands {
    private let log: any EventLog
    private let archive: any DeliveryArchive
    private let service: any DeliveryService
    private let clock: BridgeClock

    package init(log: any EventLog, archive: any DeliveryArchive, service: any DeliveryService, clock: BridgeClock) {
        self.log = log
        self.archive = archive
        self.service = service
        self.clock = clock
    }

    package func events(after: Int64, limit: Int, session: SessionID?) async throws(BridgeError) -> EventPage {
        try await log.events(after: after, limit: limit, session: session)
    }

    package func deliveries(in state: DeliveryRow.State?, limit: Int, after: DeliveryID?) async throws(BridgeError) -> [DeliveryRow] {
        try await archive.webhooks(in: state, limit: limit, after: after)
    }

    package func delivery(_ id: DeliveryID) async throws(BridgeError) -> (row: DeliveryRow, attempts: [AttemptRecord])? {
        guard let row = try await archive.webhook(id) else { return nil }
        return (row, try await archive.attempts(of: id))
    }

    package func redeliver(_ id: DeliveryID) async throws(BridgeError) -> DeliveryRow? {
        defer { service.wake() }
        return try await archive.revive(id, at: clock.wall())
    }

    package func redeliverDead() async throws(BridgeError) -> Int {
        defer { service.wake() }
        return try await archive.reviveDead(at: clock.wall())
    }
}
