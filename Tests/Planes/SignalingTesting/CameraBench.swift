package import Bridge
package import BridgeModel
import Logging
package import Signaling
package import SignalingPlane

/// The sockets of one camera's agents on the real machine of a camera, in virtual time.
package struct CameraBench: Sendable {
    package static let camera = ClientID("gate")
    package let time = ManualClock()
    package let door: BenchCamera
    package let service: CameraSocketService

    package init(limits: SocketLimits = .ofCameras) {
        var logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        logger.logLevel = .critical
        door = BenchCamera(Self.camera, clock: time.clock)
        service = CameraSocketService(door, limits: limits, clock: time.clock, logger: logger)
    }

    /// Connects an agent; it is served until it or the bridge closes.
    package func connect() async -> BenchClient {
        let transport = MemoryTransport()
        let serving = Task { await service.serve(transport, camera: Self.camera, account: PlaneBench.account) }
        _ = await eventually(that: { transport.isServed })
        return BenchClient(transport: transport, serving: serving)
    }

    /// Lets time pass, with everything that is due on the way.
    package func advance(by duration: Duration) async {
        time.advance(by: duration)
        await door.wake()
    }
}

/// A camera behind its door.
package actor BenchCamera: CameraDoor {
    private var machine: CameraMachine
    private let clock: RTMClock
    private var sockets: [CameraSocketID: @Sendable (CameraSocketEvent) -> Void] = [:]
    private var lastSocket: UInt64 = 0
    private var lastTicket: CameraMachine.Ticket = 0
    private var outcomes: [String] = []
    /// Why sockets went, in order.
    package private(set) var ends: [CameraEnd] = []

    package init(_ camera: ClientID, clock: RTMClock) {
        machine = CameraMachine(camera)
        self.clock = clock
    }

    package func open(
        _ camera: ClientID, of account: AccountID, tell: @escaping @Sendable (CameraSocketEvent) -> Void
    ) -> CameraSocketID {
        lastSocket += 1
        let socket = CameraSocketID(lastSocket)
        sockets[socket] = tell
        return socket
    }

    package func receive(_ message: CameraSocketMessage, from socket: CameraSocketID) {
        switch message {
        case .hello(let abilities): take(.hello(abilities, socket))
        case .done(let number): take(.done(number, socket))
        case .refused(let number, let error): take(.refused(number, error, socket))
        case .health: break
        }
    }

    package func lost(_ socket: CameraSocketID, _ end: CameraEnd) {
        sockets[socket] = nil
        ends.append(end)
        take(.gone(socket))
    }

    /// Somebody wants this, now.
    package func order(_ order: CameraOrder) {
        lastTicket += 1
        take(.order(order, lastTicket))
    }

    /// What became of orders since the last question, in the order of their ends: `done`, or an error's code.
    package func takeOutcomes() -> [String] {
        defer { outcomes = [] }
        return outcomes
    }

    /// Does what is due by now.
    package func wake() { take(.deadline) }

    private func take(_ input: CameraMachine.Input) {
        for effect in machine.handle(input, now: clock.now()) {
            switch effect {
            case .send(let number, let order, let socket): sockets[socket]?(.order(number, order))
            case .close(let socket): sockets.removeValue(forKey: socket)?(.closed)
            case .settle(let tickets, let error): outcomes += tickets.map { _ in error?.code.rawValue ?? "done" }
            case .reportChange: break
            }
        }
    }
}
