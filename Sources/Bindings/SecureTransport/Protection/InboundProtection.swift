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

        try open(packet, headerByteCount: headerCount, index: index, ciphers: ciphers)
        let sender = if let known { known } else { try rtpSenders.append(RTPSender(ssrc: ssrc)) }
        rtpSenders[sender].window.insert(index)
        return length
    }

    private mutating func open(
        _ packet: UnsafeMutableRawBufferPointer, headerByteCount: Int, index: UInt64, ciphers: PacketCiphers
    ) throws(ProtectionError) {
        let (profile, keys) = (keys.profile, keys.rtp)
        let length = packet.count - profile.tagByteCount
        let header = UnsafeRawBufferPointer(rebasing: packet[..<headerByteCount])
        let content = UnsafeMutableRawBufferPointer(rebasing: packet[headerByteCount..<length])
        let tag = UnsafeMutableRawBufferPointer(rebasing: packet[length...])
        let context = try rtpContext.ready(profile: profile, key: keys.cipher, ciphers: ciphers)
        let vector = keys.vector(profile: profile, ssrc: RTPLayout.ssrc(of: header), index: index)
        switch profile {
        case .aeadAES128GCM:
            try context.begin(.decrypt, vector: vector)
            try context.authenticate(header)
            try context.apply(inPlace: content)
            try context.verifyTag(tag)
        case .aes128CMSHA1_80:
            let message = UnsafeRawBufferPointer(rebasing: packet[..<length])
            let rollover = PacketIndex.rollover(of: index)
            try ciphers.hmac.verifyTag(tag, message: message, suffix: rollover, schedule: keys.authentication)
            try context.begin(.decrypt, vector: vector)
            try context.apply(inPlace: content)
        }
    }

    /// See `PacketProtection.unprotectRTCP`.
    mutating func unprotectRTCP(_ packet: UnsafeMutableRawBufferPointer, ciphers: PacketCiphers) throws(ProtectionError) -> Int {
        let octets = UnsafeRawBufferPointer(packet)
        let length = packet.count - keys.profile.rtcpOverhead
        guard let ssrc = RTPLayout.senderSSRC(ofRTCP: octets), length >= RTPLayout.rtcpHeaderByteCount else { throw .malformed }
        let word = RTCPIndexWord(in: octets, at: RTCPTrailer(profile: keys.profile, packetByteCount: length).word)
        guard word.isEncrypted else { throw .unencrypted }
        let known = rtcpSenders.position(of: ssrc)
        guard known != nil || rtcpSenders.hasRoom else { throw .tooManySources }
        let index = UInt64(word.index)
        if let known, !rtcpSenders[known].window.admits(index) { throw .replay }

        try openRTCP(packet, word: word, ssrc: ssrc, ciphers: ciphers)
        let sender = if let known { known } else { try rtcpSenders.append(RTCPSender(ssrc: ssrc)) }
        rtcpSenders[sender].window.insert(index)
        return length
    }

    private func openRTCP(
        _ packet: UnsafeMutableRawBufferPointer, word: RTCPIndexWord, ssrc: UInt32, ciphers: PacketCiphers
    ) throws(ProtectionError) {
        let (profile, keys) = (keys.profile, keys.rtcp)
        let trailer = RTCPTrailer(profile: profile, packetByteCount: packet.count - profile.rtcpOverhead)
        let header = UnsafeRawBufferPointer(rebasing: packet[..<RTPLayout.rtcpHeaderByteCount])
        let content = UnsafeMutableRawBufferPointer(rebasing: packet[RTPLayout.rtcpHeaderByteCount..<trailer.start])
        let tag = UnsafeMutableRawBufferPointer(rebasing: packet[trailer.tag])
        let context = ciphers.shared(for: profile)
        let vector = keys.vector(profile: profile, ssrc: ssrc, index: UInt64(word.index))
        switch profile {
        case .aeadAES128GCM:
            try context.begin(.decrypt, key: keys.cipher, vector: vector)
            try context.authenticate(header)
            try word.withUnsafeOctets { octets throws(ProtectionError) in try context.authenticate(octets) }
            try context.apply(inPlace: content)
            try context.verifyTag(tag)
        case .aes128CMSHA1_80:
            let message = UnsafeRawBufferPointer(rebasing: packet[..<trailer.tag.lowerBound])
            try ciphers.hmac.verifyTag(tag, message: message, schedule: keys.authentication)
            try context.begin(.decrypt, key: keys.cipher, vector: vector)
            try context.apply(inPlace: content)
        }
    }
}
