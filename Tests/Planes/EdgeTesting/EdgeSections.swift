package import BridgeModel
package import SDP

/// What a peer of a test negotiates, without descriptions.
package enum EdgeSections {
    /// SSRCs that a viewer sees.
    package static let viewerSSRC: UInt32 = 0x5151_0001
    package static let viewerRTX: UInt32 = 0x5151_0002

    /// One video section with RTX, as a publisher (`recvonly`) or a viewer (`sendonly`) has it.
    package static func video(_ codec: Codec, _ direction: MediaDirection, extensions: [NegotiatedExtension] = []) -> NegotiatedSection {
        var format = NegotiatedFormat(
            codec: codec, payloadType: 96, channels: 1, parameters: FormatParameters(""), feedback: [.nack, .pictureLoss])
        format.rtxPayloadType = 97
        var section = NegotiatedSection(mid: "0", index: 0, direction: direction, format: format)
        section.extensions = extensions
        section.usesReducedSizeRTCP = true
        if direction == .sendonly {
            section.trackIndex = 0
            section.localSource = MediaSource(ssrc: viewerSSRC, rtx: viewerRTX, cname: "bridge")
        }
        return section
    }

    /// The peer behind `fingerprint`, which is the DTLS client.
    package static func peer(_ sections: [NegotiatedSection], fingerprint: Fingerprint) -> NegotiatedPeer {
        let remote = RemotePeer(ufrag: EdgeClient.ufrag, password: Redacted("unused"), fingerprints: [fingerprint], setup: .active)
        return NegotiatedPeer(remote: remote, dtlsRole: .passive, sections: sections)
    }
}
