import BridgeModel
import SDP

private let transport = LocalTransport(
    ufrag: "ufrag", password: Redacted("0123456789012345678901"),
    fingerprints: [Fingerprint(algorithm: "sha-256", value: "AB" + String(repeating: ":AB", count: 31))],
    candidates: [LocalCandidate(address: "192.0.2.1", port: 8189)], session: (id: 1, version: 1))

private let tracks = [
    OfferedTrack(
        TrackDescription(index: 0, codec: .h264, payloadType: 102, formatParameters: "packetization-mode=1", mid: "0"),
        profile: .h264(profile: 0x42, constraints: 0xC0, level: 31)),
    OfferedTrack(TrackDescription(index: 1, codec: .opus, payloadType: 111, channels: 2, mid: "1")),
    OfferedTrack(TrackDescription(index: 2, codec: .vp8, payloadType: 96, mid: "2")),
]

/// Counts on, so that sources are distinct.
private struct Counter: RandomNumberGenerator {
    var state: UInt64 = 0
    mutating func next() -> UInt64 {
        state &+= 0x0100_0000_0100_0001
        return state
    }
}

/// The default and one that takes everything.
private let policies: [NegotiationPolicy] = {
    var lenient = NegotiationPolicy()
    lenient.allowsRedundancy = true
    lenient.preference = .bridge
    lenient.extensions = Set(HeaderExtensionKind.allCases)
    return [NegotiationPolicy(), lenient]
}()

/// An offer of ours to which the text may be the answer.
private let ours: BridgeOffer = {
    var offer = BridgeOffer(policy: NegotiationPolicy())
    for track in tracks { _ = try? offer.send(track, source: MediaSource(ssrc: 1, rtx: 2)) }
    return offer
}()

/// What the edge makes of a peer's text, as an offer of a publisher and of a viewer and as an answer to an offer of ours.
func fuzzEdgeOffer(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    let policy = policies[bytes.count % 2]
    if let offer = try? PeerOffer(text) {
        if let published = try? offer.acceptPublish(policy: policy) { check(published, policy: policy) }
        if let watched = try? offer.acceptWatch(tracks: tracks, policy: policy) { check(watched, policy: policy) }
    }
    if let peer = try? ours.accept(text) {
        precondition(!peer.sections.isEmpty)
        precondition((try? IceParameters(answer: text))?.ufrag == peer.remote.ufrag)
    }
}

/// What is settled must hold together, and every description of ours must be one that our parser reads back unchanged.
private func check(_ negotiated: NegotiatedOffer, policy: NegotiationPolicy) {
    var negotiated = negotiated
    var random = Counter()
    negotiated.peer.assignSources(cname: "fuzz", using: &random)
    let answer = negotiated.answer(transport)
    precondition((try? SessionDescription.parse(answer.print())) == answer)
    var ids: [UInt8: HeaderExtensionKind] = [:]
    for section in negotiated.peer.sections {
        precondition(answer.sections[section.index].formats.first == "\(section.format.payloadType)")
        for item in section.extensions { precondition(ids.updateValue(item.kind, forKey: item.id) ?? item.kind == item.kind) }
    }
    let again = BridgeOffer(continuing: negotiated, policy: policy).offer(transport)
    precondition((try? SessionDescription.parse(again.print())) == again)
}
