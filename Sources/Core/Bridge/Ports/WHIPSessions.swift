package import BridgeModel

/// WHIP and WHEP sessions (RFC 9725, draft-ietf-wish-whep) as the HTTP API commands them: a session is one resource with one peer. Implemented
/// by SignalingPlane. The caller has checked tokens and grants.
package protocol WHIPSessions: Sendable {
    /// Opens a peer for the offer and returns with the answer, which holds every candidate of the bridge; or, to a viewer whose offer cannot be
    /// accepted, with an offer of the bridge where its engine makes any. A publisher takes the place of an
    /// earlier session of the same client and stream; when another client publishes the stream, this throws `occupied`.
    func create(_ order: WHIPOrder) async throws(WHIPError) -> WHIPAnswer
    /// What a session is, also for some time after its end; nil when there was none of this id.
    func session(_ id: SessionID) async -> WHIPSessionSummary?
    /// Adds candidates or restarts ICE, for which the condition is checked first; or completes a session that began with the bridge's offer.
    func patch(_ id: SessionID, _ change: WHIPChange, if condition: EntityTagCondition) async throws(WHIPError) -> WHIPPatchOutcome
    /// Ends a session; returns when its end is durable and its peer is closed. Does nothing when it is over. Throws `notFound`.
    func end(_ id: SessionID) async throws(WHIPError)
    /// Makes a stream of events of a watching session, with the kinds that are asked for. Throws `notFound`, `tooMany`.
    func openEvents(of id: SessionID, _ kinds: Set<WHEPEvent.Kind>) async throws(WHIPError) -> WHEPEventStreamID
    /// The events of such a stream, or, without its id, of all kinds: first those that tell what is, then what changes. A second reader takes
    /// the place of the first. It ends with the session or the stream of events. Throws `notFound`.
    func events(of id: SessionID, stream: WHEPEventStreamID?) async throws(WHIPError) -> AsyncStream<WHEPEvent>
    /// Ends a stream of events. Throws `notFound`.
    func closeEvents(_ stream: WHEPEventStreamID, of id: SessionID) async throws(WHIPError)
    /// Chooses what a viewer is sent. `section` counts the answer's media sections from 0; nil: the first with video. Throws `notFound`,
    /// `unsupported` when there is no such layer or section.
    func selectLayer(_ choice: LayerChoice, section: Int?, for id: SessionID) async throws(WHIPError)
}

/// What becomes a session.
package struct WHIPOrder: Sendable, Equatable {
    /// Who asks; the session is its client's.
    package var grant: Grant
    /// Publish is WHIP, watch is WHEP.
    package var direction: SessionContext.Direction
    package var stream: StreamID
    /// The whole SDP offer.
    package var offer: String

    package init(grant: Grant, direction: SessionContext.Direction, stream: StreamID, offer: String) {
        self.grant = grant
        self.direction = direction
        self.stream = stream
        self.offer = offer
    }
}

/// What a POST is answered with.
package struct WHIPAnswer: Sendable, Equatable {
    package var context: SessionContext
    /// The whole SDP answer, or the whole counter-offer.
    package var sdp: String
    /// Names the first ICE session.
    package var tag: EntityTag
    /// `sdp` is an offer of the bridge: there is a session when it is answered.
    package var isCounterOffer: Bool

    package init(context: SessionContext, sdp: String, tag: EntityTag, isCounterOffer: Bool = false) {
        self.context = context
        self.sdp = sdp
        self.tag = tag
        self.isCounterOffer = isCounterOffer
    }
}

/// A session as its later requests have to know it.
package struct WHIPSessionSummary: Sendable, Equatable {
    package var context: SessionContext
    /// It takes no more requests but to end it, which then changes nothing.
    package var isOver: Bool
    /// It waits for the answer to the bridge's offer, and takes nothing else but its end.
    package var awaitsAnswer: Bool

    package init(context: SessionContext, isOver: Bool, awaitsAnswer: Bool = false) {
        self.context = context
        self.isOver = isOver
        self.awaitsAnswer = awaitsAnswer
    }
}

/// A strong entity-tag (RFC 9110 section 8.8.3): names one ICE session.
package struct EntityTag: Sendable, Hashable {
    /// What stands between the quotation marks.
    package let opaque: String
    /// Wraps text that has been checked, or was made here.
    package init(_ opaque: String) { self.opaque = opaque }
}

/// What a request says with `If-Match` (RFC 9110 section 13.1.1).
package enum EntityTagCondition: Sendable, Equatable {
    /// No such field.
    case absent
    /// `*`: whatever there is.
    case any
    /// One of these; weak tags are left out, because they never match.
    case oneOf([EntityTag])
}

/// What a PATCH brings.
package enum WHIPChange: Sendable, Equatable {
    /// A fragment of SDP.
    case ice(IceChange)
    /// The whole SDP answer to the bridge's offer (draft-ietf-wish-whep).
    case answer(String)
}

/// What a fragment of SDP (RFC 8840) brings.
package struct IceChange: Sendable, Equatable {
    /// Of the ICE session that is meant, or of a new one; nil when the fragment does not say.
    package var credentials: IceParameters?
    /// In their order; the end mark among them.
    package var candidates: [IceCandidate]

    package init(credentials: IceParameters?, candidates: [IceCandidate]) {
        self.credentials = credentials
        self.candidates = candidates
    }
}

/// What came of a PATCH.
package enum WHIPPatchOutcome: Sendable, Equatable {
    /// The candidates were taken.
    case trickled
    /// Another ICE session has begun.
    case restarted(IceRestartAnswer, EntityTag)
    /// The bridge's offer is answered: the session is there, with its first ICE session.
    case accepted(EntityTag)
}

/// A stream of server-sent events: hard to guess, because a browser's EventSource cannot show a token.
package struct WHEPEventStreamID: Sendable, Hashable {
    package let rawValue: String
    package init(_ rawValue: String) { self.rawValue = rawValue }
}

/// What a viewer is told (draft-ietf-wish-whep, server-sent events extension).
package enum WHEPEvent: Sendable, Equatable {
    /// The stream has a source.
    case active
    /// The stream's source is gone for now.
    case inactive
    /// The layers of each video section; `section` counts the answer's media sections from 0.
    case layers([SectionLayers])
    case viewerCount(Int)

    /// The layers of one section, best first.
    package struct SectionLayers: Sendable, Equatable {
        package var section: Int
        package var layers: [VideoLayer]

        package init(section: Int, layers: [VideoLayer]) {
            self.section = section
            self.layers = layers
        }
    }

    /// The names on the wire.
    package enum Kind: String, Sendable, CaseIterable {
        case active, inactive, layers
        case viewerCount = "viewercount"
    }

    package var kind: Kind {
        switch self {
        case .active: .active
        case .inactive: .inactive
        case .layers: .layers
        case .viewerCount: .viewerCount
        }
    }
}

/// Why a request about a session is refused.
package enum WHIPError: Error, Sendable, Equatable {
    /// There is no such session or event stream, or it is over.
    case notFound
    /// The offer or the fragment breaks its grammar.
    case malformed(String)
    /// The offer is well-formed, but holds nothing that the bridge can carry, or something that it cannot.
    case unacceptable(String)
    /// The answer is well-formed, but does not fit the bridge's offer, which stands for another.
    case unacceptableAnswer(String)
    /// Another client publishes the stream.
    case occupied
    /// Nobody publishes the stream now.
    case notPublished
    /// `If-Match` names another ICE session.
    case stale
    /// `If-Match` is missing.
    case unconditional
    /// The engine cannot do it, or there is no such layer.
    case unsupported(String)
    /// More than one session may ask for, or has.
    case tooMany(String)
    /// A failure of the bridge.
    case bridge(BridgeError)
}
