package import Bridge
package import BridgeModel
package import SDP

/// One PATCH that waits for its reply.
package struct WHIPRequestID: Hashable, Sendable {
    package let rawValue: UInt64
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }
}

/// Where a WHIP or WHEP session stands.
package enum WHIPPhase: String, Sendable, CaseIterable {
    /// The offer is with the engine, or the session is being made durable; nobody knows its URL.
    case opening
    /// Our offer is with the viewer; nobody but it knows of the session.
    case offered
    /// Answered; ICE and DTLS are not up.
    case connecting
    case connected
    /// Consent or the transport is gone for now: the session waits for its return.
    case disconnected
    case ending
    case over
}

/// The times and sizes that bound a WHIP or WHEP session.
package struct WHIPLimits: Sendable, Equatable {
    /// From the accepted offer to the engine's answer: a client waits for it with its request open.
    package var answer: Duration = .seconds(10)
    /// From our offer to its answer: 30 s from the reply on (draft-ietf-wish-whep), and a little for what is on its way.
    package var counterOffer: Duration = .seconds(32)
    /// From the answer to ICE and DTLS up.
    package var connection: Duration = .seconds(30)
    /// Without consent (RFC 7675 section 5.1).
    package var consent: Duration = .seconds(30)
    /// How long a client that broke its media off has to say why: its DELETE goes another way, and comes last with many clients.
    package var lastWord: Duration = .milliseconds(500)
    /// From the answer to the forced end.
    package var maximumAge: Duration = .seconds(12 * 3600)
    /// Candidates of a session in all; what is more is refused.
    package var candidates = 256
    /// How many PATCH requests come at most.
    package var requests = SocketLimits()

    package init() {
        // Browsers trickle a handful of candidates; more than a few requests a second are none of theirs (RFC 9725 section 5).
        requests.messagesPerSecond = 10
        requests.messageBurst = 30
    }
}

extension WHIPMachine {
    /// What happens to a session.
    package enum Input: Sendable, Equatable {
        /// The offer is to be opened; the first input.
        case open
        case peer(PeerEvent)
        /// The answer to an `Effect.call`; the calls of one machine are made one after another, in order.
        case outcome(Outcome)
        case patch(WHIPChange, EntityTagCondition, WHIPRequestID)
        /// Somebody ends the session: its client, or the bridge.
        case end(TerminationCause)
        /// `deadline` is reached.
        case time
    }

    /// What the shell is to do, in order.
    package enum Effect: Sendable, Equatable {
        /// Ask the bridge; `addCandidate` and `closePeer` have no outcome, all others exactly one.
        case call(Call)
        /// Answer the POST.
        case answer(Result<WHIPAnswer, WHIPError>)
        /// Answer a PATCH.
        case reply(WHIPRequestID, Result<WHIPPatchOutcome, WHIPError>)
        /// The session is over and nothing follows: forget the machine.
        case retire
    }

    /// What the session asks of `PeerEngine`, `OfferingEngine` and `SessionServices`.
    package enum Call: Sendable, Equatable {
        case openPeer(offer: ReceivedOffer)
        /// The client's offer is of no use: ours goes to it instead.
        case offerPeer
        case acceptAnswer(String, of: PeerID, for: WHIPRequestID)
        /// `sessionStarted`, once the engine has answered.
        case recordSession
        case addCandidate(IceCandidate, to: PeerID)
        case restart(PeerID, IceRestartOffer, for: WHIPRequestID)
        case closePeer(PeerID)
        /// `sessionEnded`: once in the life of every recorded session.
        case endSession(TerminationCause)
    }

    /// What came of a `Call`.
    package enum Outcome: Sendable, Equatable {
        case peerOpened(PeerID)
        case peerOffered(EngineOffer)
        case answerAccepted(WHIPRequestID)
        case answerRefused(WHIPRequestID, BridgeError)
        case peerRefused(BridgeError)
        case sessionRecorded
        case sessionRefused(BridgeError)
        case restarted(WHIPRequestID, IceRestartAnswer)
        case restartRefused(WHIPRequestID, BridgeError)
        case sessionEnded
    }
}

extension WHIPError {
    /// An engine's refusal of an offer, or the end of a peer that had not answered yet.
    init(opening error: BridgeError, direction: SessionContext.Direction) {
        switch error.code {
        case .unacceptableOffer, .invalidField: self = .unacceptable(error.message)
        case .notFound where direction == .watch: self = .notPublished
        // Of the bridge as a whole, not of one caller's budget.
        case .limitReached, .pipelineUnavailable: self = .bridge(BridgeError(.unavailable, error.message))
        default: self = .bridge(error)
        }
    }
}
