package import Bridge
package import BridgeModel

/// A message from the bridge to a client (streamrec contract, 6.3).
package enum RTMReply: Sendable, Equatable {
    /// `sdp_update` with the bridge's complete answer.
    case answer(sdp: String)
    /// A candidate found after the answer.
    case candidate(IceCandidate)
    case recordingState(RecordingUpdate)
    /// The layers that a viewer could be sent, best first, and the choice in force; native dialect only.
    case layers([VideoLayer], choice: LayerChoice)
    case sessionTerminated(TerminationCause, message: String)
    case error(RTMError, inReplyTo: String?)

    /// The whole frame with all four members of the envelope; an unknown id is an empty text (6.5).
    package func frame(client: ClientID, session: SessionID?) -> JSONValue {
        [
            "type": .string(type), "client_id": .string(client.rawValue), "session_id": .string(session?.rawValue ?? ""), "data": data,
        ]
    }

    private var type: String {
        switch self {
        case .answer: "sdp_update"
        case .candidate: "candidate"
        case .recordingState: "recording_state"
        case .layers: "layers"
        case .sessionTerminated: "session_terminated"
        case .error: "error"
        }
    }

    private var data: JSONValue {
        switch self {
        case .answer(let sdp):
            ["sdp": ["type": "answer", "sdp": .string(sdp)]]
        case .candidate(let candidate):
            ["candidate": Self.member(candidate)]
        case .recordingState(let update):
            [
                "rec_id": .string(update.recording.rawValue), "state": .string(update.state.signalingName),
                "msg": .string(update.message), "at": .string(update.at.iso8601),
            ]
        case .layers(let layers, let choice):
            ["layers": .array(layers.map(Self.member)), "choice": Self.member(choice)]
        case .sessionTerminated(let cause, let message):
            ["termination_cause": .string(cause.rawValue), "msg": .string(message)]
        case .error(let error, let inReplyTo):
            [
                "code": .string(error.code.rawValue), "msg": .string(error.message),
                "in_reply_to": inReplyTo.map(JSONValue.string) ?? .null, "field": error.field.map(JSONValue.string) ?? .null,
            ]
        }
    }

    /// `RTCIceCandidateInit`: absent members are null.
    private static func member(_ candidate: IceCandidate) -> JSONValue {
        guard !candidate.isEnd else { return .null }
        return [
            "candidate": .string(candidate.candidate), "sdpMid": candidate.sdpMid.map(JSONValue.string) ?? .null,
            "sdpMLineIndex": candidate.sdpMLineIndex.map { .number(Double($0)) } ?? .null,
        ]
    }
}

// MARK: - Layers

extension RTMReply {
    /// What is not known, or does not apply, is null.
    private static func member(_ layer: VideoLayer) -> JSONValue {
        [
            "mid": .string(layer.mid), "rid": layer.rid.map(JSONValue.string) ?? .null, "spatial_id": .number(Double(layer.spatialID)),
            "temporal_id": .number(Double(layer.temporalID)), "bitrate": .number(Double(layer.bitrate)), "width": number(layer.width),
            "height": number(layer.height),
        ]
    }

    /// As `layer_select` had it, so that only what was asked for is there.
    private static func member(_ choice: LayerChoice) -> JSONValue {
        let members: [(String, JSONValue)] = [
            ("mid", choice.mid.map(JSONValue.string) ?? .null), ("rid", choice.rid.map(JSONValue.string) ?? .null),
            ("spatial_id", number(choice.spatialID)), ("temporal_id", number(choice.temporalID)),
            ("max_spatial_id", number(choice.highestSpatialID)), ("max_temporal_id", number(choice.highestTemporalID)),
            ("max_width", number(choice.greatestWidth)), ("max_height", number(choice.greatestHeight)),
        ]
        return .object(Dictionary(uniqueKeysWithValues: members.filter { !$0.1.isNull }))
    }

    private static func number(_ value: Int?) -> JSONValue { value.map { .number(Double($0)) } ?? .null }
}
