package import Bridge
package import BridgeModel
package import Logging

extension ConferenceDirector {
    /// What it stands on.
    package struct Services: Sendable {
        package var launcher: any PipelineLauncher
        package var hub: any MediaHub
        package var streams: StreamRegister
        /// Cameras that others can be heard at; nil where none have agents.
        package var cameras: (any DirectedCameras)?
        package var store: any ConferenceStore
        package var ledger: any Ledger & EventLog
        package var outbox: OutboxWriter
        package var calls: any ConferenceCalls
        package var places: any PushPlaces
        package var clock: BridgeClock
        package var logger: Logger

        package init(
            launcher: any PipelineLauncher, hub: any MediaHub, streams: StreamRegister, cameras: (any DirectedCameras)? = nil,
            store: any ConferenceStore,
            ledger: any Ledger & EventLog, outbox: OutboxWriter, calls: any ConferenceCalls, places: any PushPlaces,
            clock: BridgeClock, logger: Logger
        ) {
            self.launcher = launcher
            self.hub = hub
            self.streams = streams
            self.cameras = cameras
            self.store = store
            self.ledger = ledger
            self.outbox = outbox
            self.calls = calls
            self.places = places
            self.clock = clock
            self.logger = logger
        }
    }

    /// How the bridge's own transports are.
    package struct Transport: Sendable {
        package var identity: DTLSIdentity
        package var ice: IceSettings
        /// The operator's STUN and relays, with passwords that are made at this moment.
        package var servers: @Sendable (ClientID, WallTime) -> [IceServer]
        /// Where media and relays that others name may be.
        package var rules: AddressRules
        /// PEM file of authorities that pushes trust besides the system's.
        package var trust: String?

        package init(
            identity: DTLSIdentity, ice: IceSettings, rules: AddressRules, trust: String? = nil,
            servers: @escaping @Sendable (ClientID, WallTime) -> [IceServer] = { _, _ in [] }
        ) {
            self.servers = servers
            self.trust = trust
            self.identity = identity
            self.ice = ice
            self.rules = rules
        }

        /// For one transport: through the operator's servers, and those that the far end named.
        func ice(of conference: ConferenceID, naming others: [IceServer] = [], at now: WallTime) -> IceSettings {
            var ice = ice
            ice.add(servers(ClientID(conference.rawValue), now), rules: nil)
            ice.add(others, rules: rules)
            return ice
        }
    }
}
