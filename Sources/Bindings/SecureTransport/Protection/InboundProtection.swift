/// The receiving direction of `PacketProtection`. State is made and changed by authenticated packets only.
struct InboundProtection: ~Copyable {
    /// Of RTP and of RTCP each. A publisher with three simulcast layers and audio, each with retransmissions, has eight.
    static let maximumSources = 64
    /// As wide as browsers have it: a packet resent under its own number (RFC 4585) may be half a second old, which is 1,000 packets at 20 Mbit/s.
    typealias RTPWindow = ReplayWindow<16>
    /// RTCP is not resent: the least that RFC 3711 section 3.3.2 recommends, twice over.
    typealias RTCPWindow = ReplayWindow<2>

    struct RTPSender: Source {
        let ssrc: UInt32
        var window = RTPWindow()
    }

    struct RTCPSender: Source {
        let ssrc: UInt32
        var window = RTCPWindow()
    }

    private let keys: SessionKeys
    private var rtpContext = LazyCipherContext()
    var rtpSenders = SourceTable<RTPSender>(capacity: maximumSources)
    var rtcpSenders = SourceTable<RTCPSender>(capacity: maximumSources)

    init(keys: consuming SessionKeys) { self.keys = keys }

    /// See `PacketProtection.unprotect`.
    mutating func unprotect(_ packet: UnsafeMutableRawBufferPointer, ciphers: PacketCiphers) throws(ProtectionError) -> Int {
        let octets = UnsafeRawBufferPointer(packet)
        let length = packet.count - keys.profile.rtpOverhead
        guard let headerCount = RTPLayout.headerByteCount(of: octets), headerCount <= length else { throw .malformed }
        let (ssrc, sequence) = (RTPLayout.ssrc(of: octets), RTPLayout.sequence(of: octets))
        let known = rtpSenders.position(of: ssrc)
        guard known != nil || rtpSenders.hasRoom else { throw .tooManySources }
        let highest = known.map { rtpSenders[$0].window.highest } ?? 0
        guard let index = PacketIndex.estimate(sequence: sequence, highest: highest) else { throw .exhausted }
        if let known, !rtpSenders[known].window.admits(index) { throw .replay }

        let transform = PacketTransform(
            profile: keys.profile, keys: keys.rtp,
            context: try rtpContext.ready(profile: keys.profile, key: keys.rtp.cipher, ciphers: ciphers), contextKey: nil,
            vector: keys.rtp.vector(profile: keys.profile, ssrc: ssrc, index: index), word: .rollover(PacketIndex.rollover(of: index)))
        try transform.open(
            UnsafeMutableRawBufferPointer(rebasing: packet[..<length]), headerByteCount: headerCount,
            tag: UnsafeMutableRawBufferPointer(rebasing: packet[length...]), hmac: ciphers.hmac)
        let sender = if let known { known } else { try rtpSenders.append(RTPSender(ssrc: ssrc)) }
        rtpSenders[sender].window.insert(index)
        return length
    }

    /// See `PacketProtection.unprotectRTCP`.
    mutating func unprotectRTCP(_ packet: UnsafeMutableRawBufferPointer, ciphers: PacketCiphers) throws(ProtectionError) -> Int {
        let octets = UnsafeRawBufferPointer(packet)
        let length = packet.count - keys.profile.rtcpOverhead
        guard let ssrc = RTPLayout.senderSSRC(ofRTCP: octets), length >= RTPLayout.rtcpHeaderByteCount else { throw .malformed }
        let trailer = RTCPTrailer(profile: keys.profile, packetByteCount: length)
        let word = RTCPIndexWord(in: octets, at: trailer.word)
        guard word.isEncrypted else { throw .unencrypted }
        let known = rtcpSenders.position(of: ssrc)
        guard known != nil || rtcpSenders.hasRoom else { throw .tooManySources }
        let index = UInt64(word.index)
        if let known, !rtcpSenders[known].window.admits(index) { throw .replay }

        let transform = PacketTransform(
            profile: keys.profile, keys: keys.rtcp, context: ciphers.shared(for: keys.profile), contextKey: keys.rtcp.cipher,
            vector: keys.rtcp.vector(profile: keys.profile, ssrc: ssrc, index: index), word: .rtcpIndex(word))
        try transform.open(
            UnsafeMutableRawBufferPointer(rebasing: packet[..<length]), headerByteCount: RTPLayout.rtcpHeaderByteCount,
            tag: UnsafeMutableRawBufferPointer(rebasing: packet[trailer.tag]), hmac: ciphers.hmac)
        let sender = if let known { known } else { try rtcpSenders.append(RTCPSender(ssrc: ssrc)) }
        rtcpSenders[sender].window.insert(index)
        return length
    }
}
