import ProtectionTesting
@testable import SecureTransport
import Testing

/// The vectors of RFC 3711 appendix B.
struct KeyDerivationTests {
    private let keyAndSalt = octets("E1F97A0D3E018BE0D64FA32C06DE4139 0EC675AD498AFEEBB6960B3AABE6")

    @Test func derivesTheSessionKeysOfAppendixB3() throws {
        let ciphers = try PacketCiphers()
        let master = MasterKey(profile: .aes128CMSHA1_80, keyAndSalt: keyAndSalt)
        let derivation = KeyDerivation(labels: .rtp, ciphers: ciphers)
        #expect(try derivation.octets(0, count: 16, from: master) == octets("C61E7A93744F39EE10734AFE3FF7A087"))
        #expect(try derivation.octets(2, count: 14, from: master) == octets("30CBBC08863D8C85D49DB34A9AE1"))
        let authenticationKey = octets(
            """
            CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE E049646C43D9327AD175578EF7227098
            6371C10C9A369AC2F94A8C5FBCDDDC25 6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2
            """)
        #expect(try derivation.octets(1, count: 94, from: master) == authenticationKey)
    }

    @Test func encryptsTheKeyStreamOfAppendixB2() throws {
        let key = SecretBytes(octets("2B7E151628AED2A6ABF7158809CF4F3C"))
        let ciphers = try PacketCiphers()
        let context = ciphers.shared(for: .aes128CMSHA1_80)
        try context.begin(
            .encrypt, key: key.mutablePointer, vector: InitializationVector(high: 0xF0F1_F2F3_F4F5_F6F7, low: 0xF8F9_FAFB_FCFD_0000))
        var stream = SecretBytes(count: 48)
        try stream.withUnsafeMutableBytes { bytes throws(ProtectionError) in
            try context.apply(to: UnsafeRawBufferPointer(bytes), output: bytes[...])
        }
        let expected = octets("E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB 41E95B3BB0A2E8DD477901E4FCA894C0")
        #expect(stream.octets == expected)
    }

    @Test func eachLabelAndEachDirectionHasItsOwnKey() throws {
        let ciphers = try PacketCiphers()
        for profile in ProtectionProfile.allCases {
            let salt = Array(keyAndSalt[16..<16 + profile.saltByteCount])
            let master = MasterKey(profile: profile, keyAndSalt: Array(keyAndSalt[..<16]) + salt)
            let derivation = KeyDerivation(labels: .rtp, ciphers: ciphers)
            let keys = try (0..<6).map { try derivation.octets($0, count: 12, from: master) }
            #expect(Set(keys).count == keys.count)
        }
    }
}

extension KeyDerivation {
    fileprivate func octets(_ label: UInt8, count: Int, from master: borrowing MasterKey) throws -> [UInt8] {
        var output = SecretBytes(count: count)
        try output.withUnsafeMutableBytes { bytes throws(ProtectionError) in try derive(label, from: master, into: bytes[...]) }
        return output.octets
    }
}
