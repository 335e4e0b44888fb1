/// SRTP and SRTCP of one peer, both directions (RFC 3711, RFC 7714): the keys of one DTLS handshake.
///
/// It belongs to one media worker's thread, as the `PacketCiphers` that it was made with. Nothing is allocated per packet; the first packet of a
/// direction and the first one of a source may allocate. A packet that is refused changes no state.
package final class PacketProtection {
    /// What the peers agreed on.
    package let profile: ProtectionProfile
    private let ciphers: PacketCiphers
    private var outbound: OutboundProtection
    private var inbound: InboundProtection

    /// Derives the session keys.
    ///
    /// - Parameters:
    ///   - profile: what DTLS negotiated.
    ///   - exported: what the DTLS exporter gave for "EXTRACTOR-dtls_srtp": client key, server key, client salt, server salt
    ///     (RFC 5764 section 4.2), `profile.exportedByteCount` octets. It is not needed afterwards.
    ///   - isClient: whether this side was the DTLS client.
    ///   - ciphers: the worker's; this object keeps them.
    package convenience init(
        profile: ProtectionProfile, exported: borrowing SecretBytes, isClient: Bool, ciphers: PacketCiphers
    ) throws(OpenSSLError) {
        let client = MasterKey(profile: profile, exported: exported, isClient: true)
        let server = MasterKey(profile: profile, exported: exported, isClient: false)
        if isClient {
            try self.init(outbound: client, inbound: server, ciphers: ciphers)
        } else {
            try self.init(outbound: server, inbound: client, ciphers: ciphers)
        }
    }

    /// The same with master keys that are already apart. Both have the same profile.
    package init(outbound: borrowing MasterKey, inbound: borrowing MasterKey, ciphers: PacketCiphers) throws(OpenSSLError) {
        precondition(outbound.profile == inbound.profile, "DTLS negotiates one profile for both directions")
        profile = outbound.profile
        self.ciphers = ciphers
        self.outbound = OutboundProtection(keys: try SessionKeys(deriving: outbound, with: ciphers))
        self.inbound = InboundProtection(keys: try SessionKeys(deriving: inbound, with: ciphers))
    }

    /// Writes an SRTP packet into `slot`: the header as it is, the rest encrypted on its way from where it lies, and the tag.
    ///
    /// - Parameters:
    ///   - header: the RTP header with CSRC list and header extension, and behind it those first octets of the payload that are this viewer's
    ///     own: RTX's original sequence number, a rewritten payload descriptor. It may already lie at the start of `slot`.
    ///   - payload: the rest of the payload, shared by all viewers; it is only read. It does not overlap `slot`.
    ///   - slot: room for `header.count + payload.count + profile.rtpOverhead` octets.
    /// - Returns: the octets written.
    /// - Throws: `malformed`, `noRoom`, `tooManySources`, `exhausted` or `cipherFailed`; the slot's content is then undefined.
    ///
    /// The packet's index comes from its sequence number and the source's highest one so far (RFC 3711 section 3.3.1): a sequence number that is
    /// less than 2^15 ahead is new, also across the wrap, others are older ones. A source has to begin below 2^15, or its receivers may guess
    /// another rollover counter than this side. To send a packet again is right when it has the same octets; other octets under a sequence
    /// number that was used would give both contents away (RFC 3711 section 9.1), and that no number is used twice is the caller's duty.
    package func protect(
        header: UnsafeRawBufferPointer, payload: UnsafeRawBufferPointer, into slot: UnsafeMutableRawBufferPointer
    ) throws(ProtectionError) -> Int {
        try outbound.protect(header: header, payload: payload, into: slot, ciphers: ciphers)
    }

    /// Writes an SRTCP packet into `slot`, always encrypted. The index of each source begins with 0 and counts up by itself.
    ///
    /// - Parameters:
    ///   - packet: a compound RTCP packet; it may lie at the start of `slot`.
    ///   - slot: room for `packet.count + profile.rtcpOverhead` octets.
    /// - Returns: the octets written.
    /// - Throws: `malformed`, `noRoom`, `tooManySources`, `exhausted` or `cipherFailed`; the slot's content is then undefined.
    package func protectRTCP(
        _ packet: UnsafeRawBufferPointer, into slot: UnsafeMutableRawBufferPointer
    ) throws(ProtectionError) -> Int {
        try outbound.protectRTCP(packet, into: slot, ciphers: ciphers)
    }

    /// Checks an SRTP packet and decrypts it in place.
    ///
    /// - Returns: the length of the RTP packet, which begins where the SRTP packet began. Its header fits; its padding is not looked at.
    /// - Throws: why the packet is refused. The content is then undefined: the caller drops it.
    package func unprotect(_ packet: UnsafeMutableRawBufferPointer) throws(ProtectionError) -> Int {
        try inbound.unprotect(packet, ciphers: ciphers)
    }

    /// Checks an SRTCP packet and decrypts it in place.
    ///
    /// - Returns: the length of the compound RTCP packet, which begins where the SRTCP packet began. Nothing beyond its first eight octets
    ///   was looked at.
    /// - Throws: why the packet is refused. The content is then undefined: the caller drops it.
    package func unprotectRTCP(_ packet: UnsafeMutableRawBufferPointer) throws(ProtectionError) -> Int {
        try inbound.unprotectRTCP(packet, ciphers: ciphers)
    }
}
