import AccessPlane
import Bridge
import BridgeAPI
import BridgeModel
import ControlPlane
import MediaPlane
import SignalingPlane
import StoragePlane

/// Conferences on the bridge.
struct BridgeRooms {
    /// The door and the commands of rooms.
    let directory: RoomDirectory
    let links: any RoomLinks
    let journal: RoomJournal
    let sockets: RoomSocketService

    /// What the native API needs of them.
    var ports: RoomPorts { RoomPorts(rooms: directory, links: links) }

    /// Ends all rooms; returns when everybody was told, and the log has it.
    func shutDown() async {
        await directory.shutDown()
        sockets.shutdown()
        journal.finish()
    }
}

extension BridgeAssembly {
    /// Rooms, where there is an engine that moves their media; without it there are none, and no route to them.
    static func rooms(
        _ settings: Settings, _ services: RecordingServices, _ ledger: SQLiteLedger, _ keys: SQLiteKeyStore,
        media: (edge: EdgeEngine, streams: StreamRegister)?
    ) -> BridgeRooms? {
        guard let media else { return nil }
        let logger = services.logger.named("rooms")
        let parts = RoomMediaDirector.Parts(
            edge: media.edge, hub: services.hub, streams: media.streams, clock: services.clock, logger: logger)
        let links = JWTAuthority(store: keys, now: { SystemTime.wall })
        let journal = RoomJournal(ledger: ledger, outbox: services.outbox, clock: services.clock, logger: services.logger)
        let directory = RoomDirectory(
            RoomServices(
                makeMedia: { RoomMediaDirector(parts) }, links: links, journal: journal, clock: services.clock, logger: logger),
            limits: .init(
                roomsOfAccount: settings.rooms.perAccount, participantsOfAccount: settings.rooms.participantsPerAccount))
        let sockets = RoomSocketService(directory, clock: RTMClock(services.clock), logger: logger)
        return BridgeRooms(directory: directory, links: links, journal: journal, sockets: sockets)
    }
}
