import BridgeModel

/// A description of a peer, offer or answer, read and checked as far as its transport goes.
struct PeerDescription: Sendable {
    let remote: RemotePeer
    let sections: [PeerSection]
    /// Mids of the BUNDLE group in its order; nil for a description without a group, of which one section is served.
    let bundle: [String]?
    /// `a=extmap-allow-mixed` for the whole session.
    let allowsMixedExtensions: Bool

    /// Candidates of one description that are kept; browsers with many interfaces name two dozen.
    private static let candidateLimit = 64

    /// Throws for text that is no SDP or over a limit, and as the other initialiser does.
    init(_ text: String) throws(SDPError) { try self.init(try SessionDescription.parse(text)) }

    /// Throws for two sections of one mid, for a transport that is incomplete or insecure, and `peerIsLite`.
    init(_ description: SessionDescription) throws(SDPError) {
        let session = AttributeIndex(description.attributes)
        guard !session.has("ice-lite") else { throw .peerIsLite }
        let bundle = description.bundle
        let members = bundle.map(Set.init)
        let sections = description.sections.enumerated().map { PeerSection($1, index: $0, session: session, bundle: members) }
        try Self.checkMids(sections)
        let bundled = Self.transportSections(sections, bundle: bundle)
        self.bundle = bundle
        self.sections = sections
        allowsMixedExtensions = session.has("extmap-allow-mixed")
        remote = try Self.remote(of: bundled, session: session)
    }

    private static func checkMids(_ sections: [PeerSection]) throws(SDPError) {
        var seen: Set<String> = []
        for section in sections {
            if let mid = section.mid, !seen.insert(mid).inserted { throw .duplicateMid(section: section.index) }
        }
    }

    /// The sections that share the transport, the tagged one first (RFC 9143 section 7.2); without a group the first one that could carry media.
    private static func transportSections(_ sections: [PeerSection], bundle: [String]?) -> [PeerSection] {
        guard let bundle else { return Array(sections.filter { $0.kind != nil }.prefix(1)) }
        var byMid: [String: PeerSection] = [:]
        for section in sections where !section.media.isRejected {
            if let mid = section.mid { byMid[mid] = section }
        }
        return bundle.compactMap { byMid.removeValue(forKey: $0) }
    }

    /// Bundle-only sections may leave the transport to the tagged one (RFC 9143 section 6); some offerers put it elsewhere.
    private static func remote(of sections: [PeerSection], session: AttributeIndex) throws(SDPError) -> RemotePeer {
        let chosen = sections.first { $0.attributes.has("ice-ufrag") } ?? sections.first
        let layers = TransportLayers(section: chosen?.attributes, session: session)
        var remote = try layers.remote()
        for section in sections where remote.candidates.count < candidateLimit {
            for candidate in section.media.candidates(limit: candidateLimit) where !remote.candidates.contains(candidate) {
                guard remote.candidates.count < candidateLimit else { break }
                remote.candidates.append(candidate)
            }
        }
        remote.hasEndedCandidates = session.has("end-of-candidates") || sections.contains { $0.attributes.has("end-of-candidates") }
        return remote
    }
}

/// One section of a peer's description with what can be said about it alone.
struct PeerSection: Sendable {
    let media: MediaSection
    /// Place among the `m=` lines.
    let index: Int
    let attributes: AttributeIndex
    /// Nil when there is none, or it is no token of sensible length.
    let mid: String?
    let direction: MediaDirection
    /// Audio or video over SRTP keyed by DTLS, with RTCP on the same port, inside the bundle and not refused; nil for everything else.
    let kind: MediaKind?
    /// Why a section that asks for media of ours is refused from the outset; nil for those that are fit and for those that are none of ours.
    let obstacle: SDPError?

    /// A mid has one to three characters in browsers.
    private static let longestMid = 64
    /// RFC 9429 section 5.1.2: all of these mean SRTP keyed by DTLS.
    private static let transports: Set<String> = [
        "UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "RTP/SAVP", "TCP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVP",
    ]

    init(_ media: MediaSection, index: Int, session: AttributeIndex, bundle: Set<String>?) {
        self.media = media
        self.index = index
        attributes = AttributeIndex(media.attributes)
        let mid = attributes.first("mid").flatMap { SDPText.isToken($0) && $0.utf8.count <= Self.longestMid ? $0 : nil }
        self.mid = mid
        direction = attributes.direction ?? session.direction ?? .sendrecv
        let isOurs = !media.isRejected && Self.transports.contains(media.transport)
        guard isOurs, let kind = MediaKind(rawValue: media.media) else {
            (self.kind, obstacle) = (nil, nil)
            return
        }
        if let bundle, !(mid.map(bundle.contains) ?? false) {
            (self.kind, obstacle) = (nil, .unbundledSection(section: index))
        } else if !attributes.has("rtcp-mux"), !attributes.has("rtcp-mux-only") {
            (self.kind, obstacle) = (nil, .missingRTCPMux(section: index))
        } else {
            (self.kind, obstacle) = (kind, nil)
        }
    }

    /// `mid` for the engine: a section without one is told by its number.
    var name: String { mid ?? "\(index)" }
}

/// Transport attributes of a section with the session's as fallback (RFC 8839 section 5, RFC 8842 section 5).
struct TransportLayers {
    let section: AttributeIndex?
    let session: AttributeIndex

    private func values(_ name: String) -> [String] {
        guard let section, section.has(name) else { return session.all(name) }
        return section.all(name)
    }

    /// Checks and reads; candidates are not looked at.
    func remote() throws(SDPError) -> RemotePeer {
        var attributes: [SDPAttribute] = []
        for name in ["ice-ufrag", "ice-pwd", "fingerprint", "setup"] {
            // One fingerprint too many is an error, a thousand are not read.
            attributes += values(name).prefix(9).map { SDPAttribute(name, $0.isEmpty ? nil : $0) }
        }
        let parameters = try LayeredAttributes(attributes).transport()
        var remote = RemotePeer(
            ufrag: parameters.ufrag, password: Redacted(parameters.password), fingerprints: parameters.fingerprints, setup: parameters.setup
        )
        // RFC 8839 section 5.6 separates them by spaces, libdatachannel by commas.
        let words = Set(
            (values("ice-options") + session.all("ice-options")).prefix(8).flatMap { $0.split { $0 == " " || $0 == "," }.prefix(16) })
        for (option, name) in ICEOptions.names where words.contains(Substring(name)) { remote.options.insert(option) }
        return remote
    }
}
