import Bridge
import BridgeModel
import Foundation
import Signaling
import Testing

/// Something that a transcript can be played on.
protocol Stage {
    mutating func connect(_ socket: String, by entrance: Entrance) async
    /// A frame from the client; nil is a binary one.
    mutating func send(_ text: String?, on socket: String) async
    /// The client closes with this code; 1006 breaks the connection.
    mutating func close(_ socket: String, code: UInt16) async
    mutating func frame(on socket: String) async -> JSONValue?
    mutating func closeCode(of socket: String) async -> UInt16?
    mutating func advance(_ duration: Duration) async
    /// Something that happens behind the bridge.
    mutating func bridge(_ event: BridgeSideEvent) async
    /// The calls since the last question, once there are `count` of them.
    mutating func calls(_ count: Int) async -> [String]
}

/// How a socket comes in.
enum Entrance: Sendable {
    case session(RTMPath)
    /// To a room, by the link of this participant.
    case room(link: String)
    /// As the agent of the only camera.
    case camera
}

/// What a transcript says of the media and the recordings.
enum BridgeSideEvent: Sendable {
    case peer(PeerEvent)
    case recording(RecordingState, message: String)
    case end(TerminationCause)
    case layers([VideoLayer])
    /// Somebody tells the camera something.
    case order(CameraOrder)
}

/// Plays one transcript on one stage and reports each step that comes out otherwise.
struct TranscriptRunner<Player: Stage> {
    private var stage: Player
    private var variables: Variables
    private let transcript: Transcript

    init(_ transcript: Transcript, on stage: Player) {
        self.transcript = transcript
        self.stage = stage
        variables = Variables([
            "session": .string(TranscriptSession.id), "monitored": .string(TranscriptSession.monitored), "client": "client-0",
            "webhook_url": "https://yourserver.example/streamrec", "upload_url": "https://bucket.example/k?sig",
            "offer:A": "offer A", "offer:B": "offer B", "offer:bad": "offer unacceptable", "answer:S": "answer S",
            "candidate:1": "candidate:1 1 udp 2122260223 192.0.2.1 50001 typ host",
            "candidate:2": "candidate:2 1 udp 2122260222 192.0.2.1 50002 typ host",
        ])
    }

    mutating func play() async {
        #expect(!transcript.steps.isEmpty, "\(transcript.name) has no readable steps")
        for step in transcript.steps { await play(step) }
    }

    private mutating func play(_ step: Transcript.Step) async {
        let value = step.value
        if let socket = value["on"]?.string {
            await play(step, on: socket)
        } else if let socket = value["connect"]?.string {
            await stage.connect(socket, by: entrance(value))
        } else if let seconds = value["after_s"] {
            guard case .number(let number) = seconds else { return fail(step, "after_s is no number") }
            await stage.advance(.milliseconds(Int(number * 1000)))
        } else if let event = bridgeSideEvent(value) {
            await stage.bridge(event)
        } else if case .array(let expected)? = value["calls"] {
            await expect(expected, step)
        } else if let outcome = value["ordered"] {
            await expect([outcome], step)
        } else if value["http"] == nil, value["webhook"] == nil, value["upload"] == nil {
            fail(step, "no such step")
        }
    }

    private mutating func play(_ step: Transcript.Step, on socket: String) async {
        let value = step.value
        if let message = value["send"] {
            await stage.send(variables.filled(message).text, on: socket)
        } else if let raw = value["text"]?.string {
            await stage.send(variables.filled(raw), on: socket)
        } else if value["binary"] != nil {
            await stage.send(nil, on: socket)
        } else if let pattern = value["expect"] {
            guard let frame = await stage.frame(on: socket) else { return fail(step, "no frame came") }
            if !variables.match(frame, pattern) { fail(step, "the frame was \(frame)") }
        } else if let code = value["expect_close"]?.integer {
            let found = await stage.closeCode(of: socket)
            if found != UInt16(code) { fail(step, "the close code was \(found.map(String.init) ?? "none")") }
        } else if let code = value["close"]?.integer {
            await stage.close(socket, code: UInt16(code))
        } else {
            fail(step, "no such step")
        }
    }

    private mutating func expect(_ calls: [JSONValue], _ step: Transcript.Step) async {
        let found = await stage.calls(calls.count).map(JSONValue.string)
        if found != calls.map(variables.filled) { fail(step, "the calls were \(found)") }
    }

    private func entrance(_ step: JSONValue) -> Entrance {
        if transcript.header["path"] == "camera" { return .camera }
        return step["link"]?.string.map(Entrance.room) ?? .session(path)
    }

    private var path: RTMPath {
        switch transcript.header["path"]?.string {
        case "supervisor": .supervisor(monitored: SessionID(TranscriptSession.monitored))
        case "native": .native
        default: .client
        }
    }

    private func bridgeSideEvent(_ value: JSONValue) -> BridgeSideEvent? {
        switch value["media"]?.string {
        case "connected": return .peer(.connected)
        case "disconnected": return .peer(.disconnected)
        case "closed": return .peer(.ended(BridgeError(.connectionLost, "the peer closed the transport")))
        default: break
        }
        if let state = value["recording"]?.string.flatMap(RecordingState.init(signalingName:)) {
            return .recording(state, message: value["msg"]?.string ?? "")
        }
        if let order = value["order"] { return (try? CameraForm.order(in: order)).map(BridgeSideEvent.order) }
        if case .array(let layers)? = value["layers"] { return .layers(layers.map { VideoLayer($0) }) }
        return value["bridge_ends"]?.string.flatMap(TerminationCause.init).map(BridgeSideEvent.end)
    }

    private func fail(_ step: Transcript.Step, _ problem: String) {
        Issue.record("\(transcript.name).jsonl:\(step.line): \(problem)")
    }
}

extension VideoLayer {
    /// As a transcript writes it, with the members of the message.
    fileprivate init(_ value: JSONValue) {
        self.init(
            mid: value["mid"]?.string ?? "", rid: value["rid"]?.string, bitrate: Int64(value["bitrate"]?.integer ?? 0),
            width: value["width"]?.integer, height: value["height"]?.integer)
    }
}

/// The one session of a transcript.
enum TranscriptSession {
    static let id = "98f06660-5434-4a9c-ae65-0291d5622624"
    static let monitored = "0b0e7e0a-1111-4222-8333-444455556666"

    static func context(of transcript: Transcript) -> SessionContext {
        SessionContext(
            session: SessionID(id), account: AccountID("acme"), client: ClientID("client-0"), stream: StreamID("client-0"),
            direction: transcript.header["direction"]?.string == "watch" ? .watch : .publish)
    }
}
