package import Bridge
package import BridgeModel
import Logging
package import SignalingPlane
package import Signaling
import WebServerKit

/// A signalling plane on a fake bridge, with one account whose sessions exist as soon as they are named here.
package struct PlaneBench: Sendable {
    package static let account = AccountID("acme")
    package let bridge = FakeBridge()
    /// What viewers could be sent.
    package let engine = FakeEngine(answer: nil)
    package let time = ManualClock()
    package let service: RTMSocketService

    /// - Parameter sessions: What the directory knows.
    package init(sessions: [SessionContext], settings: RTMSettings = RTMSettings()) {
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        service = RTMSocketService(
            RTMPorts(services: bridge, layers: engine) { id, grant in
                sessions.first { $0.session == id && $0.client == grant.client && $0.account == grant.account }
            },
            settings: settings, clock: time.clock, logger: logger)
    }

    /// A session for the directory.
    package static func session(
        _ id: String, client: String = "client-0", direction: SessionContext.Direction = .publish
    ) -> SessionContext {
        SessionContext(
            session: SessionID(id), account: account, client: ClientID(client), stream: StreamID("client-0"), direction: direction)
    }

    /// Connects a client; it is served until it or the bridge closes.
    package func connect(client: String = "client-0", path: RTMPath = .client) async -> BenchClient {
        let transport = MemoryTransport()
        let grant = Grant(
            account: Self.account, client: ClientID(client), role: path == .client ? .client : .supervisor,
            issuedAt: WallTime(milliseconds: 0), expiresAt: WallTime(milliseconds: 1), tokenID: "t")
        let serving = Task { await service.serve(transport, grant: grant, path: path) }
        _ = await eventually(that: { transport.isServed })
        return BenchClient(transport: transport, serving: serving)
    }

    /// Media comes up on the newest peer; returns when the session knows.
    package func connectMedia(of session: String) async {
        bridge.peer(.connected)
        _ = await eventually(that: { await service.phase(of: SessionID(session)) == .active })
    }
}

/// One connected client of a `PlaneBench`.
package struct BenchClient: Sendable {
    package let transport: MemoryTransport
    /// Ends when the bridge has let go of the socket.
    package let serving: Task<Void, Never>

    /// Sends JSON text.
    package func send(_ text: String) { transport.receive(.text(text)) }

    /// Sends a message.
    package func send(_ message: JSONValue) { send(message.text) }

    /// Closes the socket, or breaks it with 1006, and waits until the bridge knows.
    package func close(_ code: UInt16) async {
        transport.receive(.closed(code: code))
        await serving.value
    }

    /// The next frame from the bridge; nil when none comes.
    package func frame() async -> JSONValue? {
        guard let text = await eventually({ transport.takeFrame() }) else { return nil }
        return try? JSONValue.read(text.utf8)
    }

    /// The code with which the bridge closes the socket; nil when it does not.
    package func closeCode() async -> UInt16? { await eventually { transport.closeCode } }
}
