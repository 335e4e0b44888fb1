package import BridgeModel

/// An offer whose media is settled: what the engine gets, and the answer to be sent once the engine has a transport for the peer.
package struct NegotiatedOffer: Sendable {
    /// What was settled. The engine gives its sources before `answer`; nothing else of it should be changed.
    package var peer: NegotiatedPeer
    let offer: PeerOffer

    init(_ offer: PeerOffer, sections: [NegotiatedSection], undecodableTracks: [UInt8] = [], policy: NegotiationPolicy) {
        self.offer = offer
        let role: DTLSSetup =
            switch offer.remote.setup {
            case .actpass: policy.dtlsRole
            case .active: .passive
            case .passive: .active
            }
        peer = NegotiatedPeer(remote: offer.remote, dtlsRole: role, sections: sections)
        peer.undecodableTracks = undecodableTracks
    }
}

extension PeerOffer {
    /// Settles what a publisher sends: the first sections of each kind, each with one codec; sections that do not send stay without media.
    /// Throws the first reason why a section was refused when no section is left, or `nothingToReceive`.
    package func acceptPublish(policy: NegotiationPolicy) throws(SDPError) -> NegotiatedOffer {
        var walk = SectionWalk(self, policy: policy)
        var counts: [MediaKind: Int] = [:]
        for section in description.sections {
            guard let (kind, terms) = walk.begin(section) else { continue }
            guard section.direction.sends else {
                walk.keepIdle(terms)
                continue
            }
            guard counts[kind, default: 0] < policy.limit(of: kind), let accepted = terms.publish() else { continue }
            if walk.admit(accepted) { counts[kind, default: 0] += 1 }
        }
        guard walk.hasMedia else { throw walk.obstacle ?? .nothingToReceive }
        return NegotiatedOffer(self, sections: walk.sections, policy: policy)
    }

    /// Settles what a viewer gets of these tracks: each section that receives gets the first track not yet given away that it can play, the others stay
    /// without media. Throws `cannotDecode` when the viewer has a section for the stream's video but plays none of it, or plays nothing at all; the first
    /// reason why a section was refused, or `nothingToSend`, when no section is left.
    ///
    /// With what was settled `earlier` with the same peer, a track that is still there stays in its section, with the sources that it has.
    package func acceptWatch(
        tracks: [OfferedTrack], policy: NegotiationPolicy, earlier: NegotiatedPeer? = nil
    ) throws(SDPError) -> NegotiatedOffer {
        let places = TrackPlaces(earlier, in: description)
        var walk = SectionWalk(self, policy: policy)
        var remaining = tracks
        var refused: [OfferedTrack] = []
        for section in description.sections {
            guard let (kind, terms) = walk.begin(section) else { continue }
            let candidates = section.direction.receives ? places.candidates(remaining, kind: kind, mid: section.name) : []
            guard var accepted = candidates.lazy.compactMap({ terms.watch($0) }).first else {
                refused += candidates
                walk.keepIdle(terms)
                continue
            }
            accepted.localSource = places.source(of: accepted)
            if walk.admit(accepted) { remaining.removeAll { $0.description.index == accepted.trackIndex } }
        }
        let served = Set(walk.sections.compactMap(\.trackIndex))
        refused.removeAll { served.contains($0.description.index) }
        let seesVideo = walk.sections.contains { $0.kind == .video && $0.direction.sends }
        if let blind = refused.first(where: { $0.description.kind == .video }), !seesVideo { throw .cannotDecode(blind.description.codec) }
        guard walk.hasMedia else { throw refused.first.map { .cannotDecode($0.description.codec) } ?? walk.obstacle ?? .nothingToSend }
        let undecodable = Set(refused.map(\.description.index)).sorted()
        return NegotiatedOffer(self, sections: walk.sections, undecodableTracks: undecodable, policy: policy)
    }
}

/// Which track of a viewer had which section before.
private struct TrackPlaces {
    private let sections: [String: NegotiatedSection]
    private let mids: [UInt8: String]

    init(_ earlier: NegotiatedPeer?, in description: PeerDescription) {
        // A section that does not receive any more holds no track back.
        let receiving = Set(description.sections.filter { $0.kind != nil && $0.direction.receives }.map(\.name))
        let sending = (earlier?.sections ?? []).filter { $0.direction.sends && receiving.contains($0.mid) }
        sections = Dictionary(sending.map { ($0.mid, $0) }) { first, _ in first }
        mids = Dictionary(sending.compactMap { section in section.trackIndex.map { ($0, section.mid) } }) { first, _ in first }
    }

    /// The tracks of this kind that may go into a section: the one that was there alone, else those that were nowhere.
    func candidates(_ tracks: [OfferedTrack], kind: MediaKind, mid: String) -> [OfferedTrack] {
        let ours = tracks.filter { $0.description.kind == kind && mids[$0.description.index] ?? mid == mid }
        let old = ours.filter { mids[$0.description.index] == mid }
        return old.isEmpty ? ours : old
    }

    /// What the section sent with before, as far as it still fits.
    func source(of section: NegotiatedSection) -> MediaSource? {
        guard var source = sections[section.mid]?.localSource, (source.rtx != nil) == (section.format.rtxPayloadType != nil) else {
            return nil
        }
        source.fec = nil
        return source
    }
}

/// Goes through the sections of an offer and keeps the numbers of the bundle apart.
private struct SectionWalk {
    private let offer: PeerOffer
    private let policy: NegotiationPolicy
    /// The only section that is served where there is no BUNDLE group.
    private let only: Int?
    private var numbers = BundleNumbers()
    private(set) var sections: [NegotiatedSection] = []
    /// Why the first of the refused sections was refused.
    private(set) var obstacle: SDPError?

    init(_ offer: PeerOffer, policy: NegotiationPolicy) {
        self.offer = offer
        self.policy = policy
        only = offer.description.bundle == nil ? offer.description.sections.first { $0.kind != nil }?.index : nil
    }

    var hasMedia: Bool { sections.contains { $0.direction != .inactive } }

    /// A section that can be served; nil for one that cannot.
    mutating func begin(_ section: PeerSection) -> (MediaKind, SectionTerms)? {
        guard let kind = section.kind else {
            obstacle = obstacle ?? section.obstacle
            return nil
        }
        guard only == nil || only == section.index else { return nil }
        return (kind, SectionTerms(section, kind: kind, policy: policy, allowsMixedExtensions: offer.description.allowsMixedExtensions))
    }

    /// Takes a section into the bundle; false when its numbers clash with an earlier one's.
    mutating func admit(_ terms: NegotiatedSection) -> Bool {
        var terms = terms
        if let type = numbers.claim(&terms) {
            obstacle = obstacle ?? .conflictingPayloadType(type)
            return false
        }
        sections.append(terms)
        return true
    }

    mutating func keepIdle(_ terms: SectionTerms) {
        if let idle = terms.idle() { _ = admit(idle) }
    }
}

/// Payload types and extension ids of a bundle: one meaning each (RFC 9143 sections 8 and 10).
private struct BundleNumbers {
    private var formats: [UInt8: String] = [:]
    private var kinds: [UInt8: HeaderExtensionKind] = [:]
    private var ids: [HeaderExtensionKind: UInt8] = [:]

    /// Takes the section's numbers. What surrounds the format is dropped where it clashes; the format itself must not: its number is the result then.
    mutating func claim(_ section: inout NegotiatedSection) -> UInt8? {
        let format = section.format
        guard claim(format.payloadType, "\(format.codec) \(format.channels) \(format.parameters.text)") else { return format.payloadType }
        if let rtx = format.rtxPayloadType, !claim(rtx, "rtx \(format.payloadType)") { section.format.rtxPayloadType = nil }
        if let redundancy = format.redundancy, !claim(redundancy, around: format.payloadType) { section.format.redundancy = nil }
        section.extensions.removeAll { !claim($0) }
        if section.id(of: .transportSequence) == nil { section.format.feedback.remove(.transportWide) }
        return nil
    }

    private mutating func claim(_ type: UInt8, _ meaning: String) -> Bool {
        guard formats[type] ?? meaning == meaning else { return false }
        formats[type] = meaning
        return true
    }

    private mutating func claim(_ redundancy: NegotiatedFormat.Redundancy, around type: UInt8) -> Bool {
        // RED of video may hold any of its formats.
        guard claim(redundancy.red, redundancy.ulpfec == nil ? "red \(type)" : "red") else { return false }
        return (redundancy.redRTX.map { claim($0, "rtx \(redundancy.red)") } ?? true)
            && (redundancy.ulpfec.map { claim($0, "ulpfec") } ?? true)
    }

    private mutating func claim(_ item: NegotiatedExtension) -> Bool {
        guard kinds[item.id] ?? item.kind == item.kind, ids[item.kind] ?? item.id == item.id else { return false }
        kinds[item.id] = item.kind
        ids[item.kind] = item.id
        return true
    }
}

extension NegotiatedPeer {
    /// Gives every section that we send in, and that has none yet, an SSRC, and one for retransmissions where they were agreed on: distinct, never 0, none of the peer's.
    package mutating func assignSources(cname: String, using random: inout some RandomNumberGenerator) {
        var taken: Set<UInt32> = [0]
        for source in sections.flatMap({ $0.remoteSources + ($0.localSource.map { [$0] } ?? []) }) {
            taken.formUnion([source.ssrc, source.rtx ?? 0, source.fec ?? 0])
        }
        func fresh() -> UInt32 {
            while true {
                let ssrc = UInt32.random(in: 1...UInt32.max, using: &random)
                if taken.insert(ssrc).inserted { return ssrc }
            }
        }
        for index in sections.indices where sections[index].direction.sends && sections[index].localSource == nil {
            let needsRTX = sections[index].format.rtxPayloadType != nil
            sections[index].localSource = MediaSource(ssrc: fresh(), rtx: needsRTX ? fresh() : nil, cname: cname)
        }
    }

    /// The tracks of a publisher for the hub, in the order of its sections.
    package var publishedTracks: [TrackDescription] {
        sections.filter { $0.direction.receives }.enumerated().map { index, section in
            TrackDescription(
                index: UInt8(clamping: index), codec: section.format.codec, payloadType: section.format.payloadType,
                clockRate: section.format.clockRate, channels: section.kind == .audio ? section.format.channels : nil,
                formatParameters: section.format.parameters.text, mid: section.mid)
        }
    }
}
