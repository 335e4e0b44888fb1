import AccessPlane
import Bridge
import BridgeAPI
import BridgeConfiguration
import BridgeModel
import ControlPlane
import DeliveryPlane
import EyesonDialect
import FoundationEssentials
import HTTPCore
import LinuxIO
import Logging
import MediaPlane
import PipelinePlane
import PlaybackPlane
import RecordingPlane
import SecureTransport
import Signaling
import SignalingPlane
import StoragePlane

/// The parts of the bridge, each given what it stands on; nothing runs yet but the hub's and the pipelines' threads.
struct BridgeAssembly {
    let ledger: SQLiteLedger
    let keys: SQLiteKeyStore
    let spool: RecordingSpool
    /// Nil where inbound peers are webrtcbin's.
    let edgePort: OpenEdge?
    private let edge: EdgeEngine?
    let hub: Hub
    let supervisor: PipelineSupervisor
    let streams: StreamRegister
    let sessions: SessionRegister
    let recordings: RecordingDirector
    let recordingServices: RecordingServices
    let triggers: TriggerDirector
    let rtm: RTMSocketService
    let whip: WHIPService
    let webhooks: WebhookRunner
    let journal: StreamJournal
    let uploads: UploadRunner
    let sweeper: UploadSweeper
    let deletions: DeletionRunner
    /// What cameras have sent a part of.
    let footage: FootageFolder
    /// Hears of uploads, and lets recordings go.
    let retention: RetentionWarden
    private let keeper: RecordingKeeper
    /// Streams that are published elsewhere.
    let conferences: ConferenceDirector
    /// Conferences here; nil where no engine moves their media.
    let rooms: BridgeRooms?
    private let views = RoomViewsRelay()
    /// Streams made of several; the mixes of rooms, too.
    let composites: CompositeDirector
    /// Uploads and webhooks.
    let deliveries: OutboxHalves
    private let destinations: SQLiteDestinationStore
    private let routes: UploadRoutes
    let identity: DTLSIdentity
    let library: BridgeAPI.Library
    let clips: ClipService
    let snapshots: SnapshotService
    private let clock: BridgeClock
    /// Two bridges on one data folder would end each other's sessions and take each other's recordings.
    private let lock: ProcessLock

    /// Opens the data folder and starts the threads. Throws what the operator has to correct.
    init(_ settings: Settings, logger: Logger) throws {
        let clock = try SystemTime.clock(TimerQueue(name: "timers"))
        let database = try StorageDatabase(dataFolder: settings.dataFolder)
        guard let lock = try ProcessLock(path: settings.dataFolder + "/bridge.lock") else {
            throw OperatorError("Another bridge runs on the data folder \(settings.dataFolder); stop it, or set data.folder.")
        }
        (self.lock, self.clock) = (lock, clock)
        let ledger = SQLiteLedger(database, logger: logger.named("storage"))
        let spool = Self.spool(settings, ledger: ledger, logger: logger.named("spool"))
        let certificate = try Self.certificate(settings)
        let options = HubOptions(workers: Self.workers(settings))
        edgePort = settings.webrtc.inbound == .edge ? try OpenEdge(settings, certificate: certificate, workers: options.workers) : nil
        let hub = try Hub(options: options, edge: edgePort?.site)
        let supervisor = try Self.supervisor(settings, logger: logger.named("pipelines"))
        let client = try EgressClient(
            rules: AddressRules(settings.webhooks), resolver: SystemNameResolver(), connectTimeout: settings.uploads.connectTimeout,
            trustRoots: Self.trust(settings).map { [$0] } ?? [])
        let webhooks = try Self.webhooks(settings, ledger: ledger, client: client, logger: logger.named("delivery"))
        routes = UploadRoutes(
            spoolFolder: spool.layout.folder, client: client, ledger: ledger, settings: settings.uploads, clock: SystemOutboxClock())
        let uploads = UploadRunner(
            ledger: ledger, performer: routes, settings: UploadRunnerSettings(settings.uploads, reporter: Self.reporter(settings)),
            webhooks: webhooks, environment: OutboxEnvironment(logger: logger.named("delivery")))
        sweeper = UploadSweeper(ledger: ledger, routes: routes, environment: OutboxEnvironment(logger: logger.named("delivery")))
        deliveries = OutboxHalves(uploads: uploads, webhooks: webhooks, sweeper: sweeper)
        let writer = OutboxWriter(reporter: Self.reporter(settings), clock: clock, service: deliveries)
        journal = StreamJournal(ledger: ledger, outbox: writer, clock: clock, logger: logger.named("streams"))
        (destinations, keys) = (SQLiteDestinationStore(database), SQLiteKeyStore(database))
        let (identity, edge) = (DTLSIdentity(certificate), EdgeEngine(of: hub))
        self.edge = edge
        let streams = StreamRegister(hub: hub, edge: edge, clock: clock)
        let limits = SessionTable.Limits(runningPerAccount: settings.streamrec.sessionsPerAccount)
        let sessions = SessionRegister(ledger: ledger, outbox: writer, limits: limits, clock: clock, logger: logger.named("sessions"))
        let services = RecordingServices(
            launcher: supervisor, hub: hub, files: spool, ledger: ledger, outbox: writer,
            destinations: DestinationDirectory(
                store: destinations, configured: settings.recording.destination, sidecars: settings.recording.sidecars),
            streaming: routes.streaming, clock: clock, settings: settings.recording, logger: logger.named("recording"))
        let recordings = RecordingDirector(services: services)
        triggers = TriggerDirector(
            services: services, recordings: recordings, store: SQLiteTriggerStore(database, logger: logger.named("storage")),
            zones: SystemTimeZones())
        let director = edge.map { EdgeDirector(edge: $0, hub: hub, streams: streams, clock: clock, logger: logger.named("peers")) }
        let peers: any PeerEngine =
            if let director {
                director
            } else {
                PeerDirector(
                    launcher: supervisor, hub: hub, streams: streams, identity: identity, ice: IceSettings(settings), clock: clock,
                    logger: logger.named("peers"))
            }
        let sessionServices = BridgeSessionServices(sessions: sessions, streams: streams, peers: peers, recordings: recordings)
        rtm = RTMSocketService(
            Self.rtmPorts(sessionServices, peers, sessions), settings: RTMSettings(settings), clock: RTMClock(clock),
            logger: logger.named("signaling"))
        whip = WHIPService(
            ports: WHIPPorts(
                services: sessionServices, engine: peers, offering: director, directory: sessions,
                publisher: { id in await streams.live.first { $0.id == id }?.context }, viewers: { await sessions.viewers(of: $0) }),
            settings: WHIPSettings(settings), clock: RTMClock(clock), logger: logger.named("whip"))
        composites = Self.composites(services, ledger, streams, views, folder: settings.dataFolder)
        (library, clips, snapshots) = try Self.library(settings, ledger: ledger, clips: SQLiteClips(database), spool: spool) { playback in
            Self.snapshots(settings, supervisor, (hub, streams), playback, clock)
        }
        footage = FootageFolder(folder: settings.dataFolder + "/footage", patience: settings.recording.keepPartial, spool: spool)
        deletions = Self.deletions(settings, .init(ledger: ledger, spool: spool, destinations: routes, webhooks: webhooks), logger)
        let recorder = Self.roomRecorder(
            settings, services, (recordings, deletions), ledger, clips, pictures: (snapshots, composites))
        rooms = Self.rooms(
            settings, services, ledger, keys, media: edge.map { [views, composites] in ($0, streams, views, composites) },
            recorder: recorder)
        (self.ledger, self.spool, self.hub, self.supervisor) = (ledger, spool, hub, supervisor)
        (recordingServices, self.webhooks, self.uploads) = (services, webhooks, uploads)
        (retention, keeper) = Self.keeping(
            services, ledger: ledger, recordings: recordings, deletions: deletions, destinations: destinations)
        conferences = Self.conferences(
            services, (streams, rooms?.cameras), (ledger, database), client, Self.outwardTransport(settings, identity: identity))
        (self.streams, self.sessions, self.recordings, self.identity) = (streams, sessions, recordings, identity)
    }

    private static func snapshots(
        _ settings: Settings, _ supervisor: PipelineSupervisor, _ media: (hub: Hub, streams: StreamRegister),
        _ playback: any StreamPlayback, _ clock: BridgeClock
    ) -> SnapshotService {
        SnapshotService(
            services: .init(
                launcher: supervisor, hub: media.hub, stream: { id in await media.streams.live.first { $0.id == id } }, playback: playback,
                clock: clock),
            folder: settings.dataFolder + "/pictures", decoders: settings.pipelines.pictures)
    }

    /// A token opens the sessions of its own account and client alone.
    private static func rtmPorts(_ services: BridgeSessionServices, _ peers: any PeerEngine, _ sessions: SessionRegister) -> RTMPorts {
        RTMPorts(services: services, layers: peers) { id, grant in
            guard let context = await sessions.session(id), context.account == grant.account, context.client == grant.client else {
                return nil
            }
            return context
        }
    }

    /// The routes and sockets of the port. `statistics`: what the web server counts.
    func frontDoor(
        _ settings: Settings, extra: [Route], statistics: @escaping @Sendable () -> [MetricSample], logger: Logger
    ) -> FrontDoor {
        let authority = JWTAuthority(store: keys, now: { SystemTime.wall })
        let iceServers = Self.iceServers(settings)
        let operations = Operations(
            services: recordingServices, sessions: sessions, recordings: recordings, edge: edge,
            others: { [webhooks] in await webhooks.samples() + statistics() })
        let catalog = RecordingCatalog(director: recordings, streams: streams, ledger: ledger, files: spool, now: clock.now)
        let streamCatalog = LiveStreamCatalog(streams: streams, hub: hub) { [sessions] in await sessions.viewers(of: $0) }
        let native = BridgeAPI(
            .init(
                authority: authority, directory: sessions, streams: streamCatalog, recordings: catalog,
                destinations: (destinations, routes), operations: operations, library: library,
                deliveries: DeliveryDesk(log: ledger, archive: ledger, service: webhooks, clock: clock), triggers: triggers,
                keeping: keeper, conferences: conferences, composites: (composites, composites), rooms: rooms?.ports,
                cameras: rooms?.cameras,
                footage: FootageDesk(
                    files: footage, director: recordings,
                    services: recordingServices)),
            iceServers: iceServers, clock: clock, settings: settings, publicAccount: .anonymous)
        let eyeson = EyesonDialect(
            .init(authority: authority, directory: sessions, iceServers: iceServers, clock: clock), settings: settings)
        let whipAPI = WHIPAPI(
            whip, authority: authority, cameras: rooms?.cameras, iceServers: iceServers, clock: clock,
            settings: (bridge: settings, publicAccount: .anonymous))
        return FrontDoor(
            eyeson: eyeson, native: (native, whipAPI), rtm: rtm, rooms: rooms?.sockets, cameras: rooms?.cameraSockets, extra: extra,
            logger: logger.named("front-door"))
    }

    // MARK: - Pieces

    private static func workers(_ settings: Settings) -> Int {
        settings.webrtc.workers > 0 ? settings.webrtc.workers : HostFacts.usableCores
    }

    /// What is told of events, and whom.
    static func reporter(_ settings: Settings) -> EventReporter {
        EventReporter(translators: [EyesonEventTranslator()], receiver: settings.webhooks.url)
    }

    private static func spool(_ settings: Settings, ledger: SQLiteLedger, logger: Logger) -> RecordingSpool {
        var limits = RecordingSpool.Limits(
            reserve: Int64(settings.recording.freeSpaceReserve), quota: Int64(settings.recording.quota),
            writesManifests: settings.recording.manifest)
        limits.others = [settings.dataFolder + "/rooms", settings.dataFolder + "/footage"]
        return RecordingSpool(
            folder: settings.dataFolder + "/spool", limits: limits,
            retention: .init(delivered: settings.uploads.keepDelivered, failed: settings.uploads.keepFailed), ledger: ledger, logger: logger
        )
    }

    private static func supervisor(_ settings: Settings, logger: Logger) throws -> PipelineSupervisor {
        let program = try ChildProgram(settings.pipelines, dataFolder: settings.dataFolder)
        return try PipelineSupervisor(
            settings: settings.pipelines, executable: program.executable, environment: program.environment, logger: logger)
    }

    private static func webhooks(
        _ settings: Settings, ledger: SQLiteLedger, client: EgressClient, logger: Logger
    ) throws -> WebhookRunner {
        // One that could never be reached is the operator's to correct, before events wait for it.
        if !settings.webhooks.url.revealed.isEmpty {
            _ = try DeliveryURL(parsing: settings.webhooks.url, rules: AddressRules(settings.webhooks))
        }
        let stored = try SecretFolder(dataFolder: settings.dataFolder).read("webhook.secret") {
            Redacted(Array(WebhookSecret.make().revealed.utf8))
        }
        let signer = try WebhookSigner(settings.webhooks, stored: Redacted(String(decoding: stored.revealed, as: UTF8.self)))
        return WebhookRunner(
            queue: ledger, sender: HTTPWebhookSender(client: client, signer: signer, timeout: settings.webhooks.timeout),
            terms: WebhookTerms(settings.webhooks), environment: OutboxEnvironment(logger: logger))
    }

    private static func certificate(_ settings: Settings) throws -> Certificate {
        if settings.webrtc.inbound == .edge { try OpenEdge.checkCiphers() }
        return try Certificate.makeSelfSigned()
    }
}

extension DTLSIdentity {
    init(_ certificate: Certificate) {
        self.init(
            pem: Redacted(certificate.pem),
            fingerprint: Fingerprint(algorithm: certificate.fingerprint.algorithm, value: certificate.fingerprint.value))
    }
}

extension IceSettings {
    /// A bridge that serves this machine only offers its media there too.
    init(_ settings: Settings) {
        let isLocal = ["127.0.0.1", "::1"].contains(settings.http.bind)
        self.init(
            addresses: settings.webrtc.addresses.isEmpty && isLocal ? [settings.http.bind] : settings.webrtc.addresses,
            ports: settings.webrtc.ports, stunServer: settings.webrtc.stunServer.isEmpty ? nil : settings.webrtc.stunServer)
    }
}

extension RTMClock {
    init(_ clock: BridgeClock) { self.init(now: clock.now, sleep: clock.sleep) }
}

extension RTMSettings {
    fileprivate init(_ settings: Settings) {
        self.init()
        session.maximumAge = settings.streamrec.maximumDuration
        urls = AddressRules(settings.webhooks)
    }
}

extension WHIPSettings {
    fileprivate init(_ settings: Settings) {
        self.init()
        session.maximumAge = settings.streamrec.maximumDuration
    }
}

extension Logger {
    /// A logger of a part, with this one's level.
    func named(_ label: String) -> Logger {
        var logger = Logger(label: label)
        logger.logLevel = logLevel
        return logger
    }
}
