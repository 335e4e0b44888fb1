internal import BridgeModel
internal import RTP

/// Which track and encoding a new SSRC belongs to (RFC 8843 section 9.2, RFC 8852 section 3).
extension PublisherIngress {
    /// How long a source must be silent before another one takes its place: two that claim one encoding do not take turns.
    private static var silence: Duration { .milliseconds(100) }

    /// Binds the SSRCs that the description announced.
    mutating func bindAnnouncedSources() {
        var encoding = 0
        for description in parameters.tracks.flatMap(\.encodings) {
            if let ssrc = description.ssrc { bindings.bind(ssrc, to: .init(encoding: encoding, isRetransmission: false)) }
            if let ssrc = description.rtxSSRC { bindings.bind(ssrc, to: .init(encoding: encoding, isRetransmission: true)) }
            encoding += 1
        }
    }

    /// Finds out what the packet's SSRC stands for and remembers it; nil when nothing in the packet tells.
    mutating func identify(_ packet: RTPPacketView, arrival: MonotonicTime) -> SourceBindings.Target? {
        let identity = ExtensionIdentity(packet, map: parameters.extensions)
        guard let (track, isRetransmission) = findTrack(packet.payloadType, mid: identity.mid),
            let encoding = findEncoding(ofTrack: track, rid: isRetransmission ? identity.repairedRID : identity.rid)
        else { return nil }
        let target = SourceBindings.Target(encoding: encoding, isRetransmission: isRetransmission)
        guard isFree(target, now: arrival) else { return nil }
        bindings.bind(packet.ssrc, to: target)
        return target
    }

    /// By its MID; without one by its payload type, if only one track has that.
    private func findTrack(_ payloadType: UInt8, mid: ExtensionToken?) -> (track: Int, isRetransmission: Bool)? {
        var found: (track: Int, isRetransmission: Bool)?
        for encoding in encodings {
            let track = encoding.track
            guard found?.track != track, let role = encoding.formats.role(of: payloadType) else { continue }
            if let mid, parameters.tracks[track].mid != mid { continue }
            guard found == nil else { return nil }
            if case .retransmission = role { found = (track, true) } else { found = (track, false) }
        }
        return found
    }

    /// By its RID; without one it must be the track's only encoding.
    private func findEncoding(ofTrack track: Int, rid: ExtensionToken?) -> Int? {
        let descriptions = parameters.tracks[track].encodings
        guard let first = encodings.firstIndex(where: { $0.track == track }) else { return nil }
        guard descriptions.count > 1 else { return first }
        guard let rid, let place = descriptions.firstIndex(where: { $0.rid == rid }) else { return nil }
        return first + place
    }

    private func isFree(_ target: SourceBindings.Target, now: MonotonicTime) -> Bool {
        guard !target.isRetransmission, bindings.ssrc(of: target) != nil, let last = encodings[target.encoding].lastArrival else {
            return true
        }
        return now.duration(since: last) >= Self.silence
    }
}
