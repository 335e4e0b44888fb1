/// The key derivation of RFC 3711 section 4.3.1 with AES-CM as its function (4.3.3) and a derivation rate of 0.
struct KeyDerivation {
    /// The labels of one kind of packet.
    struct Labels {
        let cipher: UInt8
        let authentication: UInt8
        let salt: UInt8

        static let rtp = Labels(cipher: 0, authentication: 1, salt: 2)
        static let rtcp = Labels(cipher: 3, authentication: 4, salt: 5)
    }

    let labels: Labels
    let ciphers: PacketCiphers

    /// Fills the fields of `PacketKeys` that the profile has.
    func derive(from master: borrowing MasterKey, into fields: UnsafeMutableRawBufferPointer) throws(ProtectionError) {
        let profile = master.profile
        try derive(labels.cipher, from: master, into: fields[PacketKeys.cipher].prefix(profile.keyByteCount))
        try derive(labels.salt, from: master, into: fields[PacketKeys.salt].prefix(profile.saltByteCount))
        guard !profile.isAEAD else { return }
        var key = SecretBytes(count: HMACSHA1.keyByteCount)
        try key.withUnsafeMutableBytes { octets throws(ProtectionError) in
            try derive(labels.authentication, from: master, into: octets[...])
        }
        guard let schedule = UnsafeMutableRawBufferPointer(rebasing: fields[PacketKeys.authentication]).baseAddress else { return }
        try ciphers.hmac.schedule(key.mutablePointer, into: schedule)
    }

    /// The key stream of AES-CM under the master key, where the label is added to the master salt seven octets from its end.
    ///
    /// A salt of 12 octets is taken as one of 14 that ends with zeros (RFC 7714 section 11).
    func derive(
        _ label: UInt8, from master: borrowing MasterKey, into field: Slice<UnsafeMutableRawBufferPointer>
    ) throws(ProtectionError) {
        let output = UnsafeMutableRawBufferPointer(rebasing: field)
        output.initializeMemory(as: UInt8.self, repeating: 0)
        let (high, low) = master.salt.words
        let context = ciphers.shared(for: .aes128CMSHA1_80)
        try context.begin(.encrypt, key: master.key, vector: InitializationVector(high: high ^ UInt64(label), low: low))
        try context.apply(to: UnsafeRawBufferPointer(output), output: output[...])
    }
}
