import Bridge
import BridgeModel
import SignalingPlane
import SignalingTesting
import WebServerKit

/// The sockets of a room on the real room machine, with peers that answer at once, in virtual time.
struct RoomStage: Stage {
    private let bench: RoomBench
    private var clients: [String: BenchClient] = [:]

    /// The header says who has a link with what role, and who comes in.
    init(_ transcript: Transcript) {
        var links: [String: RoomRole] = [:]
        if case .object(let members)? = transcript.header["links"] {
            links = members.compactMapValues { $0.string.flatMap(RoomRole.init) }
        }
        var settings = RoomSettings()
        settings.admission = transcript.header["admission"]?.string.flatMap(RoomSettings.Admission.init) ?? .open
        bench = RoomBench(links, settings: settings)
    }

    mutating func connect(_ socket: String, by entrance: Entrance) async {
        if case .room(let link) = entrance { clients[socket] = await bench.connect(link) }
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

    mutating func advance(_ duration: Duration) async { await bench.advance(by: duration) }

    mutating func bridge(_ event: BridgeSideEvent) async {
        switch event {
        case .peer(.connected): await bench.door.peer(.connected)
        case .peer(.disconnected): await bench.door.peer(.disconnected)
        case .peer, .recording, .layers, .end, .order: break
        }
    }

    mutating func calls(_ count: Int) -> [String] { [] }
}
