import BridgeModel

/// Settles one section of an offer: the format with what belongs to it, feedback and extensions.
struct SectionTerms {
    private let section: PeerSection
    private let kind: MediaKind
    private let policy: NegotiationPolicy
    private let mixesHeaders: Bool
    /// The answer says so for the whole session.
    private let mixesForms: Bool
    /// Every format of the section in the offer's order.
    private let formats: [PayloadFormat]
    /// Those that carry media of the section's kind, with their codecs.
    private let choices: [FormatChoice]

    init(_ section: PeerSection, kind: MediaKind, policy: NegotiationPolicy, allowsMixedExtensions: Bool) {
        self.section = section
        self.kind = kind
        self.policy = policy
        mixesHeaders = policy.allowsTwoByteExtensions && (allowsMixedExtensions || section.attributes.has("extmap-allow-mixed"))
        mixesForms = policy.allowsTwoByteExtensions && allowsMixedExtensions
        formats = section.media.payloadFormats
        choices = formats.compactMap { format in
            format.codec.flatMap { $0.kind == kind ? FormatChoice(codec: $0, format: format) : nil }
        }
    }

    /// What a publisher sends here; nil when it offers nothing that the policy takes.
    func publish() -> NegotiatedSection? {
        let usable = choices.filter { policy.codecs.contains($0.codec) }
        let codecs = usable.map(\.codec)
        guard let codec = preferred(codecs.filter { !policy.lastResorts.contains($0) }) ?? preferred(codecs) else { return nil }
        // The bridge does not transcode: of one codec the form that most viewers play.
        let plainest = usable.filter { $0.codec == codec }.min { $0.format.rarity < $1.format.rarity }
        guard let choice = plainest else { return nil }
        var terms = terms(choice, parameters: AnswerParameters.toReceive(choice.format, codec: codec), direction: .recvonly)
        let sources = OfferedSources(section.attributes)
        terms.remoteSources = sources.encodings
        terms.streamIdentity = sources.identity
        let offered = OfferedLayers(section.attributes, format: choice.format.payloadType, limit: policy.simulcastLayers)
        if kind == .video, policy.allowsSimulcast, terms.id(of: .streamID) != nil, !offered.list.isEmpty {
            terms.layers = offered.list
            terms.usesDraftSimulcast = offered.isDraft
            // Whose layer an SSRC is, only the packets tell.
            terms.remoteSources = []
        } else {
            terms.extensions.removeAll { $0.kind == .streamID || $0.kind == .repairedStreamID }
        }
        if !policy.allowsSimulcast { terms.remoteSources = Array(terms.remoteSources.prefix(1)) }
        if let redundancy = redundancy(around: choice.format) { terms.format.redundancy = redundancy }
        return terms
    }

    private func preferred(_ codecs: [Codec]) -> Codec? {
        switch policy.preference {
        case .offer: codecs.first
        case .bridge: policy.codecs.first(where: codecs.contains)
        }
    }

    /// What a viewer gets here of this track; nil when it offers no form of the codec that plays the stream. AAC is for recordings.
    func watch(_ track: OfferedTrack) -> NegotiatedSection? {
        guard track.description.codec != .aac else { return nil }
        let stream = track.format
        let playable = choices.filter { $0.codec == track.description.codec }.compactMap { choice in
            choice.format.distanceInPractice(to: stream).map { (distance: $0, choice: choice) }
        }
        guard let choice = playable.min(by: { $0.distance < $1.distance })?.choice else { return nil }
        var terms = terms(choice, parameters: AnswerParameters.toSend(track, as: choice.format), direction: .sendonly)
        // One stream for all tracks of a viewer, so that it keeps them in step.
        terms.streamIdentity = track.identity ?? StreamIdentity(stream: "viaduct", track: "\(kind.rawValue)-\(section.name)")
        terms.trackIndex = track.description.index
        // A viewer gets one layer at a time, rewritten into one source.
        terms.extensions.removeAll { $0.kind == .streamID || $0.kind == .repairedStreamID }
        return terms
    }

    /// The section keeps its place without media; nil when it has no format that could stand in the answer.
    func idle() -> NegotiatedSection? {
        guard let choice = choices.first else { return nil }
        var terms = terms(choice, parameters: FormatParameters(""), direction: .inactive)
        terms.extensions = []
        terms.format.feedback = []
        terms.format.rtxPayloadType = nil
        terms.format.parameters = AnswerParameters.toReceive(choice.format, codec: choice.codec)
        return terms
    }

    private func terms(_ choice: FormatChoice, parameters: FormatParameters, direction: MediaDirection) -> NegotiatedSection {
        let offered = OfferedExtensions(section, wanted: wantedExtensions, direction: direction, mixesHeaders: mixesHeaders)
        let feedback = feedback(choice.format, isNumbered: offered.list.contains { $0.kind == .transportSequence })
        var format = NegotiatedFormat(
            codec: choice.codec, payloadType: choice.format.payloadType, clockRate: choice.format.clockRate,
            channels: choice.format.channels, parameters: parameters, feedback: feedback)
        if kind == .video, feedback.contains(.nack) { format.rtxPayloadType = retransmission(of: choice.format.payloadType) }
        var terms = NegotiatedSection(mid: section.name, index: section.index, direction: direction, format: format)
        terms.mixesExtensionForms = mixesForms
        terms.usesReducedSizeRTCP = section.attributes.has("rtcp-rsize")
        terms.extensions = offered.list.filter { item in
            switch item.kind {
            case .transportSequence: feedback.contains(.transportWide)
            // Whoever has transport-wide numbers does not need the time in each packet.
            case .absoluteSendTime: feedback.contains(.receiverEstimate)
            case .dependencyDescriptor: terms.mayDescribeDependencies(of: format)
            default: true
            }
        }
        return terms
    }

    private var wantedExtensions: Set<HeaderExtensionKind> {
        let others: Set<HeaderExtensionKind> =
            kind == .audio ? [.videoOrientation, .dependencyDescriptor, .streamID, .repairedStreamID] : [.audioLevel]
        return policy.extensions.subtracting(others)
    }

    private func feedback(_ format: PayloadFormat, isNumbered: Bool) -> RTCPFeedbackKinds {
        var kinds = RTCPFeedbackKinds(format.feedback).intersection(policy.feedback)
        if kind == .audio { kinds.subtract([.pictureLoss, .fullIntraRequest]) }
        if !isNumbered { kinds.remove(.transportWide) }
        if kinds.contains(.transportWide) { kinds.remove(.receiverEstimate) }
        return kinds
    }

    private func retransmission(of payloadType: UInt8) -> UInt8? {
        formats.first { $0.retransmittedType == payloadType }?.payloadType
    }

    /// RED with this format inside (RFC 2198), and ULPFEC for video (RFC 5109 section 14.2).
    private func redundancy(around format: PayloadFormat) -> NegotiatedFormat.Redundancy? {
        guard policy.allowsRedundancy, let red = formats.first(where: { $0.isNamed("red", like: format) }) else { return nil }
        guard kind == .video else { return NegotiatedFormat.Redundancy(red: red.payloadType) }
        let ulpfec = formats.first { $0.isNamed("ulpfec", like: format) }
        return NegotiatedFormat.Redundancy(
            red: red.payloadType, redRTX: retransmission(of: red.payloadType), ulpfec: ulpfec?.payloadType)
    }
}

extension PayloadFormat {
    fileprivate func isNamed(_ name: String, like other: PayloadFormat) -> Bool {
        encodingName.lowercased() == name && clockRate == other.clockRate && channels == other.channels
    }

    /// `distance(to:)`, and where that is none what H.264 decoders play beyond the profiles that browsers share.
    fileprivate func distanceInPractice(to source: PayloadFormat) -> Int? {
        if let distance = distance(to: source) { return distance }
        guard codec == .h264, isNonInterleaved || !source.isNonInterleaved else { return nil }
        let stream = H264Profile(source.parameters)
        if parameters.h264ProfileNumber == H264ProfileNumber.high444Predictive {
            let isCovered = stream != nil || H264ProfileNumber.coveredByHigh444Predictive.contains(source.parameters.h264ProfileNumber)
            return isCovered ? 50 : nil
        }
        // Viewers of Constrained High play Main and High too, as long as these have neither interlacing nor B-frames, without which real-time streams do.
        let isNearlyConstrained = H264Profile(parameters) == .constrainedHigh && (stream == .main || stream == .high)
        return isNearlyConstrained ? 100 : nil
    }
}

/// Values of `profile_idc` beyond those of `H264Profile`.
private enum H264ProfileNumber {
    /// High 4:4:4 Predictive, which Chromium offers: its decoders play all of High, High 10 and High 4:2:2 (H.264 section A.2.7).
    static let high444Predictive: UInt8 = 244
    static let coveredByHigh444Predictive: Set<UInt8> = [110, 122, 244]
}

extension FormatParameters {
    /// `profile_idc` of `profile-level-id`; 0 where there is none.
    fileprivate var h264ProfileNumber: UInt8 { self["profile-level-id"].flatMap { UInt8($0.prefix(2), radix: 16) } ?? 0 }
}

extension RTCPFeedbackKinds {
    /// `a=rtcp-fb` values and what they mean, in the order in which they are printed.
    private static let names: [(RTCPFeedbackKinds, String)] = [
        (.receiverEstimate, "goog-remb"), (.transportWide, "transport-cc"), (.fullIntraRequest, "ccm fir"), (.nack, "nack"),
        (.pictureLoss, "nack pli"),
    ]

    /// The kinds among `a=rtcp-fb` values.
    init(_ values: [String]) {
        self = []
        for (kind, name) in Self.names where values.contains(name) { insert(kind) }
    }

    /// `a=rtcp-fb` values.
    var values: [String] { Self.names.filter { contains($0.0) }.map(\.1) }
}
