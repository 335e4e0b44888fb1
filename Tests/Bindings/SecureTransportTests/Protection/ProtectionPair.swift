import ProtectionTesting
import SecureTransport

/// A sender and its receiver, with keys of their own.
struct ProtectionPair {
    let sender: PacketProtection
    let receiver: PacketProtection
    let ciphers: PacketCiphers

    init(_ profile: ProtectionProfile, seed: UInt64 = 1) throws {
        var random = SeededRandom(seed: seed)
        let keyCount = profile.keyByteCount + profile.saltByteCount
        let (there, back) = (random.octets(keyCount), random.octets(keyCount))
        ciphers = try PacketCiphers()
        sender = try PacketProtection(profile: profile, outbound: there, inbound: back, ciphers: ciphers)
        receiver = try PacketProtection(profile: profile, outbound: back, inbound: there, ciphers: ciphers)
    }
}
