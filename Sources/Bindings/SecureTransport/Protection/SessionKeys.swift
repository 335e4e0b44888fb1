/// What one direction's packets are encrypted and authenticated with, RTP and RTCP: derived from its master key with a key derivation rate of 0,
/// that is, once (RFC 3711 section 4.3).
struct SessionKeys: ~Copyable {
    let profile: ProtectionProfile
    private let secret: SecretBytes

    /// Keys that are known already: the fields of `PacketKeys` for RTP, then those for RTCP.
    init(profile: ProtectionProfile, fields: consuming SecretBytes) {
        precondition(fields.count == 2 * PacketKeys.byteCount(of: profile), "the fields are those of the profile")
        self.profile = profile
        secret = fields
    }

    init(deriving master: borrowing MasterKey, with ciphers: PacketCiphers) throws(OpenSSLError) {
        let profile = master.profile
        let byteCount = PacketKeys.byteCount(of: profile)
        var secret = SecretBytes(count: 2 * byteCount)
        do throws(ProtectionError) {
            try secret.withUnsafeMutableBytes { bytes throws(ProtectionError) in
                for (start, labels) in [(0, KeyDerivation.Labels.rtp), (byteCount, .rtcp)] {
                    let fields = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + byteCount])
                    try KeyDerivation(labels: labels, ciphers: ciphers).derive(from: master, into: fields)
                }
            }
        } catch {
            throw OpenSSLError(function: "EVP_CipherUpdate")
        }
        self.init(profile: profile, fields: secret)
    }

    /// For RTP packets; valid as long as this value.
    var rtp: PacketKeys { PacketKeys(secret.mutablePointer) }
    /// For RTCP packets; valid as long as this value.
    var rtcp: PacketKeys { PacketKeys(secret.mutablePointer + secret.count / 2) }
}

/// The session keys of one kind of packet, where they lie in the secret memory of `SessionKeys`.
struct PacketKeys {
    /// Where the fields are: the encryption key, the salt (with zeros behind it up to 16 octets), the schedule
    /// of the authentication key.
    static let cipher = 0..<16
    static let salt = cipher.upperBound..<cipher.upperBound + Salt.byteCount
    static let authentication = salt.upperBound..<salt.upperBound + HMACSHA1.scheduleByteCount
    /// Octets of all fields that a profile has.
    static func byteCount(of profile: ProtectionProfile) -> Int { profile.isAEAD ? salt.upperBound : authentication.upperBound }

    private let start: UnsafePointer<UInt8>

    init(_ start: UnsafeMutablePointer<UInt8>) { self.start = UnsafePointer(start) }

    var cipher: UnsafePointer<UInt8> { start + Self.cipher.lowerBound }
    /// The schedule for `HMACSHA1`; not there for an AEAD profile.
    var authentication: UnsafeRawPointer { UnsafeRawPointer(start + Self.authentication.lowerBound) }
    private var salt: Salt { Salt(start + Self.salt.lowerBound) }

    /// The initialisation vector of a packet.
    ///
    /// AES-CM, RFC 3711 section 4.1.1: `(salt << 16) XOR (SSRC << 64) XOR (index << 16)`, 16 octets.
    /// AES-GCM, RFC 7714 sections 8.1 and 9.1: `salt XOR (SSRC << 48 | index)`, 12 octets; an SRTCP index of 31 bits fills the same place.
    func vector(profile: ProtectionProfile, ssrc: UInt32, index: UInt64) -> InitializationVector {
        let (high, low) = salt.words
        return switch profile {
        case .aes128CMSHA1_80: InitializationVector(high: high ^ UInt64(ssrc), low: low ^ index << 16)
        case .aeadAES128GCM: InitializationVector(high: high ^ UInt64(ssrc) << 16 ^ index >> 32, low: low ^ index << 32)
        }
    }
}

/// Sixteen octets in network order; AES-GCM takes the first twelve.
struct InitializationVector {
    private let words: (UInt64, UInt64)

    init(high: UInt64, low: UInt64) { words = (high.bigEndian, low.bigEndian) }

    /// The octets, valid during the call.
    func withUnsafeOctets<Result, Failure: Error>(
        _ body: (UnsafePointer<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try withUnsafePointer(to: words) { pointer throws(Failure) in
            try pointer.withMemoryRebound(to: UInt8.self, capacity: 16) { octets throws(Failure) in try body(octets) }
        }
    }
}
