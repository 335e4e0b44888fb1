import Bridge
import BridgeModel
import Signaling
import SignalingPlane
import SignalingTesting
import WebServerKit

/// The sockets of a camera's agents on the real machine of a camera, in virtual time.
struct CameraStage: Stage {
    private let bench = CameraBench()
    private var clients: [String: BenchClient] = [:]

    mutating func connect(_ socket: String, by entrance: Entrance) async { clients[socket] = await bench.connect() }

    mutating func send(_ text: String?, on socket: String) {
        clients[socket]?.transport.receive(text.map(WebSocketEvent.text) ?? .binary([0, 255]))
    }

    mutating func close(_ socket: String, code: UInt16) async { await clients[socket]?.close(code) }

    mutating func frame(on socket: String) async -> JSONValue? { await clients[socket]?.frame() }

    mutating func closeCode(of socket: String) async -> UInt16? {
        guard let client = clients[socket], let code = await client.closeCode() else { return nil }
        await client.serving.value
        return code
    }

    mutating func advance(_ duration: Duration) async { await bench.advance(by: duration) }

    mutating func bridge(_ event: BridgeSideEvent) async {
        if case .order(let order) = event { await bench.door.order(order) }
    }

    mutating func calls(_ count: Int) async -> [String] {
        var found: [String] = []
        _ = await eventually {
            found += await bench.door.takeOutcomes()
            return found.count >= count ? true : nil
        }
        return found
    }
}
