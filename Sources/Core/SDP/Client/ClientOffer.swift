package import BridgeModel

/// The offer of a WebRTC client that publishes or watches: what `viaduct load` says. The client is a full ICE agent that makes itself known by its checks,
/// so no candidate stands in it.
package struct ClientOffer: Sendable, Equatable {
    /// One section: a track that is sent, or a kind of media that is wanted.
    package struct Section: Sendable, Equatable {
        package var mid: String
        /// `sendonly` or `recvonly`.
        package var direction: MediaDirection
        /// In the order of preference; all of one kind.
        package var formats: [NegotiatedFormat]
        package var extensions: [NegotiatedExtension]
        /// What the client sends with; nil where it receives.
        package var source: MediaSource?

        package init(
            mid: String, direction: MediaDirection, formats: [NegotiatedFormat], extensions: [NegotiatedExtension],
            source: MediaSource? = nil
        ) {
            self.mid = mid
            self.direction = direction
            self.formats = formats
            self.extensions = extensions
            self.source = source
        }
    }

    /// 4 to 256 ICE characters.
    package var ufrag: String
    /// 22 to 256 ICE characters.
    package var password: Redacted<String>
    /// Of the client's certificate.
    package var fingerprint: Fingerprint
    /// In the order of the `m=` lines.
    package var sections: [Section]

    package init(ufrag: String, password: Redacted<String>, fingerprint: Fingerprint, sections: [Section]) {
        self.ufrag = ufrag
        self.password = password
        self.fingerprint = fingerprint
        self.sections = sections
    }

    /// The offer's text (RFC 9429 section 5.2.1).
    package func print() -> String {
        let mids = sections.map(\.mid).joined(separator: " ")
        let description = SessionDescription(
            sessionID: 1, sessionVersion: 1,
            attributes: [SDPAttribute("group", "BUNDLE \(mids)"), SDPAttribute("msid-semantic", "WMS *")],
            sections: sections.enumerated().map(media))
        return description.print()
    }

    private func media(index: Int, section: Section) -> MediaSection {
        guard let first = section.formats.first else {
            return MediaSection(media: "video", port: 0, transport: "UDP/TLS/RTP/SAVPF", formats: ["0"])
        }
        var terms = NegotiatedSection(mid: section.mid, index: index, direction: section.direction, format: first)
        terms.extensions = section.extensions
        terms.usesReducedSizeRTCP = true
        terms.localSource = section.source
        if section.source != nil { terms.streamIdentity = StreamIdentity(stream: "load", track: "\(terms.kind.rawValue)-\(section.mid)") }
        var media = terms.description(transport: "UDP/TLS/RTP/SAVPF", mid: section.mid, formats: section.formats)
        let transport = TransportParameters(
            ufrag: ufrag, password: password.revealed, fingerprints: [fingerprint], setup: .actpass)
        media.attributes += transport.attributes
        return media
    }
}
