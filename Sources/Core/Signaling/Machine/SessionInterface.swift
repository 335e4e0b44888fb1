package import Bridge
package import BridgeModel

/// One peer of a session, numbered before the engine has named it.
package struct PeerSlot: Hashable, Sendable {
    package let rawValue: Int
    package init(_ rawValue: Int) { self.rawValue = rawValue }
}

/// The states of a session (streamrec contract, 6.4).
package enum SessionPhase: String, Sendable, CaseIterable {
    case new = "NEW"
    case negotiating = "NEGOTIATING"
    case active = "ACTIVE"
    case detached = "DETACHED"
    case ending = "ENDING"
    case terminated = "TERMINATED"
}

extension SessionMachine {
    /// What happens to a session.
    package enum Input: Sendable, Equatable {
        /// A well-formed message that names this session, from a socket whose token owns it.
        case request(RTMRequest, from: SocketID)
        /// A frame of a bound socket that was refused before it got here; its error keeps its place among the replies.
        case fault(RTMFault, from: SocketID)
        case socketClosed(SocketID, SocketEnd)
        case peer(PeerSlot, PeerEvent)
        case recording(RecordingUpdate)
        /// The answer to an `Effect.call`; the calls of one machine are made one after another, in order.
        case outcome(ServiceOutcome)
        /// Somebody else ends the session.
        case end(TerminationCause)
        /// `deadline` is reached.
        case time
    }

    /// How a socket ended.
    package enum SocketEnd: Sendable, Equatable {
        /// The client closed it with 1000, 1001 or no code (1005): it is done.
        case byClient
        /// Everything else, protocol faults included: the session may be taken up again.
        case lost

        /// From the close code that the transport reports (RFC 6455 section 7.4.1).
        package init(code: UInt16) {
            switch code {
            case 1000, 1001, 1005: self = .byClient
            default: self = .lost
            }
        }
    }

    /// What the shell is to do, in order.
    package enum Effect: Sendable, Equatable {
        case send(RTMReply, to: SocketID)
        case close(SocketID, CloseCode)
        /// Ask the bridge; all but `closePeer` are answered by `Input.outcome`.
        case call(ServiceCall)
        /// The session is over and nothing follows: forget the machine.
        case retire(Retirement)
    }

    /// How a machine came to its end.
    package enum Retirement: Sendable, Equatable {
        /// Latecomers hear `session_ended`.
        case ended
        /// It was never started, or is unknown to the bridge: latecomers hear `session_not_found`.
        case expired
    }

    /// What the session asks of `SessionServices`.
    package enum ServiceCall: Sendable, Equatable {
        case openPeer(PeerSlot, offer: String)
        /// `sessionStarted`, once the first offer is accepted.
        case recordSession(webhookURL: Redacted<String>?)
        case addCandidate(IceCandidate, to: PeerID)
        /// Another ICE session of a peer.
        case restartPeer(PeerID, IceRestartOffer)
        case closePeer(PeerID)
        case startRecording(RecordingStart)
        case stopRecording(RecordingID)
        /// What a watching peer could be sent now.
        case readLayers(of: PeerID)
        case selectLayer(LayerChoice, of: PeerID)
        /// `sessionEnded`: once in the life of every recorded session.
        case endSession(TerminationCause)
    }

    /// What came of a `ServiceCall`.
    package enum ServiceOutcome: Sendable, Equatable {
        case peerOpened(PeerSlot, PeerID)
        case peerRefused(PeerSlot, BridgeError)
        case sessionRecorded
        case sessionRefused(BridgeError)
        case candidateApplied
        case candidateRefused(BridgeError)
        case peerRestarted(PeerID, IceRestartAnswer)
        case restartRefused(PeerID, BridgeError)
        case recordingStarted(RecordingID)
        case recordingRefused(BridgeError)
        case recordingStopping(RecordingID)
        case stopRefused(RecordingID, BridgeError)
        case layersRead([VideoLayer], of: PeerID)
        /// With the layers that there are now.
        case layerSelected(LayerChoice, [VideoLayer])
        case layerRefused(BridgeError)
        case sessionEnded
    }
}

extension TerminationCause {
    /// How the socket is closed after `session_terminated` (6.5).
    var closeCode: CloseCode {
        switch self {
        case .serverShutdown: .goingAway
        case .replaced: .takenOver
        case .internalError: .internalFault
        case .connectionError, .connectionTimeout, .clientStop, .monitoredSessionEnded, .tokenRevoked, .maximumDuration, .policy: .normal
        }
    }

    /// One sentence for people.
    var sentence: String {
        switch self {
        case .connectionError: "the media connection or the socket was lost"
        case .connectionTimeout: "the media connection did not come up, or went silent, for too long"
        case .clientStop: "the client ended the session"
        case .replaced: "a newer session of this client took over"
        case .monitoredSessionEnded: "the watched session ended"
        case .tokenRevoked: "the token was revoked"
        case .maximumDuration: "the longest duration of a session is reached"
        case .serverShutdown: "the bridge is shutting down"
        case .policy: "a limit of the account is reached"
        case .internalError: "the bridge met a fault; start a new session"
        }
    }

    /// The cause that a peer's end is to its session (6.4 rule 1).
    init(peerEnd error: BridgeError?, direction: SessionContext.Direction) {
        switch error?.code {
        case nil, .connectionLost, .fingerprintMismatch: self = .connectionError
        case .connectionTimeout, .noMedia: self = .connectionTimeout
        case .notFound: self = direction == .watch ? .monitoredSessionEnded : .internalError
        case .limitReached, .forbidden: self = .policy
        default: self = .internalError
        }
    }
}
