package import BridgeModel
package import SDP

/// An engine that terminates inbound WebRTC peers: ICE, DTLS, and media to or from the hub. Implemented by ControlPlane on webrtcbin children.
///
/// A peer lives from `open` to its event `ended`, which comes exactly once. Calls for a peer that is over or was never there do nothing
/// unless they say otherwise.
package protocol PeerEngine: PeerLayers {
    /// What the engine can do after the first offer and answer; fixed for its life.
    var abilities: PeerAbilities { get }
    /// Checks the offer, reserves what it needs and returns at once with the peer's id; everything else comes as events, in order, and the
    /// last is `ended`. Events may come before this returns. Throws `unacceptable_offer`, `not_found` (nothing to watch), `limit_reached`,
    /// `pipeline_unavailable`.
    func open(
        _ context: SessionContext, offer: ReceivedOffer, events: @escaping @Sendable (PeerEvent) -> Void
    ) async throws(BridgeError) -> PeerID
    /// Applies a candidate of the peer, in call order; text that does not parse throws `invalid_field`.
    func add(_ candidate: IceCandidate, to id: PeerID) async throws(BridgeError)
    /// Begins another ICE session with the peer (RFC 8445 section 9); what was negotiated besides ICE stays. When it throws, the former ICE
    /// session goes on. Throws `not_found` for an unknown peer, `unavailable` when it cannot be done now or not at all.
    func restart(_ id: PeerID, with offer: IceRestartOffer) async throws(BridgeError) -> IceRestartAnswer
    /// Ends a peer and returns when its stream or subscription is gone.
    func close(_ id: PeerID) async
    /// What the newest publishing peer of a session sends, also before it is connected; nil without one.
    func tracks(of session: SessionID) async -> [TrackDescription]?
}

/// What an engine can send its watching peers. Every `PeerEngine` has it.
package protocol PeerLayers: Sendable {
    /// The video layers that a watching peer could be sent now, best first; empty without video or for an unknown peer.
    func layers(of id: PeerID) async -> [VideoLayer]
    /// Sends the best layer within this choice from now on; nothing in it means the engine's own judgement again. Throws `not_found` for an
    /// unknown peer and `invalid_field` when there is no such layer or section.
    func select(_ choice: LayerChoice, for id: PeerID) async throws(BridgeError)
}

/// What an engine can do after the first offer and answer.
package struct PeerAbilities: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Takes candidates after the offer (RFC 8838).
    package static let trickle = PeerAbilities(rawValue: 1)
    /// Begins another ICE session without another offer.
    package static let restart = PeerAbilities(rawValue: 2)
    /// Makes offers to viewers: it is an `OfferingEngine` too.
    package static let offers = PeerAbilities(rawValue: 4)
}

/// The peer's side of an ICE restart.
package struct IceRestartOffer: Sendable, Equatable {
    /// Of the new ICE session.
    package var credentials: IceParameters
    /// The peer's candidates for it, in their order; they replace all earlier ones (RFC 8839 section 4.4.1.1.1).
    package var candidates: [IceCandidate]

    package init(credentials: IceParameters, candidates: [IceCandidate]) {
        self.credentials = credentials
        self.candidates = candidates
    }
}

/// The other side of an ICE restart than the one that began it: an engine of ours, or a conference elsewhere.
package struct IceRestartAnswer: Codable, Sendable, Equatable {
    /// Of the new ICE session.
    package var credentials: IceParameters
    /// `candidate:...` lines, complete: no more follow.
    package var candidates: [String]
    /// It has only the lite half of ICE, as its answer said (RFC 8445 section 2.5).
    package var isLite: Bool

    package init(credentials: IceParameters, candidates: [String], isLite: Bool) {
        self.credentials = credentials
        self.candidates = candidates
        self.isLite = isLite
    }

    /// What a fragment says, with the candidates that can be used; nil without credentials.
    package init?(_ fragment: TrickleFragment) {
        guard let credentials = fragment.credentials else { return nil }
        let usable = fragment.candidates.compactMap { try? CandidateGate.parse($0)?.print() }
        self.init(credentials: credentials, candidates: usable, isLite: fragment.isLite)
    }
}

/// One quality of a video track that a viewer can be sent: a simulcast encoding, or a layer inside one.
package struct VideoLayer: Sendable, Equatable {
    /// The section of the viewer's description that it is sent in.
    package var mid: String
    /// The simulcast encoding (RFC 8851); nil when the source sends one only.
    package var rid: String?
    /// 0 is the lowest.
    package var spatialID: UInt8
    /// 0 is the lowest.
    package var temporalID: UInt8
    /// What it costs now, in bits a second; 0 while it is not sent.
    package var bitrate: Int64
    /// Pixels; nil where they are not known.
    package var width: Int?
    /// Pixels; nil where they are not known.
    package var height: Int?

    package init(
        mid: String, rid: String? = nil, spatialID: UInt8 = 0, temporalID: UInt8 = 0, bitrate: Int64, width: Int? = nil, height: Int? = nil
    ) {
        self.mid = mid
        self.rid = rid
        self.spatialID = spatialID
        self.temporalID = temporalID
        self.bitrate = bitrate
        self.width = width
        self.height = height
    }
}

/// Which layer a viewer wants; members that are nil leave the engine free.
package struct LayerChoice: Sendable, Equatable {
    /// The section that is meant; nil: the first video section.
    package var mid: String?
    /// Exactly this simulcast encoding.
    package var rid: String?
    /// Exactly this spatial layer.
    package var spatialID: Int?
    /// Exactly this temporal layer.
    package var temporalID: Int?
    /// At most this spatial layer.
    package var highestSpatialID: Int?
    /// At most this temporal layer.
    package var highestTemporalID: Int?
    /// At most so many pixels.
    package var greatestWidth: Int?
    /// At most so many pixels.
    package var greatestHeight: Int?

    /// The engine's own judgement.
    package init() {}

    /// Whether a layer is within the choice; what is not known of a layer does not exclude it.
    package func admits(_ layer: VideoLayer) -> Bool {
        (mid ?? layer.mid) == layer.mid && (rid == nil || rid == layer.rid)
            && (spatialID ?? Int(layer.spatialID)) == Int(layer.spatialID)
            && (temporalID ?? Int(layer.temporalID)) == Int(layer.temporalID)
            && Int(layer.spatialID) <= highestSpatialID ?? .max && Int(layer.temporalID) <= highestTemporalID ?? .max
            && layer.width ?? 0 <= greatestWidth ?? .max && layer.height ?? 0 <= greatestHeight ?? .max
    }
}
