/// What a datagram on a shared port carries, by its first octets (RFC 7983 section 7, RFC 5761 section 4).
package enum DatagramKind: Sendable, Hashable, CaseIterable {
    /// STUN (RFC 5389): checks, keep-alives.
    case stun
    /// Records of DTLS (RFC 6347).
    case dtls
    /// SRTP, or RTP.
    case rtp
    /// SRTCP, or RTCP.
    case rtcp
    /// Nothing of ours: ZRTP, TURN channels, or noise. To be dropped.
    case other

    /// Looks at two octets at most and promises nothing about the rest; an empty datagram is `.other`.
    @inlinable
    package init(of datagram: UnsafeRawBufferPointer) {
        guard let first = datagram.first else {
            self = .other
            return
        }
        switch first {
        case 0...3: self = .stun
        case 20...63: self = .dtls
        case 128...191 where datagram.count >= 2:
            // Payload types 64...95 with the marker bit off or on are RTCP packet types 192...223 (RFC 5761 section 4).
            self = (192...223).contains(datagram[1]) ? .rtcp : .rtp
        default: self = .other
        }
    }
}
