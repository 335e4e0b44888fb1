package import Bridge
package import BridgeModel
package import Logging
package import Signaling

/// What bounds the signalling plane.
package struct RTMSettings: Sendable, Equatable {
    package var session = SessionLimits()
    package var socket = SocketLimits()
    /// What webhook and upload URLs are judged by on receipt.
    package var urls = AddressRules()
    /// Sessions at once; more are refused with 1013.
    package var maximumSessions = 10_000

    package init() {}
}

/// What RTM stands on.
package struct RTMPorts: Sendable {
    /// Finds a created session by its id for the token that names it; nil when there is none, it has expired, or it is another's.
    package typealias SessionDirectory = @Sendable (SessionID, Grant) async -> SessionContext?

    package var services: any SessionServices
    package var layers: any PeerLayers
    package var directory: SessionDirectory

    package init(services: any SessionServices, layers: any PeerLayers, directory: @escaping SessionDirectory) {
        self.services = services
        self.layers = layers
        self.directory = directory
    }
}

/// What every connection and session shares.
struct RTMEnvironment: Sendable {
    let settings: RTMSettings
    let clock: RTMClock
    let logger: Logger
}

/// The RTM sockets of the bridge: `/api/v2/io`, `/api/v2/supervisor_io/<id>` and `/bridge/v1/io`.
///
/// The front door verifies token and role, upgrades, and hands the socket over with `serve`.
package final class RTMSocketService: Sendable {
    private let registry: SessionRegistry
    private let environment: RTMEnvironment

    package init(_ ports: RTMPorts, settings: RTMSettings = RTMSettings(), clock: RTMClock, logger: Logger) {
        environment = RTMEnvironment(settings: settings, clock: clock, logger: logger)
        registry = SessionRegistry(ports: ports, environment: environment)
    }

    /// Serves one upgraded socket; returns when it is closed. While the plane shuts down it is closed at once with 1001.
    package func serve(_ socket: some RTMTransport, grant: Grant, path: RTMPath) async {
        guard let port = await registry.open(socket, client: grant.client) else {
            let code = CloseCode.goingAway
            return socket.close(code: code.rawValue, reason: code.reason)
        }
        let connection = RTMConnection(port: port, grant: grant, path: path, registry: registry, environment: environment)
        await connection.run(socket.events)
    }

    /// Sessions that live now, started or not.
    package var sessionCount: Int { get async { await registry.sessionCount } }

    /// The state of a session that lives; nil for others.
    package func phase(of session: SessionID) async -> SessionPhase? { await registry.phase(of: session) }

    /// Ends all sessions with `SERVER_SHUTDOWN`; returns when their ends are durable, their peers closed and all sockets told to close.
    package func shutdown() async { await registry.shutdown() }
}
