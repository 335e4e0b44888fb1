import Bridge
import BridgeModel
import Signaling
import SignalingPlane
import SignalingTesting
import WebServerKit

/// The whole signalling plane on a fake bridge, in virtual time.
struct PlaneStage: Stage {
    private let bench: PlaneBench
    private let context: SessionContext
    private var clients: [String: BenchClient] = [:]
    private var seenCalls = 0

    init(_ context: SessionContext) {
        self.context = context
        bench = PlaneBench(sessions: [context])
    }

    mutating func connect(_ socket: String, by entrance: Entrance) async {
        if case .session(let path) = entrance { clients[socket] = await bench.connect(path: path) }
    }

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

    mutating func advance(_ duration: Duration) { bench.time.advance(by: duration) }

    mutating func bridge(_ event: BridgeSideEvent) async {
        switch event {
        case .peer(.connected): await bench.connectMedia(of: context.session.rawValue)
        case .peer(let event): bench.bridge.peer(event)
        case .recording(let state, let message): bench.bridge.recording(state, message: message)
        case .layers(let layers): bench.engine.show(layers)
        case .end(let cause): await bench.bridge.end(context.session, cause)
        case .order: break
        }
    }

    mutating func calls(_ count: Int) async -> [String] {
        let wanted = seenCalls + count
        _ = await eventually(that: { bench.bridge.calls.count >= wanted })
        defer { seenCalls = bench.bridge.calls.count }
        return Array(bench.bridge.calls.dropFirst(seenCalls))
    }
}
