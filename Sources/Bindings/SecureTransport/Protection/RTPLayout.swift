/// Where the parts of RTP and RTCP packets are. Nothing is read before it was measured.
enum RTPLayout {
    /// Octets of an RTP header without CSRC and extension (RFC 3550 section 5.1).
    private static let fixedHeaderByteCount = 12
    /// Octets of an RTCP packet that SRTCP leaves in the clear: the first header and the sender's SSRC (RFC 3711 section 3.4).
    static let rtcpHeaderByteCount = 8
    /// No datagram is longer, and OpenSSL counts with 32 bits.
    static let maximumByteCount = 65_535

    /// Octets of the RTP header that `packet` begins with, CSRC list and header extension included; nil when it does not fit.
    static func headerByteCount(of packet: UnsafeRawBufferPointer) -> Int? {
        guard packet.count >= fixedHeaderByteCount, packet.count <= maximumByteCount, packet[0] >> 6 == 2 else { return nil }
        var count = fixedHeaderByteCount + 4 * Int(packet[0] & 0x0F)
        if packet[0] & 0x10 != 0 {
            guard packet.count >= count + 4 else { return nil }
            count += 4 + 4 * Int(packet.loadUnaligned(fromByteOffset: count + 2, as: UInt16.self).bigEndian)
        }
        return count <= packet.count ? count : nil
    }

    /// Of a packet whose header was measured.
    static func sequence(of packet: UnsafeRawBufferPointer) -> UInt16 {
        packet.loadUnaligned(fromByteOffset: 2, as: UInt16.self).bigEndian
    }

    /// Of a packet whose header was measured.
    static func ssrc(of packet: UnsafeRawBufferPointer) -> UInt32 { packet.loadUnaligned(fromByteOffset: 8, as: UInt32.self).bigEndian }

    /// The SSRC in the header that a compound RTCP packet begins with; nil when it does not fit.
    static func senderSSRC(ofRTCP packet: UnsafeRawBufferPointer) -> UInt32? {
        guard packet.count >= rtcpHeaderByteCount, packet.count <= maximumByteCount, packet[0] >> 6 == 2 else { return nil }
        return packet.loadUnaligned(fromByteOffset: 4, as: UInt32.self).bigEndian
    }
}

/// What SRTCP puts behind a packet: with AES-CM the index word and the tag (RFC 3711 section 3.4), with AES-GCM the other way round
/// (RFC 7714 section 9.1).
struct RTCPTrailer {
    let word: Int
    let tag: Range<Int>

    init(profile: ProtectionProfile, packetByteCount: Int) {
        let tagStart = packetByteCount + (profile.isAEAD ? 0 : RTCPIndexWord.byteCount)
        tag = tagStart..<tagStart + profile.tagByteCount
        word = profile.isAEAD ? tag.upperBound : packetByteCount
    }
}

/// The word of SRTCP: whether the packet is encrypted (the E-bit), and its index of 31 bits.
struct RTCPIndexWord {
    static let byteCount = 4
    private static let encrypted: UInt32 = 1 << 31

    /// The word as it is sent.
    let value: UInt32

    init(index: UInt32, isEncrypted: Bool) { value = index & ~Self.encrypted | (isEncrypted ? Self.encrypted : 0) }

    init(in packet: UnsafeRawBufferPointer, at offset: Int) {
        value = packet.loadUnaligned(fromByteOffset: offset, as: UInt32.self).bigEndian
    }

    var index: UInt32 { value & ~Self.encrypted }
    var isEncrypted: Bool { value & Self.encrypted != 0 }

    func store(in packet: UnsafeMutableRawBufferPointer, at offset: Int) {
        packet.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
    }
}
