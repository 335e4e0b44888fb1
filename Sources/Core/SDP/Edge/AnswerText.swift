import BridgeModel

extension NegotiatedOffer {
    /// The answer: every section of the offer in its place, the refused ones with port zero. Each section that sends needs its `localSource`.
    ///
    /// The candidates stand in the section that tags the bundle, with the end-of-candidates mark: an ICE-lite agent has no others to come.
    package func answer(_ transport: LocalTransport) -> SessionDescription {
        let negotiated = Dictionary(peer.sections.map { ($0.index, $0) }) { first, _ in first }
        let group = bundle(of: negotiated)
        let tagged = group?.first.flatMap { peer.section(mid: $0)?.index } ?? peer.sections.first?.index
        let sections = offer.description.sections.map { offered in
            guard let terms = negotiated[offered.index] else { return offered.refusal }
            var media = terms.description(transport: offered.media.transport, mid: offered.mid)
            media.attributes.insert(contentsOf: transport.attributes(options: options, setup: peer.dtlsRole), at: 1)
            if offered.index == tagged { media.attributes += transport.candidateAttributes }
            return media
        }
        var attributes = group.map { [SDPAttribute("group", "BUNDLE " + $0.joined(separator: " "))] } ?? []
        attributes.append(SDPAttribute("ice-lite"))
        if offer.description.allowsMixedExtensions { attributes.append(SDPAttribute("extmap-allow-mixed")) }
        attributes.append(SDPAttribute("msid-semantic", "WMS *"))
        return SessionDescription(
            sessionID: transport.sessionID, sessionVersion: transport.sessionVersion, attributes: attributes, sections: sections)
    }

    /// The offer's group without the refused sections (RFC 9143 section 7.3); nil when the offer has none.
    private func bundle(of negotiated: [Int: NegotiatedSection]) -> [String]? {
        guard let group = offer.description.bundle else { return nil }
        var left = Set(negotiated.values.map(\.mid))
        return group.filter { left.remove($0) != nil }
    }

    /// Renomination is a promise that is only made to those who ask for it.
    private var options: ICEOptions { peer.remote.options.intersection(.renomination).union([.trickle, .ice2]) }
}

extension PeerSection {
    /// Port zero (RFC 3264 section 6, RFC 9143 section 7.3.3).
    var refusal: MediaSection {
        MediaSection(
            media: media.media, port: 0, transport: media.transport, formats: media.formats,
            attributes: (mid.map { [SDPAttribute("mid", $0)] } ?? []) + [SDPAttribute(MediaDirection.inactive.rawValue)])
    }
}

extension LocalTransport {
    /// `a=` lines of a media section.
    func attributes(options: ICEOptions, setup: DTLSSetup) -> [SDPAttribute] {
        let names = ICEOptions.names.filter { options.contains($0.0) }.map(\.1)
        return [
            SDPAttribute("ice-ufrag", ufrag), SDPAttribute("ice-pwd", password.revealed),
            SDPAttribute("ice-options", names.joined(separator: " ")),
        ] + fingerprints.map { SDPAttribute("fingerprint", "\($0.algorithm) \($0.value)") } + [SDPAttribute("setup", setup.rawValue)]
    }

    /// Candidates and the mark that there are no more.
    var candidateAttributes: [SDPAttribute] {
        candidates.enumerated().map { SDPAttribute("candidate", String($1.print(rank: $0).dropFirst("candidate:".count))) }
            + [SDPAttribute("end-of-candidates")]
    }
}

extension NegotiatedSection {
    /// The section without its transport, which belongs behind the first line. `mid` is nil for a description without mids; `formats` are all that an offer
    /// names, an answer names the section's own.
    func description(transport: String, mid: String?, formats: [NegotiatedFormat]? = nil) -> MediaSection {
        let formats = formats ?? [format]
        var media = MediaSection(
            media: kind.rawValue, port: 9, transport: transport, formats: formats.flatMap(\.payloadTypes).map { String($0) },
            attributes: [SDPAttribute("rtcp", "9 IN IP4 0.0.0.0")])
        if let mid { media.attributes.append(SDPAttribute("mid", mid)) }
        media.attributes += extensions.map(\.attribute) + [SDPAttribute(direction.rawValue), SDPAttribute("rtcp-mux")]
        if usesReducedSizeRTCP { media.attributes.append(SDPAttribute("rtcp-rsize")) }
        if direction.sends, let streamIdentity { media.attributes.append(SDPAttribute("msid", streamIdentity.text)) }
        media.attributes += formats.flatMap(\.attributes)
        if direction.receives { media.attributes += simulcastAttributes }
        if direction.sends { media.attributes += sourceAttributes }
        return media
    }

    /// RFC 8851 section 6, RFC 8853 section 5.3.2.
    private var simulcastAttributes: [SDPAttribute] {
        guard !layers.isEmpty else { return [] }
        let list = (usesDraftSimulcast ? "recv rid=" : "recv ") + layers.map(\.rid).joined(separator: ";")
        return layers.map { SDPAttribute("rid", "\($0.rid) recv") } + [SDPAttribute("simulcast", list)]
    }

    /// RFC 5576, with the names that clients from before Unified Plan look for.
    private var sourceAttributes: [SDPAttribute] {
        guard let localSource else { return [] }
        let group = localSource.rtx.map { [SDPAttribute("ssrc-group", "FID \(localSource.ssrc) \($0)")] } ?? []
        return group
            + [localSource.ssrc, localSource.rtx].compactMap { $0 }.flatMap { ssrc in
                [SDPAttribute("ssrc", "\(ssrc) cname:\(localSource.cname ?? "-")")]
                    + (streamIdentity.map { [SDPAttribute("ssrc", "\(ssrc) msid:\($0.text)")] } ?? [])
            }
    }
}

extension NegotiatedFormat {
    /// In the order of the `m=` line.
    var payloadTypes: [UInt8] {
        [payloadType, rtxPayloadType, redundancy?.red, redundancy?.redRTX, redundancy?.ulpfec].compactMap { $0 }
    }

    /// `a=rtpmap`, `a=rtcp-fb` and `a=fmtp` of the format and what surrounds it.
    var attributes: [SDPAttribute] {
        var lines = [SDPAttribute("rtpmap", "\(payloadType) \(map)")]
        lines += feedback.values.map { SDPAttribute("rtcp-fb", "\(payloadType) \($0)") }
        if !parameters.text.isEmpty { lines.append(SDPAttribute("fmtp", "\(payloadType) \(parameters.text)")) }
        if let rtxPayloadType { lines += retransmission(rtxPayloadType, of: payloadType) }
        guard let redundancy else { return lines }
        lines.append(SDPAttribute("rtpmap", "\(redundancy.red) red/\(clock)"))
        if codec.kind == .audio { lines.append(SDPAttribute("fmtp", "\(redundancy.red) \(payloadType)/\(payloadType)")) }
        if let rtx = redundancy.redRTX { lines += retransmission(rtx, of: redundancy.red) }
        if let ulpfec = redundancy.ulpfec { lines.append(SDPAttribute("rtpmap", "\(ulpfec) ulpfec/\(clock)")) }
        return lines
    }

    private var clock: String { channels > 1 ? "\(clockRate)/\(channels)" : "\(clockRate)" }
    /// Names are compared without regard to case; everyone writes these two in small letters.
    private var map: String { "\(codec == .opus || codec == .aac ? codec.encodingName.lowercased() : codec.encodingName)/\(clock)" }

    private func retransmission(_ rtx: UInt8, of type: UInt8) -> [SDPAttribute] {
        [SDPAttribute("rtpmap", "\(rtx) rtx/\(clockRate)"), SDPAttribute("fmtp", "\(rtx) apt=\(type)")]
    }
}
