package import BridgeModel

/// The gate for answers to offers of ours (a camera of the bridge).
package enum AnswerGate {
    /// Checks a remote answer against our offer and prints it anew for the engine: sections in the offer's order, formats that we offered,
    /// usable candidates. Sections that the answer refuses stay refused. Throws `answerMismatch` where it contradicts the offer and
    /// `nothingAccepted` when it refuses every section.
    package static func accept(_ answer: String, offer: String) throws(SDPError) -> (sdp: String, fingerprints: [Fingerprint]) {
        let offered = try CheckedOffer(offer)
        let answered = try SessionDescription.parse(answer)
        guard answered.sections.count == offered.description.sections.count else {
            throw .answerMismatch(section: min(answered.sections.count, offered.description.sections.count))
        }
        let live = answered.sections.indices.filter { !answered.sections[$0].isRejected }
        guard let first = live.first else { throw .nothingAccepted }
        guard let group = answered.bundle else { throw .missingBundle }
        let transport = try LayeredAttributes(answered.sections[first], in: answered).transport()
        guard offered.transport.setup.allows(answer: transport.setup) else { throw .invalidSetup }
        var candidates: [Candidate] = []
        for index in live {
            guard group.contains(offered.mids[index]) else { throw .answerMismatch(section: index) }
            for candidate in answered.sections[index].candidates(limit: 64) where !candidates.contains(candidate) {
                candidates.append(candidate)
            }
        }
        var sections: [MediaSection] = []
        for index in answered.sections.indices {
            var section = try Self.section(at: index, of: answered, offered: offered, transport: transport)
            if index == first { section.attributes += candidates.map(\.attribute) }
            sections.append(section)
        }
        let bundle = SDPAttribute("group", "BUNDLE " + live.map { offered.mids[$0] }.joined(separator: " "))
        let description = SessionDescription(
            sessionID: answered.sessionID, sessionVersion: answered.sessionVersion, attributes: [bundle], sections: sections)
        return (description.print(), transport.fingerprints)
    }

    private static func section(
        at index: Int, of answer: SessionDescription, offered: CheckedOffer, transport: TransportParameters
    ) throws(SDPError) -> MediaSection {
        let ours = offered.description.sections[index]
        let theirs = answer.sections[index]
        let mid = offered.mids[index]
        guard theirs.media == ours.media, theirs.mid.map({ $0 == mid }) ?? true else { throw .answerMismatch(section: index) }
        guard !theirs.isRejected else {
            return MediaSection(
                media: ours.media, port: 0, transport: ours.transport, formats: ours.formats,
                attributes: [SDPAttribute("mid", mid), SDPAttribute(MediaDirection.inactive.rawValue)])
        }
        guard theirs.has("rtcp-mux") else { throw .missingRTCPMux(section: index) }
        let formats = agreed(theirs.payloadFormats, ours.payloadFormats)
        guard formats.contains(where: { $0.codec != nil }) else { throw .answerMismatch(section: index) }
        var section = MediaSection(
            media: ours.media, port: 9, transport: ours.transport, formats: formats.map { String($0.payloadType) })
        let direction = agreed(answer.direction(of: theirs), offered.description.direction(of: ours))
        let extensions = theirs.headerExtensions.filter(ours.headerExtensions.contains)
        section.attributes = section.frame(transport, mid: mid, extensions: extensions, direction: direction)
        section.attributes += formats.flatMap(\.attributes)
        return section
    }

    /// What they do of what we offered to take part in.
    private static func agreed(_ theirs: MediaDirection, _ ours: MediaDirection) -> MediaDirection {
        switch (theirs.receives && ours.sends, theirs.sends && ours.receives) {
        case (true, true): .sendrecv
        case (true, false): .recvonly
        case (false, true): .sendonly
        case (false, false): .inactive
        }
    }

    /// Their codecs that we offered under the same payload type, and the RTX of those, with the feedback that both name.
    private static func agreed(_ theirs: [PayloadFormat], _ ours: [PayloadFormat]) -> [PayloadFormat] {
        let same = theirs.compactMap { format -> PayloadFormat? in
            let twin = ours.first { $0.payloadType == format.payloadType && $0.map.uppercased() == format.map.uppercased() }
            guard let twin else { return nil }
            var result = format
            result.encodingName = twin.encodingName
            result.feedback = format.feedback.filter(twin.feedback.contains)
            return result
        }
        let types = same.filter { $0.codec != nil }.map(\.payloadType)
        return same.filter { format in format.codec != nil || format.retransmittedType.map(types.contains) ?? false }
    }
}

extension MediaSection {
    /// Every extension with an id for one-byte headers.
    fileprivate var headerExtensions: [HeaderExtension] {
        attributes.filter { $0.name == "extmap" }.compactMap { HeaderExtension($0.value ?? "") }
    }
}
