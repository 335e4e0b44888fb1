/// Why a packet was not protected or not accepted. The number is stable, for counters.
package enum ProtectionError: UInt8, Error, Sendable, CaseIterable {
    /// The lengths inside the packet do not fit its size, or it is no packet of version 2.
    case malformed
    /// The authentication tag is false: another key, another source's index, or a packet that was changed.
    case authentication
    /// The packet's index was seen before, or is too old to know (RFC 3711 section 3.3.2).
    case replay
    /// The packet is of a source that has no state yet, and the peer has as many as it may have.
    case tooManySources
    /// The key has protected all the packets it may (RFC 3711 section 9.2): the peer has to make new keys.
    case exhausted
    /// The packet says of itself that it is not encrypted (the E-bit of RFC 3711 section 3.4); this is never agreed to.
    case unencrypted
    /// The output slot cannot hold the protected packet.
    case noRoom
    /// OpenSSL refused the operation, which it does when memory is short.
    case cipherFailed
}
