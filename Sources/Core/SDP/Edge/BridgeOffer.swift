package import BridgeModel

/// An offer of the bridge: a WHEP counter-offer, or the renegotiation of a peer that is already there, whichever side began it. Sections keep their place and
/// their mid for the life of the peer (RFC 3264 section 8); those that are stopped stay without media.
package struct BridgeOffer: Sendable {
    /// One section with every format that the answer may choose from.
    struct Section: Sendable {
        /// The terms with the first of the formats.
        var terms: NegotiatedSection
        /// In the order of preference.
        var formats: [NegotiatedFormat]
    }

    /// A section in its place: ours, or one that was refused earlier and can only be repeated so.
    enum Line: Sendable {
        case offered(Section)
        case refused(MediaSection)
    }

    fileprivate static let transport = "UDP/TLS/RTP/SAVPF"

    private(set) var lines: [Line] = []
    private var numbers: OfferedNumbers
    private let policy: NegotiationPolicy

    /// An offer to a new peer, empty at first.
    package init(policy: NegotiationPolicy) {
        self.policy = policy
        numbers = OfferedNumbers()
    }

    /// An offer to a peer that once made one itself: begins with everything that was settled then, under the same numbers.
    package init(continuing negotiated: NegotiatedOffer, policy: NegotiationPolicy) {
        self.policy = policy
        numbers = OfferedNumbers(continuing: negotiated.peer)
        lines = negotiated.offer.description.sections.map { section in
            guard let terms = negotiated.peer.sections.first(where: { $0.index == section.index }) else { return .refused(section.refusal) }
            return .offered(Section(terms: terms, formats: [terms.format]))
        }
    }

    /// Appends a section that sends this track with these sources (`rtx` set where the codec is video). Returns its mid.
    /// Throws `tooManySections` at `SessionDescription.Limits.sections`, and `tooManyFormats`.
    @discardableResult
    package mutating func send(_ track: OfferedTrack, source: MediaSource) throws(SDPError) -> String {
        let section = try section(track, source: source, at: lines.count, mid: freshMid())
        lines.append(.offered(section))
        return section.terms.mid
    }

    /// Sends a track in a section that was stopped, with sources that were never used before. False when there is no such section, or it is of another
    /// kind. Throws `tooManyFormats`.
    package mutating func send(_ track: OfferedTrack, source: MediaSource, in mid: String) throws(SDPError) -> Bool {
        guard let index = lines.firstIndex(where: { $0.mid == mid }), case .offered(let former) = lines[index],
            former.terms.direction == .inactive, former.terms.kind == track.description.codec.kind
        else { return false }
        lines[index] = .offered(try section(track, source: source, at: index, mid: mid))
        return true
    }

    private mutating func section(
        _ track: OfferedTrack, source: MediaSource, at index: Int, mid: String
    ) throws(SDPError) -> Section {
        let codec = track.description.codec
        let format = try numbers.format(
            codec, parameters: AnswerParameters.offering(track), channels: track.format.channels, policy: policy)
        var terms = try terms([format], direction: .sendonly, at: index, mid: mid)
        terms.trackIndex = track.description.index
        terms.localSource = source
        terms.streamIdentity = track.identity ?? StreamIdentity(stream: "viaduct", track: "\(codec.kind.rawValue)-\(mid)")
        return Section(terms: terms, formats: [format])
    }

    /// Appends a section that receives any codec of this kind that the policy takes, but for AAC, whose sender describes it. Returns its mid.
    /// Throws `tooManySections`, `tooManyFormats`, and `nothingToReceive` when the policy takes none.
    @discardableResult
    package mutating func receive(_ kind: MediaKind) throws(SDPError) -> String {
        var formats: [NegotiatedFormat] = []
        for codec in policy.codecs where codec.kind == kind && codec != .aac {
            formats.append(
                try numbers.format(codec, parameters: AnswerParameters.wanted(codec), channels: codec == .opus ? 2 : 1, policy: policy))
        }
        guard !formats.isEmpty else { throw .nothingToReceive }
        let terms = try terms(formats, direction: .recvonly, at: lines.count, mid: freshMid())
        lines.append(.offered(Section(terms: terms, formats: formats)))
        return terms.mid
    }

    /// Ends the media of a section, which stays in its place. False when there is no such section.
    @discardableResult
    package mutating func stop(mid: String) -> Bool {
        for index in lines.indices {
            guard case .offered(var section) = lines[index], section.terms.mid == mid else { continue }
            section.terms.direction = .inactive
            lines[index] = .offered(section)
            return true
        }
        return false
    }

    /// What a section carries, or carried; nil when there is no such section, or it was refused.
    package func kind(ofSection mid: String) -> MediaKind? {
        for case .offered(let section) in lines where section.terms.mid == mid { return section.terms.kind }
        return nil
    }

    /// The peer refused a section: it can only be repeated so (RFC 3264 section 8).
    package mutating func refuse(mid: String) {
        for index in lines.indices {
            guard case .offered(let section) = lines[index], section.terms.mid == mid else { continue }
            lines[index] = .refused(section.refusal)
        }
    }

    private func terms(
        _ formats: [NegotiatedFormat], direction: MediaDirection, at index: Int, mid: String
    ) throws(SDPError) -> NegotiatedSection {
        guard index < SessionDescription.Limits.sections, let format = formats.first else { throw .tooManySections }
        var terms = NegotiatedSection(mid: mid, index: index, direction: direction, format: format)
        terms.mixesExtensionForms = policy.allowsTwoByteExtensions
        terms.extensions = numbers.extensions(for: terms.kind, policy: policy)
        if !formats.contains(where: terms.mayDescribeDependencies(of:)) { terms.extensions.removeAll { $0.kind == .dependencyDescriptor } }
        terms.usesReducedSizeRTCP = true
        return terms
    }

    /// A mid that no section has.
    private func freshMid() -> String {
        let taken = Set(lines.map(\.mid))
        var number = lines.count
        while taken.contains("\(number)") { number += 1 }
        return "\(number)"
    }
}

extension BridgeOffer.Section {
    /// Port zero.
    fileprivate var refusal: MediaSection {
        MediaSection(
            media: terms.kind.rawValue, port: 0, transport: BridgeOffer.transport, formats: formats.map { String($0.payloadType) },
            attributes: [SDPAttribute("mid", terms.mid), SDPAttribute(MediaDirection.inactive.rawValue)])
    }
}

extension BridgeOffer.Line {
    /// Nil for a refused section without one.
    var mid: String? {
        switch self {
        case .offered(let section): section.terms.mid
        case .refused(let media): media.mid
        }
    }
}

// MARK: - Text

extension BridgeOffer {
    /// The offer's text; the candidates stand in the first section that is not refused.
    package func offer(_ transport: LocalTransport) -> SessionDescription {
        let live = lines.compactMap { line -> Section? in
            guard case .offered(let section) = line else { return nil }
            return section
        }
        let sections = lines.map { line -> MediaSection in
            switch line {
            case .refused(let media): return media
            case .offered(let section):
                var media = section.terms.description(transport: Self.transport, mid: section.terms.mid, formats: section.formats)
                media.attributes.insert(contentsOf: transport.attributes(options: [.ice2, .trickle], setup: .actpass), at: 1)
                if section.terms.index == live.first?.terms.index { media.attributes += transport.candidateAttributes }
                return media
            }
        }
        var attributes = [SDPAttribute("group", (["BUNDLE"] + live.map(\.terms.mid)).joined(separator: " ")), SDPAttribute("ice-lite")]
        if policy.allowsTwoByteExtensions { attributes.append(SDPAttribute("extmap-allow-mixed")) }
        attributes.append(SDPAttribute("msid-semantic", "WMS *"))
        return SessionDescription(
            sessionID: transport.sessionID, sessionVersion: transport.sessionVersion, attributes: attributes, sections: sections)
    }
}

// MARK: - Numbers

/// Gives out payload types and extension ids, each with one meaning for the life of the peer.
private struct OfferedNumbers: Sendable {
    private struct Meaning: Hashable {
        var codec: Codec
        var parameters: String
    }

    private var types: [Meaning: (media: UInt8, rtx: UInt8?)] = [:]
    private var taken: Set<UInt8> = []
    private var ids: [HeaderExtensionKind: UInt8] = [:]

    /// The dynamic payload types, and the ones behind them that browsers use when these are full (RFC 3551 section 6, RFC 5761 section 4).
    private static let dynamic = Array(UInt8(96)...127) + Array(UInt8(35)...63)

    init() {
        for kind in HeaderExtensionKind.allCases { ids[kind] = kind.rawValue + 1 }
    }

    init(continuing peer: NegotiatedPeer) {
        for section in peer.sections {
            let format = section.format
            taken.formUnion(format.payloadTypes)
            types[Meaning(codec: format.codec, parameters: format.parameters.text)] = (format.payloadType, format.rtxPayloadType)
            for item in section.extensions { ids[item.kind] = item.id }
        }
        var free = (UInt8(1)...14).filter { id in !ids.values.contains(id) }
        for kind in HeaderExtensionKind.allCases where ids[kind] == nil && !free.isEmpty { ids[kind] = free.removeFirst() }
    }

    /// The format under the number that it had before, or a new one.
    mutating func format(
        _ codec: Codec, parameters: FormatParameters, channels: UInt8, policy: NegotiationPolicy
    ) throws(SDPError) -> NegotiatedFormat {
        let meaning = Meaning(codec: codec, parameters: parameters.text)
        let numbers = if let known = types[meaning] { known } else { try fresh(codec) }
        types[meaning] = numbers
        var feedback = policy.feedback.subtracting(codec.kind == .audio ? [.nack, .pictureLoss, .fullIntraRequest, .receiverEstimate] : [])
        if !policy.extensions.contains(.transportSequence) { feedback.remove(.transportWide) }
        var format = NegotiatedFormat(
            codec: codec, payloadType: numbers.media, channels: channels, parameters: parameters, feedback: feedback)
        if feedback.contains(.nack) { format.rtxPayloadType = numbers.rtx }
        return format
    }

    private mutating func fresh(_ codec: Codec) throws(SDPError) -> (media: UInt8, rtx: UInt8?) {
        switch codec {
        case .pcmu: (0, nil)
        case .pcma: (8, nil)
        case .opus, .aac: (try next(), nil)
        case .h264, .h265, .vp8, .vp9, .av1: (try next(), try next())
        }
    }

    private mutating func next() throws(SDPError) -> UInt8 {
        guard let number = Self.dynamic.first(where: { !taken.contains($0) }) else { throw .tooManyFormats }
        taken.insert(number)
        return number
    }

    func extensions(for kind: MediaKind, policy: NegotiationPolicy) -> [NegotiatedExtension] {
        let foreign: Set<HeaderExtensionKind> = kind == .audio ? [.videoOrientation, .dependencyDescriptor] : [.audioLevel]
        // The edge offers no simulcast.
        let wanted = policy.extensions.subtracting(foreign).subtracting([.streamID, .repairedStreamID])
        return HeaderExtensionKind.allCases.filter(wanted.contains).compactMap { kind in
            ids[kind].map { NegotiatedExtension(id: $0, kind: kind) }
        }
    }
}
