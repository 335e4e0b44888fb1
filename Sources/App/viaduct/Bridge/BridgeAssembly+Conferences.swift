import Bridge
import BridgeModel
import ControlPlane
import DeliveryPlane
import HTTPCore
import Logging
import RecordingPlane
import SecureTransport
import StoragePlane

extension BridgeAssembly {
    /// What publishes streams elsewhere, under the rules for places that somebody else chose.
    static func conferences(
        _ services: RecordingServices, _ media: (streams: StreamRegister, cameras: (any DirectedCameras)?),
        _ stored: (ledger: SQLiteLedger, database: StorageDatabase),
        _ client: EgressClient, _ transport: ConferenceDirector.Transport
    ) -> ConferenceDirector {
        let store = SQLiteConferenceStore(stored.database, logger: services.logger)
        let calls = ConferenceCallMaker(http: client, rules: transport.rules, clock: services.clock)
        return ConferenceDirector(
            .init(
                launcher: services.launcher, hub: services.hub, streams: media.streams, cameras: media.cameras, store: store,
                ledger: stored.ledger,
                outbox: services.outbox, calls: calls, places: client, clock: services.clock, logger: services.logger),
            transport: transport)
    }

    /// What makes streams of several others.
    static func composites(
        _ services: RecordingServices, _ ledger: SQLiteLedger, _ streams: StreamRegister, _ rooms: any RoomViews, folder: String
    ) -> CompositeDirector {
        CompositeDirector(
            .init(
                launcher: services.launcher, hub: services.hub, streams: streams, rooms: rooms,
                backgrounds: BackgroundFolder(folder: folder + "/backgrounds"), ledger: ledger,
                outbox: services.outbox, clock: services.clock, logger: services.logger),
            account: .anonymous)
    }

    /// The file of authorities that are trusted besides the system's; nil where there is none.
    static func trust(_ settings: Settings) -> String? {
        settings.webhooks.trust.isEmpty ? nil : SettingOptions.absolute(settings.webhooks.trust)
    }

    /// For legs on which the bridge is the client: they go out to wherever the conference is, also from a bridge that listens on loopback alone.
    static func outwardTransport(_ settings: Settings, identity: DTLSIdentity) -> ConferenceDirector.Transport {
        var ice = IceSettings(settings)
        ice.addresses = []
        let servers = iceServers(settings)
        return .init(
            identity: identity, ice: ice, rules: AddressRules(settings.webhooks), trust: trust(settings),
            servers: { servers.servers(for: $0, at: $1) })
    }

    /// The operator's STUN and relays, for clients and for legs on which the bridge is one.
    static func iceServers(_ settings: Settings) -> IceServerList {
        IceServerList(settings.turn) { key, message in (try? MessageAuthentication.hmacSHA1.code(of: message, key: key)) ?? [] }
    }
}
