package import BridgeModel

/// What becomes of one section of an offer.
package enum SectionDecision: Sendable, Equatable {
    /// Media flows.
    case accepted(AcceptedSection)
    /// The section stays in the transport without media; the answer must still name one format.
    case inactive(PayloadFormat)
    /// Port zero.
    case rejected
}

/// A format of a section and the codec that it is.
struct FormatChoice: Sendable {
    let codec: Codec
    let format: PayloadFormat
}

/// The terms on which a section is accepted.
package struct AcceptedSection: Sendable, Equatable {
    /// The section's identification in the offer.
    package var mid: String
    /// Audio or video.
    package var kind: MediaKind
    /// What the section carries.
    package var codec: Codec
    /// The chosen format; its feedback is reduced to what the policy allows.
    package var format: PayloadFormat
    /// The RTX format of it, if there is one.
    package var retransmission: PayloadFormat?
    /// Header extensions that both sides use; none towards viewers.
    package var extensions: [HeaderExtension]
    /// Ours: `recvonly` for publishers, `sendonly` for viewers.
    package var direction: MediaDirection
    /// `a=ssrc-group:FID` and `a=ssrc` of the offer, reduced to one source and its RTX.
    var sources: [SDPAttribute]

    init(_ choice: FormatChoice, of section: MediaSection, mid: String, direction: MediaDirection, policy: GatePolicy) {
        self.mid = mid
        codec = choice.codec
        kind = choice.codec.kind
        self.direction = direction
        format = choice.format
        format.feedback = policy.feedback(choice.format.feedback, for: kind, direction: direction)
        let rtx = kind == .video ? section.payloadFormats.first { $0.retransmittedType == choice.format.payloadType } : nil
        retransmission = format.feedback.contains("nack") ? rtx : nil
        extensions = direction == .recvonly ? Self.extensions(of: section) : []
        sources = direction == .recvonly ? SourceAttributes(section).reduced(withRetransmission: retransmission != nil) : []
        alignTransportFeedback()
    }

    /// Transport-wide feedback and its header extension are of use only together.
    mutating func alignTransportFeedback() {
        let isNumbered = extensions.contains { $0.uri == HeaderExtension.transportSequence }
        guard isNumbered, format.feedback.contains("transport-cc") else {
            format.feedback.removeAll { $0 == "transport-cc" }
            extensions.removeAll { $0.uri == HeaderExtension.transportSequence }
            return
        }
    }

    /// The formats in the order of the `m=` line.
    var formats: [PayloadFormat] { [format] + (retransmission.map { [$0] } ?? []) }

    /// Only what a receiver needs: packets of the hub keep their source's extensions, so a viewer is promised none.
    private static func extensions(of section: MediaSection) -> [HeaderExtension] {
        var result: [HeaderExtension] = []
        for attribute in section.attributes where attribute.name == "extmap" {
            guard let item = HeaderExtension(attribute.value ?? "") else { continue }
            guard item.uri == HeaderExtension.mid || item.uri == HeaderExtension.transportSequence else { continue }
            if !result.contains(where: { $0.id == item.id || $0.uri == item.uri }) { result.append(item) }
        }
        return result
    }
}

extension PayloadFormat {
    /// `a=rtpmap`, `a=rtcp-fb` and `a=fmtp` lines.
    var attributes: [SDPAttribute] {
        let feedback = feedback.map { SDPAttribute("rtcp-fb", "\(payloadType) \($0)") }
        let parameters = parameters.text.isEmpty ? [] : [SDPAttribute("fmtp", "\(payloadType) \(self.parameters.text)")]
        return [SDPAttribute("rtpmap", "\(payloadType) \(map)")] + feedback + parameters
    }
}

/// The sources that a section announces (RFC 5576).
struct SourceAttributes {
    /// In order of first mention.
    private var sources: [UInt32] = []
    private var names: [UInt32: String] = [:]
    /// Source and its retransmission.
    private var pairs: [UInt32: UInt32] = [:]

    /// A section of a browser has two sources, six with simulcast; what is beyond this is not read.
    private static let limit = 16

    init(_ section: MediaSection) {
        for attribute in section.attributes {
            switch attribute.name {
            case "ssrc-group": takeGroup(attribute.value ?? "")
            case "ssrc": takeSource(attribute.value ?? "")
            default: break
            }
        }
    }

    /// The first source with its retransmission, as lines.
    func reduced(withRetransmission: Bool) -> [SDPAttribute] {
        let retransmissions = Set(pairs.values)
        guard let first = sources.first(where: { !retransmissions.contains($0) }) else { return [] }
        guard withRetransmission, let second = pairs[first] else { return [line(first)] }
        return [SDPAttribute("ssrc-group", "FID \(first) \(second)"), line(first), line(second)]
    }

    private func line(_ source: UInt32) -> SDPAttribute {
        SDPAttribute("ssrc", "\(source) cname:\(names[source] ?? "-")")
    }

    private mutating func takeGroup(_ value: String) {
        let words = SDPText.words(value)
        guard words.count == 3, words[0] == "FID", pairs.count < Self.limit else { return }
        guard let first = SDPText.decimal(words[1], as: UInt32.self), let second = SDPText.decimal(words[2], as: UInt32.self) else {
            return
        }
        // Source 0 is webrtcbin's way to say that it does not know the source yet; its retransmission is still none of ours to announce.
        guard second != 0, first != second, pairs[first] == nil else { return }
        pairs[first] = second
    }

    private mutating func takeSource(_ value: String) {
        let parts = value.split(separator: " ", maxSplits: 1)
        guard let id = parts.first, let source = SDPText.decimal(id, as: UInt32.self), source != 0 else { return }
        if !sources.contains(source) {
            guard sources.count < Self.limit else { return }
            sources.append(source)
        }
        guard parts.count == 2, parts[1].hasPrefix("cname:"), names[source] == nil else { return }
        let name = parts[1].dropFirst("cname:".count)
        if SDPText.isVisible(name), name.utf8.count <= 255 { names[source] = String(name) }
    }
}
