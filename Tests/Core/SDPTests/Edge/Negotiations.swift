import BridgeModel
import Foundation
import Testing

import SDP

/// What the tests of the edge's negotiation share: our transport, streams to watch, and negotiations as text.
enum Negotiations {
    static let transport = LocalTransport(
        ufrag: "w1x9Kq3z", password: Redacted("bridgePasswordOf24Chars0"),
        fingerprints: [Fingerprint(algorithm: "sha-256", value: "CD" + String(repeating: ":CD", count: 31))],
        candidates: [
            LocalCandidate(address: "192.0.2.10", port: 8189), LocalCandidate(address: "2001:db8::10", port: 8189),
            LocalCandidate(address: "192.0.2.10", port: 8189, transport: .tcpPassive),
        ], session: (id: 4242, version: 1))

    static func audio(_ codec: Codec = .opus, parameters: String = "minptime=10;useinbandfec=1") -> OfferedTrack {
        OfferedTrack(
            TrackDescription(
                index: 0, codec: codec, payloadType: codec == .opus ? 111 : 0, channels: codec == .opus ? 2 : 1,
                formatParameters: codec == .opus ? parameters : "", mid: "a"))
    }

    static func video(_ codec: Codec, parameters: String = "", profile: CodecProfile? = nil, index: UInt8 = 1) -> OfferedTrack {
        OfferedTrack(
            TrackDescription(index: index, codec: codec, payloadType: 96, formatParameters: parameters, mid: "v"), profile: profile)
    }

    /// H.264 as a camera sends it whose offer promised level 3.1 and whose SPS says 4.0.
    static let h264 = video(
        .h264, parameters: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        profile: .h264(profile: 0x42, constraints: 0xC0, level: 40))

    static let streams: [[OfferedTrack]] = [
        [audio(), h264], [audio(), video(.vp8)], [audio(), video(.vp9, parameters: "profile-id=0")],
        [audio(), video(.av1, profile: .av1(profile: 0, level: 8, tier: 0))], [audio(.pcmu)],
        [audio(), video(.h265, parameters: "profile-id=1;tier-flag=0;level-id=93")],
    ]

    /// SplitMix64: the same sources in every run.
    struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    static func publish(_ text: String, policy: NegotiationPolicy = NegotiationPolicy()) throws(SDPError) -> NegotiatedOffer {
        try PeerOffer(text).acceptPublish(policy: policy)
    }

    static func watch(
        _ text: String, _ tracks: [OfferedTrack], policy: NegotiationPolicy = NegotiationPolicy()
    ) throws(SDPError) -> NegotiatedOffer {
        var negotiated = try PeerOffer(text).acceptWatch(tracks: tracks, policy: policy)
        var random = Seeded(state: 7)
        negotiated.peer.assignSources(cname: "viaduct", using: &random)
        return negotiated
    }
}

/// A negotiation as text, for golden files: what the engine gets, then the answer.
extension NegotiatedOffer {
    var golden: String {
        peer.golden + "\n" + answer(Negotiations.transport).print().replacingOccurrences(of: "\r\n", with: "\n")
    }
}

extension NegotiatedPeer {
    var golden: String {
        let digests = remote.fingerprints.map(\.algorithm).joined(separator: " ")
        var lines = ["dtls: we are \(dtlsRole), the peer offers \(remote.setup) with \(digests)"]
        let options = [(ICEOptions.trickle, "trickle"), (.ice2, "ice2"), (.renomination, "renomination")].filter {
            remote.options.contains($0.0)
        }
        lines.append(
            "ice: \(remote.ufrag), \(remote.candidates.count) candidates\(remote.hasEndedCandidates ? " and no more" : ""), options: \(options.map(\.1))"
        )
        if !undecodableTracks.isEmpty { lines.append("cannot decode tracks \(undecodableTracks)") }
        return (lines + sections.flatMap(\.golden)).joined(separator: "\n") + "\n"
    }
}

extension NegotiatedSection {
    fileprivate var golden: [String] {
        var lines = ["section \(index) mid \(mid): \(kind) \(direction)" + (trackIndex.map { " track \($0)" } ?? "")]
        let rtx = format.rtxPayloadType.map { ", rtx \($0)" } ?? ""
        let red = format.redundancy.map { ", red \($0.red) rtx \($0.redRTX ?? 0) ulpfec \($0.ulpfec ?? 0)" } ?? ""
        lines.append("  \(format.codec) is \(format.payloadType)\(rtx)\(red); \(format.parameters.text)")
        lines.append("  feedback: \(format.feedback.golden)\(usesReducedSizeRTCP ? ", reduced size" : "")")
        lines.append("  extensions: " + extensions.map { "\($0.id)=\($0.kind)" }.joined(separator: " "))
        lines += remoteSources.map { "  from \($0.golden)" } + layers.map { "  layer \($0.rid)\($0.isPaused ? " paused" : "")" }
        if let localSource { lines.append("  to \(localSource.golden)") }
        if let streamIdentity { lines.append("  of \(streamIdentity.stream) \(streamIdentity.track ?? "-")") }
        return lines
    }
}

extension MediaSource {
    fileprivate var golden: String {
        "ssrc \(ssrc)" + (rtx.map { " rtx \($0)" } ?? "") + (fec.map { " fec \($0)" } ?? "") + (cname.map { " cname \($0)" } ?? "")
    }
}

extension RTCPFeedbackKinds {
    fileprivate var golden: String {
        let names: [(RTCPFeedbackKinds, String)] = [
            (.nack, "nack"), (.pictureLoss, "pli"), (.fullIntraRequest, "fir"), (.receiverEstimate, "remb"),
            (.transportWide, "transport-cc"),
        ]
        return names.filter { contains($0.0) }.map(\.1).joined(separator: " ")
    }
}
