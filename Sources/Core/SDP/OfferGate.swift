package import BridgeModel

/// The gate through which every offer comes: it decides what is accepted and prints a new, smaller description for the engine, so that
/// webrtcbin only ever sees SDP of ours.
package enum OfferGate {
    /// A publisher's offer. The first sections of each kind that send a codec of the policy are accepted, each with one codec in the
    /// offerer's order; sections that do not send stay inactive, all others get port zero.
    package static func acceptPublish(_ offer: String, policy: GatePolicy) throws(SDPError) -> AcceptedOffer {
        let checked = try CheckedOffer(offer)
        var decisions: [SectionDecision] = []
        var counts: [MediaKind: Int] = [:]
        for (index, section) in checked.description.sections.enumerated() {
            guard let kind = checked.usableKind(at: index) else {
                decisions.append(.rejected)
                continue
            }
            guard checked.description.direction(of: section).sends else {
                decisions.append(checked.idle(at: index))
                continue
            }
            guard counts[kind, default: 0] < policy.limit(of: kind),
                let choice = publishChoice(section.payloadFormats, kind: kind, policy: policy)
            else {
                decisions.append(.rejected)
                continue
            }
            counts[kind, default: 0] += 1
            decisions.append(try checked.accept(choice, at: index, direction: .recvonly, policy: policy))
        }
        let accepted = try AcceptedOffer(checked, decisions: decisions, sources: [])
        guard !accepted.acceptedSections.isEmpty else { throw .nothingToReceive }
        return accepted
    }

    /// The offerer's first codec that the policy accepts, in the form of it that most viewers play.
    private static func publishChoice(_ formats: [PayloadFormat], kind: MediaKind, policy: GatePolicy) -> FormatChoice? {
        let usable = formats.filter { $0.codec.map { $0.kind == kind && policy.accepts($0) } ?? false }
        guard let codec = usable.first?.codec else { return nil }
        let forms = usable.filter { $0.codec == codec }
        return forms.min { $0.rarity < $1.rarity }.map { FormatChoice(codec: codec, format: $0) }
    }

    /// A viewer's offer for a stream with these tracks. Each section that can receive gets the first track not yet given away that it can
    /// play; the others stay inactive. Throws `nothingToSend` when no track found a section.
    package static func acceptView(_ offer: String, tracks: [TrackDescription], policy: GatePolicy) throws(SDPError) -> AcceptedOffer {
        let checked = try CheckedOffer(offer)
        var remaining = tracks
        var decisions: [SectionDecision] = []
        var sources: [UInt8] = []
        for (index, section) in checked.description.sections.enumerated() {
            guard let kind = checked.usableKind(at: index) else {
                decisions.append(.rejected)
                continue
            }
            let formats = section.payloadFormats
            let receives = checked.description.direction(of: section).receives
            guard receives, let (place, format) = viewChoice(formats, kind: kind, tracks: remaining) else {
                decisions.append(checked.idle(at: index))
                continue
            }
            let track = remaining.remove(at: place)
            sources.append(track.index)
            decisions.append(
                try checked.accept(FormatChoice(codec: track.codec, format: format), at: index, direction: .sendonly, policy: policy))
        }
        guard !sources.isEmpty else { throw .nothingToSend }
        return try AcceptedOffer(checked, decisions: decisions, sources: sources)
    }

    /// The first track of this kind that one of the formats can play, and the nearest such format. AAC is for recordings.
    private static func viewChoice(_ formats: [PayloadFormat], kind: MediaKind, tracks: [TrackDescription]) -> (Int, PayloadFormat)? {
        for (place, track) in tracks.enumerated() where track.kind == kind && track.codec != .aac {
            let source = PayloadFormat(track)
            let playable = formats.filter { $0.codec == track.codec }.compactMap { format in
                format.distance(to: source).map { (distance: $0, format: format) }
            }
            if let best = playable.min(by: { $0.distance < $1.distance }) { return (place, best.format) }
        }
        return nil
    }
}

extension PayloadFormat {
    /// The lower, the more receivers play this form of its codec: the bridge does not transcode, so a publisher is asked for the plainest.
    var rarity: Int {
        switch codec {
        case .h264: (H264Profile(parameters)?.rawValue ?? 10) + (isNonInterleaved ? 0 : 20)
        case .vp9, .av1: profile ?? 10
        default: 0
        }
    }

    /// A track of the hub as a format, to be compared with a viewer's.
    init(_ track: TrackDescription) {
        self.init(
            payloadType: track.payloadType, encodingName: track.codec.encodingName, clockRate: track.clockRate,
            channels: track.channels ?? (track.codec == .opus ? 2 : 1), parameters: FormatParameters(track.formatParameters), feedback: [])
    }
}
