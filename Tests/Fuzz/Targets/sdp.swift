import BridgeModel
import SDP

/// The gates through which a peer's text reaches the engine: offers of publishers and viewers, and candidates.
func fuzzSDP(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    let tracks = [
        TrackDescription(index: 0, codec: .h264, payloadType: 102, mid: "0"),
        TrackDescription(index: 1, codec: .opus, payloadType: 111, channels: 2, mid: "1"),
    ]
    for policy in [GatePolicy(), GatePolicy(allowsH265: true)] {
        if let accepted = try? OfferGate.acceptPublish(text, policy: policy) {
            // What we print for the engine, we must accept ourselves.
            precondition((try? OfferGate.acceptPublish(accepted.engineOffer, policy: policy)) != nil)
            _ = try? accepted.finishAnswer(engineAnswer: text)
        }
        _ = try? OfferGate.acceptView(text, tracks: tracks, policy: policy)
    }
    _ = try? CandidateGate.parse(IceCandidate(candidate: text))
}
