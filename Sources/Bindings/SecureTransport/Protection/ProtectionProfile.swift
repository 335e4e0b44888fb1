/// An SRTP protection profile by the number that DTLS-SRTP negotiates it with (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
///
/// `allCases` is the order of preference.
package enum ProtectionProfile: UInt16, Sendable, CaseIterable {
    /// SRTP_AEAD_AES_128_GCM (RFC 7714).
    case aeadAES128GCM = 0x0007
    /// SRTP_AES128_CM_HMAC_SHA1_80 (RFC 3711): what every WebRTC peer has to support (RFC 8827 section 6.5).
    case aes128CMSHA1_80 = 0x0001

    /// The name as `SSL_CTX_set_tlsext_use_srtp` of OpenSSL takes it.
    package var openSSLName: String {
        switch self {
        case .aeadAES128GCM: "SRTP_AEAD_AES_128_GCM"
        case .aes128CMSHA1_80: "SRTP_AES128_CM_SHA1_80"
        }
    }

    /// Octets of a master key, and of a session's encryption key.
    package var keyByteCount: Int { 16 }

    /// Octets of a master salt, and of a session's salt: RFC 7714 section 12 and RFC 3711 section 8.2.
    package var saltByteCount: Int {
        switch self {
        case .aeadAES128GCM: 12
        case .aes128CMSHA1_80: 14
        }
    }

    /// Octets to take from the DTLS exporter: a key and a salt for either direction (RFC 5764 section 4.2).
    package var exportedByteCount: Int { 2 * (keyByteCount + saltByteCount) }

    /// Whether the cipher makes the tag itself (RFC 5116), so that no key for authentication is needed.
    var isAEAD: Bool { self == .aeadAES128GCM }

    /// Octets of the authentication tag.
    package var tagByteCount: Int {
        switch self {
        case .aeadAES128GCM: 16
        case .aes128CMSHA1_80: 10
        }
    }

    /// Octets by which an SRTP packet is longer than its RTP packet.
    package var rtpOverhead: Int { tagByteCount }

    /// Octets by which an SRTCP packet is longer than its RTCP packet: the tag, and the word with E-bit and index.
    package var rtcpOverhead: Int { tagByteCount + 4 }
}
