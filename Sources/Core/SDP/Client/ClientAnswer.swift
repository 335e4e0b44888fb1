package import BridgeModel

/// What a server answered to a `ClientOffer`, read and checked: how to reach it and what was agreed on.
package struct ClientAnswer: Sendable, Equatable {
    /// One section of the offer that the server took.
    package struct Section: Sendable, Equatable {
        package var mid: String
        package var kind: MediaKind
        /// Formats of the offer that stand in the answer, the server's preference first; never empty.
        package var formats: [NegotiatedFormat]
        /// Extensions that both sides named under the same id.
        package var extensions: [NegotiatedExtension]
        /// The server's source, where it announces one and sends.
        package var source: MediaSource?

        package init(
            mid: String, formats: [NegotiatedFormat], extensions: [NegotiatedExtension], source: MediaSource? = nil
        ) {
            self.mid = mid
            kind = formats.first?.codec.kind ?? .video
            self.formats = formats
            self.extensions = extensions
            self.source = source
        }
    }

    /// 4 to 256 ICE characters.
    package var ufrag: String
    /// 22 to 256 ICE characters.
    package var password: Redacted<String>
    /// Digests of the server's certificate, at least one.
    package var fingerprints: [Fingerprint]
    /// `active` or `passive`: the server's side of the DTLS handshake.
    package var setup: DTLSSetup
    /// Usable UDP candidates, the highest priority first; empty where they are trickled.
    package var candidates: [Candidate]
    /// In the order of the offer; sections that were refused are left out.
    package var sections: [Section]

    /// More candidates than a client tries are not kept.
    private static let candidateLimit = 16

    /// Reads `text` as the answer to `offer`. Throws for text that is no SDP, a transport that is incomplete or insecure, `answerMismatch` where it
    /// contradicts the offer, and `nothingAccepted`.
    package init(_ text: String, to offer: ClientOffer) throws(SDPError) {
        let description = try SessionDescription.parse(text)
        guard description.sections.count == offer.sections.count else {
            throw .answerMismatch(section: min(description.sections.count, offer.sections.count))
        }
        guard let first = description.sections.first(where: { !$0.isRejected }) else { throw .nothingAccepted }
        let transport = try LayeredAttributes(first, in: description).transport()
        guard transport.setup != .actpass else { throw .invalidSetup }
        (ufrag, password) = (transport.ufrag, Redacted(transport.password))
        (fingerprints, setup) = (transport.fingerprints, transport.setup)
        var found: [Candidate] = []
        for section in description.sections where found.count < Self.candidateLimit {
            for candidate in section.candidates(limit: Self.candidateLimit) where !found.contains(candidate) { found.append(candidate) }
        }
        candidates = found.sorted { $0.priority > $1.priority }
        sections = []
        for (index, (asked, answered)) in zip(offer.sections, description.sections).enumerated() where !answered.isRejected {
            guard let section = Section(answered, to: asked) else { throw .answerMismatch(section: index) }
            sections.append(section)
        }
    }

    /// The section of this kind; nil where the server refused it.
    package func section(_ kind: MediaKind) -> Section? { sections.first { $0.kind == kind } }
}

extension ClientAnswer.Section {
    /// Nil when the answer names none of the offered formats, or another kind or mid.
    fileprivate init?(_ answer: MediaSection, to offer: ClientOffer.Section) {
        guard let kind = MediaKind(rawValue: answer.media), kind == offer.formats.first?.codec.kind, (answer.mid ?? offer.mid) == offer.mid
        else { return nil }
        let theirs = answer.payloadFormats
        let common = theirs.compactMap { format -> NegotiatedFormat? in
            guard var agreed = offer.formats.first(where: { $0.payloadType == format.payloadType && $0.codec == format.codec })
            else { return nil }
            agreed.feedback.formIntersection(RTCPFeedbackKinds(format.feedback))
            let hasRTX = theirs.contains { $0.retransmittedType == agreed.payloadType && $0.payloadType == agreed.rtxPayloadType }
            if !hasRTX { agreed.rtxPayloadType = nil }
            return agreed
        }
        guard !common.isEmpty else { return nil }
        let attributes = AttributeIndex(answer.attributes)
        let named = attributes.all("extmap").prefix(255).compactMap { NegotiatedExtension(offered: $0) }
        self.init(
            mid: offer.mid, formats: common,
            extensions: offer.extensions.filter { item in named.contains { $0.id == item.id && $0.kind == item.kind } },
            source: offer.direction.receives ? OfferedSources(attributes).encodings.first : nil)
    }
}
