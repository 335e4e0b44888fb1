import BridgeModel

extension AcceptedOffer {
    /// Makes the answer to send out of the engine's: every section of the offer in its place, the refused ones with port zero, and in the
    /// accepted ones our own lines with the engine's ICE, DTLS and sources. All candidates stand in the first accepted section, followed by
    /// `a=end-of-candidates`. Throws when the engine's answer does not fit the offer that it was shown.
    package func finishAnswer(engineAnswer: String) throws(SDPError) -> String {
        let engine = try EngineAnswer(engineAnswer, to: self)
        var answered: [MediaSection] = []
        for index in sections.indices { answered.append(answer(at: index, engine: engine)) }
        let bundled = zip(mids, sections).filter { $0.1 != .rejected }.map(\.0)
        var attributes = [SDPAttribute("group", "BUNDLE " + bundled.joined(separator: " "))]
        if offer.attributes.contains(SDPAttribute("extmap-allow-mixed")) { attributes.append(SDPAttribute("extmap-allow-mixed")) }
        attributes.append(SDPAttribute("msid-semantic", "WMS *"))
        return SessionDescription(sessionID: engine.sessionID, sessionVersion: 1, attributes: attributes, sections: answered).print()
    }

    private func answer(at index: Int, engine: EngineAnswer) -> MediaSection {
        let offered = offer.sections[index]
        switch sections[index] {
        case .rejected:
            return MediaSection(
                media: offered.media, port: 0, transport: offered.transport, formats: offered.formats,
                attributes: [SDPAttribute("mid", mids[index]), SDPAttribute("inactive")])
        case .inactive(let format):
            var media = MediaSection(
                media: offered.media, port: 9, transport: offered.transport, formats: [String(format.payloadType)])
            media.attributes = media.frame(engine.transport, mid: mids[index], extensions: [], direction: .inactive) + format.attributes
            return media
        case .accepted(let section):
            return answer(section, transport: offered.transport, engine: engine)
        }
    }

    private func answer(_ section: AcceptedSection, transport: String, engine: EngineAnswer) -> MediaSection {
        let terms = engine.terms(of: section)
        var media = MediaSection(terms, port: 9, transport: transport)
        media.attributes = media.frame(engine.transport, mid: terms.mid, extensions: terms.extensions, direction: terms.direction)
        if terms.direction == .sendonly {
            // One stream for all tracks, so that the viewer keeps them in step.
            media.attributes.append(SDPAttribute("msid", "viaduct \(terms.kind.rawValue)-\(terms.mid)"))
        }
        media.attributes += terms.formats.flatMap(\.attributes) + terms.sources
        if acceptedSections.first?.mid == section.mid {
            media.attributes += engine.candidates.map(\.attribute) + [SDPAttribute("end-of-candidates")]
        }
        return media
    }
}

/// What is taken from the engine's answer: its transport and, in each section, which of our terms it went along with.
private struct EngineAnswer {
    let sessionID: UInt64
    let transport: TransportParameters
    let candidates: [Candidate]
    private let sections: [String: MediaSection]

    /// Host, reflexive and relayed candidates on a machine with many addresses.
    private static let candidateLimit = 64

    init(_ text: String, to accepted: AcceptedOffer) throws(SDPError) {
        let answer = try SessionDescription.parse(text)
        let expected = accepted.acceptedSections
        guard answer.sections.count == expected.count, let first = answer.sections.first else {
            throw .answerMismatch(section: min(answer.sections.count, expected.count))
        }
        var sections: [String: MediaSection] = [:]
        for (index, (section, terms)) in zip(answer.sections, expected).enumerated() {
            let names = section.mid.map { $0 == terms.mid } ?? true
            guard names, !section.isRejected, section.formats.contains(String(terms.format.payloadType)) else {
                throw .answerMismatch(section: index)
            }
            sections[terms.mid] = section
        }
        self.sections = sections
        sessionID = answer.sessionID
        transport = try LayeredAttributes(first, in: answer).transport()
        guard accepted.offeredSetup.allows(answer: transport.setup) else { throw .invalidSetup }
        var all: [Candidate] = []
        for section in answer.sections {
            for candidate in section.candidates(limit: Self.candidateLimit) where !all.contains(candidate) { all.append(candidate) }
        }
        candidates = Array(all.prefix(Self.candidateLimit))
    }

    /// The terms reduced to what the engine agreed to; its own sources when it sends.
    func terms(of section: AcceptedSection) -> AcceptedSection {
        guard let answer = sections[section.mid] else { return section }
        var terms = section
        let formats = answer.payloadFormats
        let agreed = formats.first { $0.payloadType == section.format.payloadType }?.feedback ?? []
        terms.format.feedback = section.format.feedback.filter(agreed.contains)
        let retransmits = formats.contains { $0.retransmittedType == section.format.payloadType }
        terms.retransmission = retransmits ? section.retransmission : nil
        let extensions = Set(answer.attributes.filter { $0.name == "extmap" }.compactMap { HeaderExtension($0.value ?? "")?.uri })
        terms.extensions = section.extensions.filter { extensions.contains($0.uri) }
        terms.alignTransportFeedback()
        let sends = section.direction == .sendonly
        terms.sources = sends ? SourceAttributes(answer).reduced(withRetransmission: terms.retransmission != nil) : []
        return terms
    }
}
