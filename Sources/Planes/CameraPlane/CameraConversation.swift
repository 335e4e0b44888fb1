internal import Bridge
internal import BridgeModel
internal import SDP

/// What a publishing camera says and does at each event of its session: pure.
struct CameraConversation {
    enum Input: Sendable {
        case pipeline(PipelineEvent)
        case message(JSONValue)
        case socketClosed
        case stop
    }

    enum Effect: Equatable {
        case send(type: String, data: JSONValue)
        case command(PipelineCommand)
        /// Media flows.
        case live
        case recording(RecordingState, id: String)
        /// The bridge refused something, but the session goes on.
        case refused(String)
        /// The session is over; nil when it was asked to stop.
        case end(BridgeError?)
    }

    /// Recording that the camera asks for as soon as media flows; nil for none.
    private let recording: JSONValue?
    private let webhookURL: Redacted<String>?
    private var offer: String?
    private var isLive = false
    private var isStopping = false

    init(recording: JSONValue?, webhookURL: Redacted<String>?) {
        self.recording = recording
        self.webhookURL = webhookURL
    }

    mutating func handle(_ input: Input) -> [Effect] {
        switch input {
        case .pipeline(let event): pipelineSaid(event)
        case .message(let message): received(type: message["type"]?.string ?? "", data: message["data"] ?? .null)
        case .socketClosed: [.end(isStopping ? nil : BridgeError(.connectionLost, "The bridge closed the camera's socket."))]
        case .stop: stop()
        }
    }

    private mutating func stop() -> [Effect] {
        isStopping = true
        // Before the bridge closes its end: to a child that is not stopping, that is a lost connection.
        return [.send(type: "session_stop", data: [:]), .command(.stop(deadline: .seconds(1)))]
    }

    private mutating func pipelineSaid(_ event: PipelineEvent) -> [Effect] {
        switch event {
        case .localDescription(let sdp):
            offer = sdp
            var data: [String: JSONValue] = ["sdp": ["type": "offer", "sdp": .string(sdp)], "version": "3"]
            if let webhookURL { data["webhook_url"] = .string(webhookURL.revealed) }
            return [.send(type: "session_start", data: .object(data))]
        case .candidate(let candidate):
            return [.send(type: "candidate", data: ["candidate": Self.member(candidate)])]
        case .connected:
            // ICE may come back after a loss: the recording went on.
            guard !isLive else { return [] }
            isLive = true
            return [.live] + (recording.map { [.send(type: "recording_start", data: $0)] } ?? [])
        // Asked to stop, the camera waits for the bridge's last word.
        case .failed where isStopping, .finished where isStopping:
            return []
        case .failed(let error):
            return [.end(error)]
        case .finished:
            return [.end(BridgeError(.connectionLost, "The camera's pipeline ended."))]
        case .ready, .started, .disconnected, .keyframeNeeded, .firstFrame, .fileBegan, .fileEnded, .gap, .movieGrew, .movieEnded,
            .segmentClosed, .voice, .background, .picture,
            .pictureFailed, .microphone, .stats, .alive, .warning:
            return []
        }
    }

    private func received(type: String, data: JSONValue) -> [Effect] {
        switch type {
        case "sdp_update": answered(data["sdp"]?["sdp"]?.string ?? "")
        case "candidate": candidate(data["candidate"])
        case "recording_state": recordingState(data)
        case "session_terminated":
            [.end(isStopping ? nil : Self.terminated(data["termination_cause"]?.string))]
        case "error" where data["in_reply_to"]?.string == "session_start":
            [.end(BridgeError(.unacceptableOffer, "The bridge refused the camera: \(data["msg"]?.string ?? "")."))]
        case "error": [.refused("\(data["code"]?.string ?? ""): \(data["msg"]?.string ?? "")")]
        default: []
        }
    }

    private static func terminated(_ cause: String?) -> BridgeError {
        BridgeError(.connectionLost, "The bridge ended the session: \(cause ?? "no cause given").")
    }

    private func answered(_ sdp: String) -> [Effect] {
        guard let offer else { return [] }
        do throws(SDPError) {
            let answer = try AnswerGate.accept(sdp, offer: offer)
            return [.command(.remoteDescription(sdp: answer.sdp, fingerprints: answer.fingerprints))]
        } catch {
            return [.end(BridgeError(.unacceptableOffer, "The bridge's answer does not fit the camera's offer: \(error.description)."))]
        }
    }

    private func candidate(_ member: JSONValue?) -> [Effect] {
        guard let text = member?["candidate"]?.string, !text.isEmpty else { return [.command(.candidate(.end))] }
        let candidate = IceCandidate(candidate: text, sdpMid: member?["sdpMid"]?.string, sdpMLineIndex: 0)
        guard let parsed = try? CandidateGate.parse(candidate) else { return [] }
        return [.command(.candidate(IceCandidate(candidate: parsed.print(), sdpMid: candidate.sdpMid, sdpMLineIndex: 0)))]
    }

    private func recordingState(_ data: JSONValue) -> [Effect] {
        guard let state = data["state"]?.string.flatMap(RecordingState.init(signalingName:)), let id = data["rec_id"]?.string else {
            return []
        }
        return [.recording(state, id: id)]
    }

    private static func member(_ candidate: IceCandidate) -> JSONValue {
        guard !candidate.isEnd else { return .null }
        return [
            "candidate": .string(candidate.candidate), "sdpMid": candidate.sdpMid.map(JSONValue.string) ?? .null,
            "sdpMLineIndex": candidate.sdpMLineIndex.map { .number(Double($0)) } ?? .null,
        ]
    }
}
