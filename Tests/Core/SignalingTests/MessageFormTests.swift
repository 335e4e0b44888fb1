import Bridge
import BridgeModel
import Signaling
import Testing

/// Frames of every shape: what is read, and what exactly is answered to what is not (section 13).
@Suite struct MessageFormTests {
    private static let client = ClientID("client-0")

    private func read(_ frame: JSONValue?, on path: RTMPath = .native) throws(RTMFault) -> RTMRequest {
        try RTMForm().request(in: try RTMEnvelope(frame: frame, client: Self.client, path: path), on: path)
    }

    private static func frame(_ type: String, _ data: JSONValue) -> JSONValue {
        ["type": .string(type), "client_id": "client-0", "session_id": "s", "data": data]
    }

    private static func choice(_ change: (inout LayerChoice) -> Void) -> LayerChoice {
        var choice = LayerChoice()
        change(&choice)
        return choice
    }

    private static let offer: JSONValue = ["type": "offer", "sdp": "v=0"]
    private static let line = "candidate:1 1 udp 2122260223 192.0.2.1 49152 typ host generation 0"

    struct Good: Sendable {
        var frame: JSONValue
        var request: RTMRequest
    }

    static let good: [Good] = [
        Good(frame: frame("session_start", ["sdp": offer]), request: .sessionStart(SessionOpening(offer: "v=0"))),
        Good(
            frame: frame("session_start", ["sdp": offer, "webhook_url": "https://h.example/x", "version": "3.0", "else": [1, 2]]),
            request: .sessionStart(SessionOpening(offer: "v=0", webhookURL: Redacted("https://h.example/x"), version: "3.0"))),
        Good(
            frame: frame("supervisor_join_session", ["sdp": offer, "session_id_to_monitor": "m", "webhook_url": nil]),
            request: .supervisorJoin(SessionOpening(offer: "v=0"), monitored: SessionID("m"))),
        Good(
            frame: frame("sdp_update", ["sdp": ["type": "answer", "sdp": "v=0"]]),
            request: .descriptionUpdate(SessionDescription(kind: .answer, sdp: "v=0"))),
        Good(
            frame: frame("candidate", ["candidate": ["candidate": .string(line), "sdpMid": "0", "sdpMLineIndex": 0]]),
            request: .candidate(IceCandidate(candidate: line, sdpMid: "0", sdpMLineIndex: 0))),
        Good(
            frame: frame("candidate", ["candidate": ["candidate": .string(line), "sdpMid": nil, "usernameFragment": "u"]]),
            request: .candidate(IceCandidate(candidate: line))),
        Good(frame: frame("candidate", ["candidate": nil]), request: .candidate(.end)),
        Good(frame: frame("candidate", ["candidate": ""]), request: .candidate(.end)),
        Good(
            frame: frame("candidate", ["candidate": ["candidate": "", "sdpMid": "0"]]),
            request: .candidate(IceCandidate(candidate: "", sdpMid: "0"))),
        Good(frame: frame("recording_start", [:]), request: .recordingStart(RecordingStart())),
        Good(
            frame: frame("recording_start", ["upload_url": "https://b.example/k?s=1", "stream": 2]),
            request: .recordingStart(RecordingStart(uploadURL: Redacted("https://b.example/k?s=1"), stream: 2))),
        Good(frame: frame("recording_stop", ["rec_id": "r"]), request: .recordingStop(RecordingID("r"))),
        Good(frame: ["type": "recording_stop"], request: .recordingStop(nil)),
        Good(frame: ["type": "session_stop", "data": nil, "client_id": nil], request: .sessionStop),
        Good(
            frame: frame("session_start", ["sdp": offer, "layers": true]),
            request: .sessionStart(SessionOpening(offer: "v=0", wantsLayers: true))),
        Good(
            frame: frame("session_start", ["sdp": offer, "layers": nil]), request: .sessionStart(SessionOpening(offer: "v=0"))),
        Good(frame: frame("layer_select", [:]), request: .layerSelect(LayerChoice())),
        Good(frame: ["type": "layer_select"], request: .layerSelect(LayerChoice())),
        Good(
            frame: frame("layer_select", ["mid": "1", "rid": "h", "spatial_id": 2, "temporal_id": nil, "max_height": 720]),
            request: .layerSelect(choice { ($0.mid, $0.rid, $0.spatialID, $0.greatestHeight) = ("1", "h", 2, 720) })),
    ]

    @Test(arguments: good) func wellFormedMessagesAreRead(good: Good) throws {
        #expect(try read(good.frame) == good.request)
    }

    struct Bad: Sendable {
        var frame: JSONValue?
        var code: RTMError.Code
        var field: String?
        var inReplyTo: String?
        var counts: Bool

        init(_ frame: JSONValue?, _ code: RTMError.Code, _ field: String?, _ inReplyTo: String?, counts: Bool = true) {
            self.frame = frame
            self.code = code
            self.field = field
            self.inReplyTo = inReplyTo
            self.counts = counts
        }
    }

    static let malformedFrames: [Bad] = [
        Bad(nil, .malformedJSON, nil, nil),
        Bad([1], .malformedJSON, nil, nil),
        Bad("hello", .malformedJSON, nil, nil),
        Bad(nil as JSONValue?, .malformedJSON, nil, nil),
        Bad([:], .missingField, "type", nil),
        Bad(["type": nil], .missingField, "type", nil),
        Bad(["type": 5], .invalidField, "type", nil),
        Bad(["type": "no_such"], .unknownType, "type", "no_such", counts: false),
        Bad(["type": .string(String(repeating: "x", count: 500))], .unknownType, "type", String(repeating: "x", count: 64), counts: false),
        Bad(["type": "session_stop", "client_id": 7], .invalidField, "client_id", "session_stop"),
        Bad(["type": "session_stop", "session_id": []], .invalidField, "session_id", "session_stop"),
        Bad(["type": "session_stop", "client_id": "other"], .clientMismatch, "client_id", "session_stop", counts: false),
        Bad(["type": "session_stop", "data": "x"], .invalidField, "data", "session_stop"),
    ]

    static let malformedData: [Bad] = [
        Bad(frame("session_start", [:]), .missingField, "data.sdp", "session_start"),
        Bad(frame("session_start", ["sdp": "v=0"]), .invalidField, "data.sdp", "session_start"),
        Bad(frame("session_start", ["sdp": ["sdp": "v=0"]]), .missingField, "data.sdp.type", "session_start"),
        Bad(frame("session_start", ["sdp": ["type": "answer", "sdp": "v=0"]]), .invalidField, "data.sdp.type", "session_start"),
        Bad(frame("session_start", ["sdp": ["type": "pranswer", "sdp": "v=0"]]), .invalidField, "data.sdp.type", "session_start"),
        Bad(frame("session_start", ["sdp": ["type": "offer"]]), .missingField, "data.sdp.sdp", "session_start"),
        Bad(frame("session_start", ["sdp": ["type": "offer", "sdp": 1]]), .invalidField, "data.sdp.sdp", "session_start"),
        Bad(
            frame("session_start", ["sdp": ["type": "offer", "sdp": .string(String(repeating: "a", count: 128 * 1024 + 1))]]),
            .invalidField, "data.sdp.sdp", "session_start"),
        Bad(frame("session_start", ["sdp": offer, "version": 3]), .invalidField, "data.version", "session_start"),
        Bad(
            frame("session_start", ["sdp": offer, "webhook_url": "ftp://x"]), .invalidURL, "data.webhook_url", "session_start",
            counts: false),
        Bad(frame("session_start", ["sdp": offer, "webhook_url": 1]), .invalidField, "data.webhook_url", "session_start"),
        Bad(
            frame("session_start", ["sdp": offer, "webhook_url": .string("https://h.example/" + String(repeating: "a", count: 3000))]),
            .invalidURL, "data.webhook_url", "session_start", counts: false),
        Bad(frame("supervisor_join_session", ["sdp": offer]), .missingField, "data.session_id_to_monitor", "supervisor_join_session"),
        Bad(frame("sdp_update", [:]), .missingField, "data.sdp", "sdp_update"),
        Bad(frame("candidate", [:]), .missingField, "data.candidate", "candidate"),
        Bad(frame("candidate", ["candidate": 5]), .invalidField, "data.candidate", "candidate", counts: false),
        Bad(frame("candidate", ["candidate": ["candidate": "garbage"]]), .invalidField, "data.candidate", "candidate", counts: false),
        Bad(
            frame("candidate", ["candidate": ["candidate": "candidate:1 1 udp"]]), .invalidField, "data.candidate", "candidate",
            counts: false),
        Bad(
            frame("candidate", ["candidate": ["candidate": "candidate:1 1 udp 1 192.0.2.1 99999 typ host"]]), .invalidField,
            "data.candidate", "candidate", counts: false),
        Bad(
            frame("candidate", ["candidate": ["candidate": "candidate:1 1 udp 1 1.2.3.4 5 typ host\r\na=x"]]), .invalidField,
            "data.candidate", "candidate", counts: false),
        Bad(
            frame("candidate", ["candidate": ["candidate": .string(line), "sdpMLineIndex": -1]]), .invalidField, "data.candidate",
            "candidate", counts: false),
        Bad(
            frame("candidate", ["candidate": ["candidate": .string(line), "sdpMLineIndex": .number(1e300)]]), .invalidField,
            "data.candidate", "candidate", counts: false),
        Bad(
            frame("candidate", ["candidate": ["candidate": .string(line + String(repeating: " x", count: 600))]]), .invalidField,
            "data.candidate", "candidate", counts: false),
        Bad(
            frame("recording_start", ["upload_url": "file:///etc/passwd"]), .invalidURL, "data.upload_url", "recording_start", counts: false
        ),
        Bad(frame("recording_start", ["stream": 3]), .invalidField, "data.stream", "recording_start"),
        Bad(frame("recording_start", ["stream": .number(0.5)]), .invalidField, "data.stream", "recording_start"),
        Bad(frame("recording_start", ["stream": .number(.nan)]), .invalidField, "data.stream", "recording_start"),
        Bad(frame("recording_stop", ["rec_id": 1]), .invalidField, "data.rec_id", "recording_stop"),
        Bad(frame("session_start", ["sdp": offer, "layers": 1]), .invalidField, "data.layers", "session_start"),
        Bad(frame("layer_select", ["rid": 1]), .invalidField, "data.rid", "layer_select"),
        Bad(frame("layer_select", ["mid": []]), .invalidField, "data.mid", "layer_select"),
        Bad(frame("layer_select", ["rid": .string(String(repeating: "h", count: 65))]), .invalidField, "data", "layer_select"),
        Bad(frame("layer_select", ["spatial_id": -1]), .invalidField, "data.spatial_id", "layer_select"),
        Bad(frame("layer_select", ["temporal_id": 65_536]), .invalidField, "data.temporal_id", "layer_select"),
        Bad(frame("layer_select", ["max_spatial_id": .number(0.5)]), .invalidField, "data.max_spatial_id", "layer_select"),
        Bad(frame("layer_select", ["max_temporal_id": "2"]), .invalidField, "data.max_temporal_id", "layer_select"),
        Bad(frame("layer_select", ["max_width": .number(1e300)]), .invalidField, "data.max_width", "layer_select"),
        Bad(frame("layer_select", ["max_height": .number(.nan)]), .invalidField, "data.max_height", "layer_select"),
    ]

    @Test(arguments: malformedFrames + malformedData) func malformedMessagesAreAnsweredExactly(bad: Bad) {
        #expect {
            try read(bad.frame)
        } throws: { thrown in
            guard let fault = thrown as? RTMFault else { return false }
            return fault.error.code == bad.code && fault.error.field == bad.field && fault.inReplyTo == bad.inReplyTo
                && fault.isBadMessage == bad.counts
        }
    }

    @Test(arguments: [RTMPath.client, .supervisor(monitored: SessionID("m"))])
    func thePathsOfTheStreamrecContractKnowNothingOfLayers(path: RTMPath) throws {
        #expect {
            try read(["type": "layer_select", "client_id": "other"], on: path)
        } throws: { thrown in
            let unknown = RTMError(.unknownType, "no such message type", field: "type")
            return thrown as? RTMFault == RTMFault(unknown, inReplyTo: "layer_select")
        }
        let opening = try read(Self.frame("session_start", ["sdp": Self.offer, "layers": 5]), on: path)
        #expect(opening == .sessionStart(SessionOpening(offer: "v=0")))
    }

    @Test func aForeignClientClosesTheSocket() {
        #expect {
            try read(["type": "session_stop", "client_id": "other"])
        } throws: { ($0 as? RTMFault)?.close == .forbidden }
    }

    @Test func aRefusedURLIsNotRepeated() {
        #expect {
            try read(Self.frame("recording_start", ["upload_url": "ftp://secret.example/k?token=abc"]))
        } throws: { !(($0 as? RTMFault)?.error.message.contains("secret") ?? true) }
    }

    // MARK: Replies

    @Test func repliesHaveAllFourMembers() {
        let update = RecordingUpdate(
            recording: RecordingID("r"), state: .failed, message: "no media", at: WallTime(milliseconds: 1_709_283_601_120))
        #expect(
            RTMReply.recordingState(update).frame(client: Self.client, session: SessionID("s")) == [
                "type": "recording_state", "client_id": "client-0", "session_id": "s",
                "data": ["rec_id": "r", "state": "upload_failed", "msg": "no media", "at": "2024-03-01T09:00:01.120Z"],
            ])
    }

    @Test func anErrorFrameNamesWhatItKnows() {
        let error = RTMError(.malformedJSON, "frame is not a JSON object")
        #expect(
            RTMReply.error(error, inReplyTo: nil).frame(client: Self.client, session: nil) == [
                "type": "error", "client_id": "client-0", "session_id": "",
                "data": ["code": "malformed_json", "msg": "frame is not a JSON object", "in_reply_to": nil, "field": nil],
            ])
    }

    @Test func layersTellWhatIsKnown() {
        let layer = VideoLayer(mid: "0", rid: "h", bitrate: 1_800_000, width: 1280, height: 720)
        let choice = Self.choice { $0.rid = "h" }
        #expect(
            RTMReply.layers([layer, VideoLayer(mid: "0", bitrate: 0)], choice: choice).frame(client: Self.client, session: nil)["data"] == [
                "layers": [
                    [
                        "mid": "0", "rid": "h", "spatial_id": 0, "temporal_id": 0, "bitrate": 1_800_000, "width": 1280, "height": 720,
                    ],
                    ["mid": "0", "rid": nil, "spatial_id": 0, "temporal_id": 0, "bitrate": 0, "width": nil, "height": nil],
                ],
                "choice": ["rid": "h"],
            ])
    }

    @Test func theEndOfCandidatesIsNull() {
        #expect(RTMReply.candidate(.end).frame(client: Self.client, session: nil)["data"] == ["candidate": nil])
    }
}
