package import BridgeModel

/// An offer after the gate: what the engine is shown, what the bridge learns, and what the answer must look like.
package struct AcceptedOffer: Sendable, Equatable {
    /// A viewer's section and the track that it gets.
    package struct ViewTrack: Sendable, Equatable {
        /// `TrackDescription.index` of the stream's track.
        package var sourceIndex: UInt8
        /// The payload type that the viewer gave this codec.
        package var payloadType: UInt8
        /// The section's identification in the viewer's offer.
        package var mid: String
    }

    /// The accepted sections alone, bundled, one codec (and its RTX) in each, with the peer's usable candidates.
    package let engineOffer: String
    /// Tracks of a publisher in the order of `engineOffer`; empty for viewers.
    package let publishTracks: [TrackDescription]
    /// Tracks of a viewer in the order of `engineOffer`; empty for publishers.
    package let viewTracks: [ViewTrack]
    /// Every digest of the peer; its certificate must match one.
    package let fingerprints: [Fingerprint]
    /// One decision a section of the offer, in order.
    package let sections: [SectionDecision]

    let offer: SessionDescription
    let mids: [String]
    /// The DTLS role that the peer offered.
    package let offeredSetup: DTLSSetup

    /// The accepted ones in order.
    var acceptedSections: [AcceptedSection] {
        sections.compactMap { decision in
            guard case .accepted(let section) = decision else { return nil }
            return section
        }
    }

    init(_ checked: CheckedOffer, decisions: [SectionDecision], sources: [UInt8]) throws(SDPError) {
        sections = decisions
        offer = checked.description
        mids = checked.mids
        offeredSetup = checked.transport.setup
        fingerprints = checked.transport.fingerprints
        let accepted = decisions.compactMap { decision -> AcceptedSection? in
            guard case .accepted(let section) = decision else { return nil }
            return section
        }
        try Self.checkPayloadTypes(accepted)
        engineOffer = Self.engineOffer(accepted, checked: checked)
        viewTracks = zip(sources, accepted).map { ViewTrack(sourceIndex: $0, payloadType: $1.format.payloadType, mid: $1.mid) }
        publishTracks = sources.isEmpty ? accepted.enumerated().map { TrackDescription($1, index: UInt8(clamping: $0)) } : []
    }

    /// RFC 9143 section 10.1.2: in one bundle a payload type has one meaning.
    private static func checkPayloadTypes(_ sections: [AcceptedSection]) throws(SDPError) {
        var meanings: [UInt8: String] = [:]
        for format in sections.flatMap(\.formats) {
            let meaning = "\(format.map);\(format.parameters.text)"
            guard meanings.updateValue(meaning, forKey: format.payloadType) ?? meaning == meaning else {
                throw .conflictingPayloadType(format.payloadType)
            }
        }
    }

    private static func engineOffer(_ accepted: [AcceptedSection], checked: CheckedOffer) -> String {
        let sections = accepted.enumerated().map { index, section in
            var media = MediaSection(section, port: 9, transport: "UDP/TLS/RTP/SAVPF")
            let direction: MediaDirection = section.direction == .recvonly ? .sendonly : .recvonly
            media.attributes = media.frame(checked.transport, mid: section.mid, extensions: section.extensions, direction: direction)
            media.attributes += section.formats.flatMap(\.attributes) + section.sources
            if index == 0 { media.attributes += checked.candidates.map(\.attribute) }
            return media
        }
        let bundle = SDPAttribute("group", "BUNDLE " + accepted.map(\.mid).joined(separator: " "))
        return SessionDescription(
            sessionID: checked.description.sessionID, sessionVersion: checked.description.sessionVersion,
            attributes: [bundle, SDPAttribute("msid-semantic", "WMS *")], sections: sections
        ).print()
    }
}

// MARK: - Candidates

extension AcceptedOffer {
    /// A candidate of the peer in the engine's terms: bundled sections share the engine's first. nil: ignore it.
    /// Throws `invalidCandidate`, and `unknownSection` when it names a section that the offer does not have.
    package func candidateForEngine(_ candidate: IceCandidate) throws(SDPError) -> IceCandidate? {
        // Some clients write an empty mid where they mean none.
        let mid = candidate.sdpMid.flatMap { $0.isEmpty ? nil : $0 }
        let namesSection = mid.map { mids.contains($0) } ?? candidate.sdpMLineIndex.map { Int($0) < mids.count } ?? true
        guard namesSection else { throw .unknownSection }
        if candidate.isEnd { return IceCandidate(candidate: "", sdpMid: acceptedSections.first?.mid, sdpMLineIndex: 0) }
        guard let parsed = try CandidateGate.parse(candidate) else { return nil }
        return IceCandidate(candidate: parsed.print(), sdpMid: acceptedSections.first?.mid, sdpMLineIndex: 0)
    }

    /// A candidate of the engine in the peer's terms; nil for one that no peer should see.
    package func candidateForPeer(_ candidate: IceCandidate) -> IceCandidate? {
        guard let index = sections.firstIndex(where: \.isAccepted), let number = UInt16(exactly: index) else { return nil }
        if candidate.isEnd { return IceCandidate(candidate: "", sdpMid: mids[index], sdpMLineIndex: number) }
        guard let parsed = try? CandidateGate.parse(candidate) else { return nil }
        return IceCandidate(candidate: parsed.print(), sdpMid: mids[index], sdpMLineIndex: number)
    }
}

extension SectionDecision {
    /// Media flows here.
    package var isAccepted: Bool {
        guard case .accepted = self else { return false }
        return true
    }
}

extension Candidate {
    /// As a line of a section.
    var attribute: SDPAttribute { SDPAttribute("candidate", String(print().dropFirst("candidate:".count))) }
}

extension TrackDescription {
    fileprivate init(_ section: AcceptedSection, index: UInt8) {
        self.init(
            index: index, codec: section.codec, payloadType: section.format.payloadType,
            channels: section.kind == .audio ? section.format.channels : nil, formatParameters: section.format.parameters.text,
            mid: section.mid)
    }
}

extension MediaSection {
    /// A section with the formats of an accepted one and no attributes yet.
    init(_ section: AcceptedSection, port: UInt16, transport: String) {
        self.init(media: section.kind.rawValue, port: port, transport: transport, formats: section.formats.map { String($0.payloadType) })
    }

    /// What stands before the formats in every active section.
    func frame(
        _ transport: TransportParameters, mid: String, extensions: [HeaderExtension], direction: MediaDirection
    ) -> [SDPAttribute] {
        [SDPAttribute("rtcp", "9 IN IP4 0.0.0.0")] + transport.attributes + [SDPAttribute("mid", mid)] + extensions.map(\.attribute)
            + [SDPAttribute(direction.rawValue), SDPAttribute("rtcp-mux"), SDPAttribute("rtcp-rsize")]
    }
}
