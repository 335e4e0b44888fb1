/// How one packet is encrypted and authenticated, once its index is known: the same for RTP and RTCP, but for the word that goes with it.
struct PacketTransform {
    /// What is authenticated besides the packet itself.
    enum Word {
        /// Of an RTP packet: AES-CM authenticates it behind the packet (RFC 3711 section 4.2); AES-GCM has it in the vector alone.
        case rollover(UInt32)
        /// Of an RTCP packet: AES-CM authenticates it behind the packet (RFC 3711 section 3.4), AES-GCM behind the header (RFC 7714 section 9.2).
        case rtcpIndex(RTCPIndexWord)

        fileprivate var value: UInt32 {
            switch self {
            case .rollover(let rollover): rollover
            case .rtcpIndex(let word): word.value
            }
        }
    }

    let profile: ProtectionProfile
    let keys: PacketKeys
    let context: CipherOperations
    /// The key for a context that has none scheduled.
    let contextKey: UnsafePointer<UInt8>?
    let vector: InitializationVector
    let word: Word

    /// Encrypts two parts of a packet, one behind the other, into `packet`, which begins with the header already, and writes the tag.
    ///
    /// - Parameters:
    ///   - parts: from where they lie; the first may lie in its place in `packet`.
    ///   - packet: as long as header and parts together.
    ///   - tag: apart from `packet`.
    func seal(
        _ parts: (UnsafeRawBufferPointer, UnsafeRawBufferPointer), into packet: UnsafeMutableRawBufferPointer,
        tag: UnsafeMutableRawBufferPointer, hmac: borrowing HMACSHA1
    ) throws(ProtectionError) {
        let headerCount = packet.count - parts.0.count - parts.1.count
        let header = UnsafeRawBufferPointer(rebasing: packet[..<headerCount])
        try begin(.encrypt, header: header)
        try context.apply(to: parts.0, output: packet[headerCount...])
        try context.apply(to: parts.1, output: packet[(headerCount + parts.0.count)...])
        switch profile {
        case .aeadAES128GCM: try context.writeTag(to: tag)
        case .aes128CMSHA1_80:
            try hmac.writeTag(to: tag, message: UnsafeRawBufferPointer(packet), suffix: word.value, schedule: keys.authentication)
        }
    }

    /// Checks a packet and decrypts in place what follows its header. AES-CM is decrypted when the tag is right, AES-GCM on the way to knowing.
    func open(
        _ packet: UnsafeMutableRawBufferPointer, headerByteCount: Int, tag: UnsafeMutableRawBufferPointer, hmac: borrowing HMACSHA1
    ) throws(ProtectionError) {
        let header = UnsafeRawBufferPointer(rebasing: packet[..<headerByteCount])
        let content = UnsafeMutableRawBufferPointer(rebasing: packet[headerByteCount...])
        if !profile.isAEAD {
            try hmac.verifyTag(tag, message: UnsafeRawBufferPointer(packet), suffix: word.value, schedule: keys.authentication)
        }
        try begin(.decrypt, header: header)
        try context.apply(to: UnsafeRawBufferPointer(content), output: content[...])
        if profile.isAEAD { try context.verifyTag(tag) }
    }

    private func begin(_ direction: CipherDirection, header: UnsafeRawBufferPointer) throws(ProtectionError) {
        try context.begin(direction, key: contextKey, vector: vector)
        guard profile.isAEAD else { return }
        try context.authenticate(header)
        if case .rtcpIndex(let word) = word {
            try withUnsafeBytes(of: word.value.bigEndian) { octets throws(ProtectionError) in try context.authenticate(octets) }
        }
    }
}
