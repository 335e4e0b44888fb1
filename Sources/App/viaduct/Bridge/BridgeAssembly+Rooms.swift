import AccessPlane
import Bridge
import BridgeAPI
import BridgeModel
import ControlPlane
import DeliveryPlane
import MediaPlane
import SignalingPlane
import StoragePlane

/// Conferences on the bridge.
struct BridgeRooms {
    /// The door and the commands of rooms.
    let directory: RoomDirectory
    let links: any RoomLinks
    let journal: RoomJournal
    /// What is recorded of rooms.
    let recorder: RoomRecorder
    let sockets: RoomSocketService
    /// Cameras that obey, and their agents' sockets.
    let cameras: CameraRegistry
    let cameraSockets: CameraSocketService

    /// What the native API needs of them.
    var ports: RoomPorts { RoomPorts(rooms: directory, links: links, recordings: recorder) }

    /// Tells rooms what happens to the agents of cameras, in order.
    func followCameras() async { for await change in cameras.changes { await directory.cameraChanged(change) } }

    /// Ends all rooms; returns when everybody was told, and the log has it.
    func shutDown() async {
        await directory.shutDown()
        await cameras.shutDown()
        cameraSockets.shutdown()
        sockets.shutdown()
        journal.finish()
    }
}

extension BridgeAssembly {
    /// What rooms are recorded by.
    static func roomRecorder(
        _ settings: Settings, _ services: RecordingServices, _ recordings: (director: RecordingDirector, deletions: DeletionRunner),
        _ ledger: SQLiteLedger, _ clips: any ClipCommands, pictures: (tracks: any TrackPictures, rooms: any RoomComposites)
    ) -> RoomRecorder {
        let retention = settings.recording.retention
        return RoomRecorder(
            RoomRecordingServices(
                services, recordings: recordings.director, ledger: ledger, clips: clips, composites: pictures.rooms,
                keeping: (RetentionSettings(rule: RetentionRule(retention), interval: retention.interval), recordings.deletions),
                folder: settings.dataFolder + "/rooms", spool: settings.dataFolder + "/spool"), pictures: pictures.tracks)
    }

    /// Rooms, where there is an engine that moves their media; without it there are none, and no route to them.
    static func rooms(
        _ settings: Settings, _ services: RecordingServices, _ ledger: SQLiteLedger, _ keys: SQLiteKeyStore,
        media: (edge: EdgeEngine, streams: StreamRegister, views: RoomViewsRelay, mixes: any RoomMixes & RoomComposites)?,
        recorder: RoomRecorder
    ) -> BridgeRooms? {
        guard let media else { return nil }
        let logger = services.logger.named("rooms")
        let parts = RoomMediaDirector.Parts(
            edge: media.edge, hub: services.hub, streams: media.streams, clock: services.clock, logger: logger)
        let links = JWTAuthority(store: keys, now: { SystemTime.wall })
        let journal = RoomJournal(ledger: ledger, outbox: services.outbox, clock: services.clock, logger: services.logger)
        let cameras = CameraRegistry(journal: journal, clock: services.clock, logger: logger)
        let directory = RoomDirectory(
            RoomServices(
                makeMedia: { RoomMediaDirector(parts) }, links: links, journal: journal, recorder: recorder, cameras: cameras,
                mixes: media.mixes, pictures: media.mixes, clock: services.clock, logger: logger),
            limits: .init(
                roomsOfAccount: settings.rooms.perAccount, participantsOfAccount: settings.rooms.participantsPerAccount))
        media.views.attach(directory)
        let sockets = RoomSocketService(directory, clock: RTMClock(services.clock), logger: logger)
        return BridgeRooms(
            directory: directory, links: links, journal: journal, recorder: recorder, sockets: sockets, cameras: cameras,
            cameraSockets: CameraSocketService(cameras, clock: RTMClock(services.clock), logger: logger))
    }
}
