/// The sending direction of `PacketProtection`.
struct OutboundProtection: ~Copyable {
    /// A viewer has a handful of tracks, a participant of a large room some hundred, each with its retransmissions.
    static let maximumSources = 512

    struct Sender: Source {
        let ssrc: UInt32
        /// Of its RTP packets.
        var highestIndex: UInt64 = 0
        /// Of its next RTCP packet; it begins with 0 (RFC 3711 section 3.4).
        var nextRTCPIndex: UInt64 = 0
    }

    private let keys: SessionKeys
    private var rtpContext = LazyCipherContext()
    /// Those that packets were protected for, or that were tried.
    var senders = SourceTable<Sender>(capacity: maximumSources)

    init(keys: consuming SessionKeys) { self.keys = keys }

    /// See `PacketProtection.protect`.
    mutating func protect(
        header: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, into slot: UnsafeMutableRawBufferPointer, ciphers: PacketCiphers
    ) throws(ProtectionError) -> Int {
        let (profile, length) = (keys.profile, header.count + payload.count)
        guard let headerCount = RTPLayout.headerByteCount(of: header), length <= RTPLayout.maximumByteCount else { throw .malformed }
        guard slot.count >= length + profile.rtpOverhead else { throw .noRoom }
        let sender = try position(of: RTPLayout.ssrc(of: header))
        let sequence = RTPLayout.sequence(of: header)
        guard let index = PacketIndex.estimate(sequence: sequence, highest: senders[sender].highestIndex) else { throw .exhausted }

        let transform = PacketTransform(
            profile: profile, keys: keys.rtp,
            context: try rtpContext.ready(profile: profile, key: keys.rtp.cipher, ciphers: ciphers), contextKey: nil,
            vector: keys.rtp.vector(profile: profile, ssrc: senders[sender].ssrc, index: index),
            word: .rollover(PacketIndex.rollover(of: index)))
        slot.copyMemory(from: UnsafeRawBufferPointer(rebasing: header[..<headerCount]))
        try transform.seal(
            (UnsafeRawBufferPointer(rebasing: header[headerCount...]), payload),
            into: UnsafeMutableRawBufferPointer(rebasing: slot[..<length]),
            tag: UnsafeMutableRawBufferPointer(rebasing: slot[length..<length + profile.tagByteCount]), hmac: ciphers.hmac)
        senders[sender].highestIndex = max(senders[sender].highestIndex, index)
        return length + profile.rtpOverhead
    }

    /// See `PacketProtection.protectRTCP`.
    mutating func protectRTCP(
        _ packet: UnsafeRawBufferPointer, into slot: UnsafeMutableRawBufferPointer, ciphers: PacketCiphers
    ) throws(ProtectionError) -> Int {
        let (profile, length, headerCount) = (keys.profile, packet.count, RTPLayout.rtcpHeaderByteCount)
        guard let ssrc = RTPLayout.senderSSRC(ofRTCP: packet) else { throw .malformed }
        guard slot.count >= length + profile.rtcpOverhead else { throw .noRoom }
        let sender = try position(of: ssrc)
        let index = senders[sender].nextRTCPIndex
        guard index <= PacketIndex.maximumRTCP else { throw .exhausted }

        let word = RTCPIndexWord(index: UInt32(truncatingIfNeeded: index), isEncrypted: true)
        let transform = PacketTransform(
            profile: profile, keys: keys.rtcp, context: ciphers.shared(for: profile), contextKey: keys.rtcp.cipher,
            vector: keys.rtcp.vector(profile: profile, ssrc: ssrc, index: index), word: .rtcpIndex(word))
        slot.copyMemory(from: UnsafeRawBufferPointer(rebasing: packet[..<headerCount]))
        let trailer = RTCPTrailer(profile: profile, packetByteCount: length)
        try transform.seal(
            (UnsafeRawBufferPointer(rebasing: packet[headerCount...]), UnsafeRawBufferPointer(start: nil, count: 0)),
            into: UnsafeMutableRawBufferPointer(rebasing: slot[..<length]),
            tag: UnsafeMutableRawBufferPointer(rebasing: slot[trailer.tag]), hmac: ciphers.hmac)
        word.store(in: slot, at: trailer.word)
        senders[sender].nextRTCPIndex += 1
        return length + profile.rtcpOverhead
    }

    /// Where a sender's state is; makes it when this is its first packet.
    private mutating func position(of ssrc: UInt32) throws(ProtectionError) -> Int {
        if let position = senders.position(of: ssrc) { return position }
        return try senders.append(Sender(ssrc: ssrc))
    }
}
