package import SecureTransport

extension MasterKey {
    /// Of a key with the salt behind it.
    package init(profile: ProtectionProfile, keyAndSalt: [UInt8]) {
        self = keyAndSalt.span.withUnsafeBytes { bytes in
            MasterKey(
                profile: profile, key: UnsafeRawBufferPointer(rebasing: bytes[..<profile.keyByteCount]),
                salt: UnsafeRawBufferPointer(rebasing: bytes[profile.keyByteCount...]))
        }
    }
}

/// The operations on arrays, as tests like them.
extension PacketProtection {
    /// With master keys as octets: the key, the salt behind it.
    package convenience init(
        profile: ProtectionProfile, outbound: [UInt8], inbound: [UInt8], ciphers: PacketCiphers
    ) throws(OpenSSLError) {
        try self.init(
            outbound: MasterKey(profile: profile, keyAndSalt: outbound), inbound: MasterKey(profile: profile, keyAndSalt: inbound),
            ciphers: ciphers)
    }

    /// Protects a packet whose first `ownCount` octets are given apart from the others.
    package func protect(_ packet: [UInt8], ownCount: Int? = nil) throws(ProtectionError) -> [UInt8] {
        let split = ownCount ?? packet.count
        return try written(packet.count + profile.rtpOverhead) { slot throws(ProtectionError) in
            try packet.span.withUnsafeBytes { bytes throws(ProtectionError) in
                try protect(
                    header: UnsafeRawBufferPointer(rebasing: bytes[..<split]), payload: UnsafeRawBufferPointer(rebasing: bytes[split...]),
                    into: slot)
            }
        }
    }

    package func protectRTCP(_ packet: [UInt8]) throws(ProtectionError) -> [UInt8] {
        try written(packet.count + profile.rtcpOverhead) { slot throws(ProtectionError) in
            try packet.span.withUnsafeBytes { bytes throws(ProtectionError) in try protectRTCP(bytes, into: slot) }
        }
    }

    package func unprotect(_ packet: [UInt8]) throws(ProtectionError) -> [UInt8] {
        var packet = packet
        var span = packet.mutableSpan
        let length = try span.withUnsafeMutableBytes { bytes throws(ProtectionError) in try unprotect(bytes) }
        return Array(packet.prefix(length))
    }

    package func unprotectRTCP(_ packet: [UInt8]) throws(ProtectionError) -> [UInt8] {
        var packet = packet
        var span = packet.mutableSpan
        let length = try span.withUnsafeMutableBytes { bytes throws(ProtectionError) in try unprotectRTCP(bytes) }
        return Array(packet.prefix(length))
    }

    private func written(
        _ capacity: Int, by body: (UnsafeMutableRawBufferPointer) throws(ProtectionError) -> Int
    ) throws(ProtectionError) -> [UInt8] {
        var slot = [UInt8](repeating: 0xEE, count: capacity)
        var span = slot.mutableSpan
        let length = try span.withUnsafeMutableBytes { bytes throws(ProtectionError) in try body(bytes) }
        return Array(slot.prefix(length))
    }
}
