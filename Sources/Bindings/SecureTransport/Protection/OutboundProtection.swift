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
    var senders = SourceTable<Sender>(capacity: maximumSources)

    init(keys: consuming SessionKeys) { self.keys = keys }

    /// See `PacketProtection.protect`.
    mutating func protect(
        header: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, into slot: UnsafeMutableRawBufferPointer, ciphers: PacketCiphers
    ) throws(ProtectionError) -> Int {
        let (profile, keys) = (keys.profile, keys.rtp)
        let length = header.count + payload.count
        guard let headerCount = RTPLayout.headerByteCount(of: header), length <= RTPLayout.maximumByteCount else { throw .malformed }
        guard let start = slot.baseAddress, slot.count >= length + profile.rtpOverhead else { throw .noRoom }
        let sender = try position(of: RTPLayout.ssrc(of: header))
        let sequence = RTPLayout.sequence(of: header)
        guard let index = PacketIndex.estimate(sequence: sequence, highest: senders[sender].highestIndex) else { throw .exhausted }

        let context = try rtpContext.ready(profile: profile, key: keys.cipher, ciphers: ciphers)
        try context.begin(.encrypt, vector: keys.vector(profile: profile, ssrc: senders[sender].ssrc, index: index))
        let clear = UnsafeRawBufferPointer(rebasing: header[..<headerCount])
        if profile.isAEAD { try context.authenticate(clear) }
        slot.copyMemory(from: clear)
        try context.apply(to: UnsafeRawBufferPointer(rebasing: header[headerCount...]), output: start + headerCount)
        try context.apply(to: payload, output: start + header.count)
        let tag = UnsafeMutableRawBufferPointer(rebasing: slot[length..<length + profile.tagByteCount])
        switch profile {
        case .aeadAES128GCM: try context.writeTag(to: tag)
        case .aes128CMSHA1_80:
            let message = UnsafeRawBufferPointer(rebasing: slot[..<length])
            try ciphers.hmac.writeTag(to: tag, message: message, suffix: PacketIndex.rollover(of: index), schedule: keys.authentication)
        }
        senders[sender].highestIndex = max(senders[sender].highestIndex, index)
        return length + profile.rtpOverhead
    }

    /// See `PacketProtection.protectRTCP`.
    mutating func protectRTCP(
        _ packet: UnsafeRawBufferPointer, into slot: UnsafeMutableRawBufferPointer, ciphers: PacketCiphers
    ) throws(ProtectionError) -> Int {
        let (profile, keys, length) = (keys.profile, keys.rtcp, packet.count)
        guard let ssrc = RTPLayout.senderSSRC(ofRTCP: packet) else { throw .malformed }
        guard let start = slot.baseAddress, slot.count >= length + profile.rtcpOverhead else { throw .noRoom }
        let sender = try position(of: ssrc)
        let index = senders[sender].nextRTCPIndex
        guard index <= PacketIndex.maximumRTCP else { throw .exhausted }

        let word = RTCPIndexWord(index: UInt32(truncatingIfNeeded: index), isEncrypted: true)
        let context = ciphers.shared(for: profile)
        try context.begin(.encrypt, key: keys.cipher, vector: keys.vector(profile: profile, ssrc: ssrc, index: index))
        let headerCount = RTPLayout.rtcpHeaderByteCount
        let clear = UnsafeRawBufferPointer(rebasing: packet[..<headerCount])
        slot.copyMemory(from: clear)
        if profile.isAEAD {
            try context.authenticate(clear)
            try word.withUnsafeOctets { octets throws(ProtectionError) in try context.authenticate(octets) }
        }
        try context.apply(to: UnsafeRawBufferPointer(rebasing: packet[headerCount...]), output: start + headerCount)
        let trailer = RTCPTrailer(profile: profile, packetByteCount: length)
        word.store(in: slot, at: trailer.word)
        let tag = UnsafeMutableRawBufferPointer(rebasing: slot[trailer.tag])
        switch profile {
        case .aeadAES128GCM: try context.writeTag(to: tag)
        case .aes128CMSHA1_80:
            let message = UnsafeRawBufferPointer(rebasing: slot[..<trailer.tag.lowerBound])
            try ciphers.hmac.writeTag(to: tag, message: message, schedule: keys.authentication)
        }
        senders[sender].nextRTCPIndex += 1
        return length + profile.rtcpOverhead
    }

    /// Where a sender's state is; makes it when this is its first packet.
    private mutating func position(of ssrc: UInt32) throws(ProtectionError) -> Int {
        if let position = senders.position(of: ssrc) { return position }
        return try senders.append(Sender(ssrc: ssrc))
    }
}
