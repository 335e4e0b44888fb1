package import Bridge
package import BridgeModel
package import Logging
package import Signaling
import Synchronization

extension SocketLimits {
    /// What bounds a room's socket: pointers and strokes are many, and the room counts them itself.
    package static var ofRooms: SocketLimits {
        var limits = SocketLimits()
        limits.start = .seconds(10)
        limits.messagesPerSecond = 100
        limits.messageBurst = 200
        return limits
    }
}

/// The sockets of rooms, `/bridge/v1/rooms/<room>/io`: what stands between a WebSocket and the room behind `RoomDoor`.
///
/// The front door upgrades and hands the socket over with `serve`; whether its link opens the room is said by the socket, because a page cannot read
/// the status of a refused upgrade.
package final class RoomSocketService: Sendable {
    private struct State {
        var ports: [UInt64: RoomPort] = [:]
        var lastPort: UInt64 = 0
        var isDraining = false
    }

    private let door: any RoomDoor
    private let limits: SocketLimits
    private let clock: RTMClock
    private let logger: Logger
    private let state = Mutex(State())

    package init(_ door: any RoomDoor, limits: SocketLimits = .ofRooms, clock: RTMClock, logger: Logger) {
        self.door = door
        self.limits = limits
        self.clock = clock
        self.logger = logger
    }

    /// Serves one upgraded socket; returns when it is closed. While the plane shuts down it is closed at once with 1001.
    package func serve(_ socket: some RTMTransport, room: RoomID, token: Redacted<String>) async {
        let port = RoomPort(socket)
        guard let number = admit(port) else { return port.close(.goingAway) }
        defer { state.withLock { $0.ports[number] = nil } }
        var logger = logger
        logger[metadataKey: "room"] = "\(room)"
        let connection = RoomConnection(port: port, door: door, limits: limits, clock: clock, logger: logger)
        await connection.run(socket.events, room: room, token: token)
    }

    /// Sockets that are open now.
    package var socketCount: Int { state.withLock { $0.ports.count } }

    /// Closes all sockets with 1001; those that come later are, too.
    package func shutdown() {
        let ports = state.withLock { state in
            state.isDraining = true
            return Array(state.ports.values)
        }
        for port in ports { port.close(.goingAway) }
    }

    /// nil while draining.
    private func admit(_ port: RoomPort) -> UInt64? {
        state.withLock { state in
            guard !state.isDraining else { return nil }
            state.lastPort += 1
            state.ports[state.lastPort] = port
            return state.lastPort
        }
    }
}
