package import Bridge
package import BridgeModel
internal import SDP

/// Offers of the bridge to viewers whose own it cannot accept.
extension EdgeDirector: OfferingEngine {
    /// See `OfferingEngine.offer`: one section a kind, since a WHEP session has one track of each.
    package func offer(
        _ context: SessionContext, events: @escaping @Sendable (PeerEvent) -> Void
    ) async throws(BridgeError) -> EngineOffer {
        guard let source = try await streams.admit(context) else {
            throw BridgeError(.forbidden, "The bridge makes offers to viewers only.")
        }
        let id = PeerID(RandomUUID.text())
        var random = SystemRandomNumberGenerator()
        let description: BridgeOffer
        let tracks = await offered(source.tracks, of: context.stream)
        do throws(SDPError) {
            description = try BridgeOffer(sending: tracks, cname: id.rawValue, policy: Self.policy, using: &random)
        } catch {
            throw BridgeError(.unacceptableOffer, error.description)
        }
        let endpoint = try edge.prepare(id, for: .watch(context.stream))
        offers[id] = EdgeOffer(context: context, description: description, tracks: source.tracks, tell: events)
        let transport = LocalTransport(endpoint, session: UInt64.random(in: 1...UInt64(Int64.max), using: &random))
        return EngineOffer(peer: id, sdp: description.offer(transport).print())
    }

    /// See `OfferingEngine.accept`.
    package func accept(_ answer: String, of id: PeerID) throws(BridgeError) {
        guard let offer = offers[id] else { throw BridgeError(.notFound, "The offer is not there any more.") }
        do throws(SDPError) {
            let negotiated = try offer.description.accept(answer)
            offers[id] = nil
            begin(id, offer.context, as: negotiated, offer.tracks, offer.tell)
        } catch {
            throw BridgeError(.unacceptableOffer, error.description)
        }
    }
}

/// An offer that waits for its answer.
struct EdgeOffer {
    let context: SessionContext
    let description: BridgeOffer
    /// Of the stream that it watches.
    let tracks: [TrackDescription]
    let tell: @Sendable (PeerEvent) -> Void
}

extension BridgeOffer {
    /// The first track of each kind that viewers can play, each with sources of its own.
    fileprivate init(
        sending tracks: [OfferedTrack], cname: String, policy: NegotiationPolicy, using random: inout some RandomNumberGenerator
    ) throws(SDPError) {
        self.init(policy: policy)
        var first = UInt32.random(in: 1..<UInt32.max / 2, using: &random)
        for kind in MediaKind.allCases {
            guard let track = tracks.first(where: { $0.description.kind == kind && $0.description.codec != .aac }) else { continue }
            try send(track, source: MediaSource(ssrc: first, rtx: kind == .video ? first + 1 : nil, cname: cname))
            first += 2
        }
    }
}
