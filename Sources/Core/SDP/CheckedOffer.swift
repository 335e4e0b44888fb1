import BridgeModel

/// An offer that meets the rules which hold for publishers and viewers alike: BUNDLE, mids, ICE and DTLS.
struct CheckedOffer {
    let description: SessionDescription
    /// One mid a section, in order.
    let mids: [String]
    let bundle: Set<String>
    let transport: TransportParameters
    let candidates: [Candidate]

    /// Candidates of one description that are used; browsers with many interfaces name two dozen.
    private static let candidateLimit = 64
    /// A mid has one to three characters in browsers.
    private static let longestMid = 64

    init(_ text: String) throws(SDPError) { try self.init(try SessionDescription.parse(text)) }

    init(_ description: SessionDescription) throws(SDPError) {
        self.description = description
        guard let group = description.bundle, !group.isEmpty else { throw .missingBundle }
        bundle = Set(group)
        mids = try Self.mids(of: description)
        let offered = zip(mids, description.sections).filter { !$0.1.isRejected }
        let bundled = group.compactMap { mid in offered.first { $0.0 == mid }?.1 }
        guard let first = bundled.first else { throw .missingBundle }
        // Bundle-only sections may leave the transport to the tagged one (RFC 9143 section 6); some offerers put it elsewhere.
        let layers = bundled.map { LayeredAttributes($0, in: description) }
        let chosen = layers.first { !$0.values("ice-ufrag").isEmpty }
        transport = try (chosen ?? LayeredAttributes(first, in: description)).transport()
        var all: [Candidate] = []
        for section in bundled {
            for candidate in section.candidates(limit: Self.candidateLimit) where !all.contains(candidate) {
                guard all.count < Self.candidateLimit else { break }
                all.append(candidate)
            }
        }
        candidates = all
    }

    private static func mids(of description: SessionDescription) throws(SDPError) -> [String] {
        var mids: [String] = []
        for (index, section) in description.sections.enumerated() {
            guard let mid = section.mid, SDPText.isToken(mid), mid.utf8.count <= longestMid else { throw .missingMid(section: index) }
            guard !mids.contains(mid) else { throw .duplicateMid(section: index) }
            mids.append(mid)
        }
        return mids
    }

    /// The kind of a section that could carry our media; nil for data channels, refused, unbundled and unencrypted ones.
    func usableKind(at index: Int) -> MediaKind? {
        let section = description.sections[index]
        guard !section.isRejected, bundle.contains(mids[index]), Self.transports.contains(section.transport) else { return nil }
        return MediaKind(rawValue: section.media)
    }

    /// RFC 9429 section 5.1.2: all of these mean SRTP keyed by DTLS.
    private static let transports: Set<String> = ["UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP", "TCP/TLS/RTP/SAVPF"]

    /// Accepts a section, which must multiplex RTCP.
    func accept(
        _ choice: FormatChoice, at index: Int, direction: MediaDirection, policy: GatePolicy
    ) throws(SDPError) -> SectionDecision {
        let section = description.sections[index]
        guard section.has("rtcp-mux") || section.has("rtcp-mux-only") else { throw .missingRTCPMux(section: index) }
        return .accepted(AcceptedSection(choice, of: section, mid: mids[index], direction: direction, policy: policy))
    }

    /// The decision for a section that stays without media.
    func idle(at index: Int) -> SectionDecision {
        let section = description.sections[index]
        guard var format = section.payloadFormats.first(where: { $0.codec?.kind.rawValue == section.media }) else { return .rejected }
        format.feedback = []
        return .inactive(format)
    }
}
