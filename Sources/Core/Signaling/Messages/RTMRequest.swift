package import Bridge
package import BridgeModel

/// A message from a client, read and checked for form (streamrec contract, 6.3). SDP is opaque here apart from its type and size.
package enum RTMRequest: Sendable, Equatable {
    /// Opens the session with the client's offer.
    case sessionStart(SessionOpening)
    /// Opens a supervisor's session on the session that it names.
    case supervisorJoin(SessionOpening, monitored: SessionID)
    /// A further description of a running session.
    case descriptionUpdate(SessionDescription)
    /// A trickled candidate; `.end` for null or empty text.
    case candidate(IceCandidate)
    case recordingStart(RecordingStart)
    /// nil: whichever recording runs.
    case recordingStop(RecordingID?)
    /// Which layer a viewer wants to be sent; native dialect only.
    case layerSelect(LayerChoice)
    case sessionStop

    /// Types that a client may send.
    package enum Kind: String, Sendable, CaseIterable {
        case sessionStart = "session_start"
        case supervisorJoin = "supervisor_join_session"
        case descriptionUpdate = "sdp_update"
        case candidate
        case recordingStart = "recording_start"
        case recordingStop = "recording_stop"
        case layerSelect = "layer_select"
        case sessionStop = "session_stop"

        /// Whether a path has this type; for others it is an unknown one, as in the streamrec contract.
        func isKnown(on path: RTMPath) -> Bool { self != .layerSelect || path == .native }
    }

    /// The `type` of the frame.
    package var kind: Kind {
        switch self {
        case .sessionStart: .sessionStart
        case .supervisorJoin: .supervisorJoin
        case .descriptionUpdate: .descriptionUpdate
        case .candidate: .candidate
        case .recordingStart: .recordingStart
        case .recordingStop: .recordingStop
        case .layerSelect: .layerSelect
        case .sessionStop: .sessionStop
        }
    }
}

/// What opens a session, whichever message brings it.
package struct SessionOpening: Sendable, Equatable {
    /// SDP offer, at most `RTMForm.maximumDescriptionBytes`; never logged.
    package var offer: String
    /// Receives the session's webhooks; its form is checked, its address is not.
    package var webhookURL: Redacted<String>?
    /// SDK version; clients that give one answer offers of the bridge.
    package var version: String?
    /// The viewer asks for `layers` messages; native dialect only.
    package var wantsLayers: Bool

    package init(offer: String, webhookURL: Redacted<String>? = nil, version: String? = nil, wantsLayers: Bool = false) {
        self.offer = offer
        self.webhookURL = webhookURL
        self.version = version
        self.wantsLayers = wantsLayers
    }
}

/// `RTCSessionDescriptionInit`, restricted to offer and answer.
package struct SessionDescription: Sendable, Equatable {
    package var kind: Kind
    /// At most `RTMForm.maximumDescriptionBytes`; never logged.
    package var sdp: String

    package init(kind: Kind, sdp: String) {
        self.kind = kind
        self.sdp = sdp
    }

    /// `RTCSdpType` without `pranswer` and `rollback`, which the contract does not have.
    package enum Kind: String, Sendable, CaseIterable {
        case offer, answer
    }
}

/// The `data` of `recording_start`.
package struct RecordingStart: Sendable, Equatable {
    /// Where the file goes; a bearer secret. nil: the bridge keeps it or uses its configured destination.
    package var uploadURL: Redacted<String>?
    package var webhookURL: Redacted<String>?
    /// Video section to record, 0 to 2; nil records all of them.
    package var stream: Int?

    package init(uploadURL: Redacted<String>? = nil, webhookURL: Redacted<String>? = nil, stream: Int? = nil) {
        self.uploadURL = uploadURL
        self.webhookURL = webhookURL
        self.stream = stream
    }
}
