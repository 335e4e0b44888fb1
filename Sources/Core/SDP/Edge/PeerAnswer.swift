import BridgeModel

extension BridgeOffer {
    /// Settles what the peer answered to this offer. Sections that it refused are left out; in the others the first of our formats that it names counts.
    /// Throws for an answer that is no SDP, incomplete or insecure in its transport, contradicts the offer (`answerMismatch`), or refuses everything
    /// (`nothingAccepted`).
    package func accept(_ answer: String) throws(SDPError) -> NegotiatedPeer {
        let answered = try PeerDescription(answer)
        guard answered.sections.count == lines.count else { throw .answerMismatch(section: min(answered.sections.count, lines.count)) }
        guard answered.remote.setup != .actpass else { throw .invalidSetup }
        let live = answered.sections.filter { !$0.media.isRejected }
        guard answered.bundle != nil || live.count <= 1 else { throw .missingBundle }
        var sections: [NegotiatedSection] = []
        for (line, section) in zip(lines, answered.sections) {
            guard case .offered(let offered) = line, !section.media.isRejected else { continue }
            let fits = section.media.media == offered.terms.kind.rawValue && (section.mid ?? offered.terms.mid) == offered.terms.mid
            guard fits else { throw .answerMismatch(section: section.index) }
            guard section.kind != nil else { throw section.obstacle ?? .answerMismatch(section: section.index) }
            guard let terms = offered.agreed(with: section, mixesForms: answered.allowsMixedExtensions) else {
                throw .answerMismatch(section: section.index)
            }
            sections.append(terms)
        }
        guard !sections.isEmpty else { throw .nothingAccepted }
        return NegotiatedPeer(
            remote: answered.remote, dtlsRole: answered.remote.setup == .active ? .passive : .active, sections: sections)
    }
}

extension BridgeOffer.Section {
    /// The terms reduced to what the answer goes along with; nil when it names none of the formats, or sends where we did not offer to receive.
    fileprivate func agreed(with answer: PeerSection, mixesForms: Bool) -> NegotiatedSection? {
        let theirs = answer.media.payloadFormats
        let ours = formats.first { format in theirs.contains { $0.payloadType == format.payloadType && $0.codec == format.codec } }
        guard let ours, let chosen = theirs.first(where: { $0.payloadType == ours.payloadType }) else { return nil }
        guard let direction = direction(with: answer.direction.reversed) else { return nil }
        var agreed = terms
        agreed.direction = direction
        let accepted = answer.attributes.all("extmap").prefix(255).compactMap { NegotiatedExtension(offered: $0) }
        agreed.extensions = terms.extensions.filter { item in accepted.contains { $0.id == item.id && $0.kind == item.kind } }
        agreed.mixesExtensionForms = terms.mixesExtensionForms && mixesForms
        if !agreed.mayDescribeDependencies(of: ours) { agreed.extensions.removeAll { $0.kind == .dependencyDescriptor } }
        agreed.usesReducedSizeRTCP = terms.usesReducedSizeRTCP && answer.attributes.has("rtcp-rsize")
        agreed.format = format(ours, as: chosen, among: theirs, isNumbered: agreed.id(of: .transportSequence) != nil)
        if agreed.format.feedback.isDisjoint(with: .transportWide) { agreed.extensions.removeAll { $0.kind == .transportSequence } }
        if agreed.format.rtxPayloadType == nil { agreed.localSource?.rtx = nil }
        if direction.receives {
            let sources = OfferedSources(answer.attributes)
            agreed.remoteSources = Array(sources.encodings.prefix(1))
            agreed.streamIdentity = sources.identity
        }
        return agreed
    }

    private func format(
        _ ours: NegotiatedFormat, as chosen: PayloadFormat, among theirs: [PayloadFormat], isNumbered: Bool
    ) -> NegotiatedFormat {
        var format = ours
        format.feedback.formIntersection(RTCPFeedbackKinds(chosen.feedback))
        if !isNumbered { format.feedback.remove(.transportWide) }
        if format.feedback.contains(.transportWide) { format.feedback.remove(.receiverEstimate) }
        let rtx = theirs.first { $0.retransmittedType == ours.payloadType && $0.payloadType == ours.rtxPayloadType }
        format.rtxPayloadType = format.feedback.contains(.nack) ? rtx?.payloadType : nil
        if terms.direction.receives { format.parameters = AnswerParameters.toReceive(chosen, codec: ours.codec) }
        return format
    }

    /// RFC 3264 section 6.1: an answer may take directions away, not add them. `theirs` is the answer's, seen from us.
    private func direction(with theirs: MediaDirection) -> MediaDirection? {
        switch (terms.direction, theirs) {
        case (_, .inactive): .inactive
        case (.sendrecv, _): theirs
        case (let ours, let theirs) where ours == theirs: ours
        default: nil
        }
    }
}
