package import BridgeModel

/// An engine that makes offers of its own to viewers whose offers it cannot accept (draft-ietf-wish-whep, server sends counter-offer). Such a peer
/// lives from `offer` to its event `ended`, which comes only when its answer was accepted; before, `PeerEngine.close` lets go of it silently.
package protocol OfferingEngine: Sendable {
    /// Reserves a peer for a watching session and returns at once with what it would send. Throws `not_found` (nothing to watch) and
    /// `limit_reached`.
    func offer(_ context: SessionContext, events: @escaping @Sendable (PeerEvent) -> Void) async throws(BridgeError) -> EngineOffer
    /// Lets the peer in as its answer says; everything else comes as events, in order. When it throws `unacceptable_offer`, the offer stands for
    /// another answer. Throws `not_found` for a peer that is gone or was not offered.
    func accept(_ answer: String, of id: PeerID) async throws(BridgeError)
}

/// An offer of the engine.
package struct EngineOffer: Sendable, Equatable {
    /// The peer that is reserved.
    package var peer: PeerID
    /// The whole SDP offer with every candidate.
    package var sdp: String

    package init(peer: PeerID, sdp: String) {
        self.peer = peer
        self.sdp = sdp
    }
}
