/// A master key and its master salt (RFC 3711 section 3.2.1): what one direction's session keys are derived from.
package struct MasterKey: ~Copyable, Sendable {
    /// What the key is for.
    package let profile: ProtectionProfile
    /// The key, then the salt with zeros behind it up to 16 octets.
    private let bytes: SecretBytes

    /// Takes a key of `profile.keyByteCount` octets and a salt of `profile.saltByteCount`.
    package init(profile: ProtectionProfile, key: UnsafeRawBufferPointer, salt: UnsafeRawBufferPointer) {
        precondition(key.count == profile.keyByteCount && salt.count == profile.saltByteCount, "the profile says how long they are")
        self.profile = profile
        var bytes = SecretBytes(count: key.count + Salt.byteCount)
        bytes.withUnsafeMutableBytes { target in
            target.copyBytes(from: key)
            UnsafeMutableRawBufferPointer(rebasing: target[key.count...]).copyBytes(from: salt)
        }
        self.bytes = bytes
    }

    /// One side's key from what DTLS exported: client key, server key, client salt, server salt (RFC 5764 section 4.2).
    init(profile: ProtectionProfile, exported: borrowing SecretBytes, isClient: Bool) {
        precondition(exported.count == profile.exportedByteCount, "the profile says how much DTLS has to export")
        let (keyCount, saltCount) = (profile.keyByteCount, profile.saltByteCount)
        let key = isClient ? 0 : keyCount
        let salt = 2 * keyCount + (isClient ? 0 : saltCount)
        self = exported.withUnsafeBytes { source in
            MasterKey(
                profile: profile, key: UnsafeRawBufferPointer(rebasing: source[key..<key + keyCount]),
                salt: UnsafeRawBufferPointer(rebasing: source[salt..<salt + saltCount]))
        }
    }

    /// `profile.keyByteCount` octets, valid as long as this value.
    var key: UnsafePointer<UInt8> { UnsafePointer(bytes.mutablePointer) }
    /// Valid as long as this value.
    var salt: Salt { Salt(bytes.mutablePointer + profile.keyByteCount) }
}

/// A salt of up to 14 octets in the secret memory of its owner, with zeros behind it up to 16.
struct Salt {
    static let byteCount = 16

    private let start: UnsafeRawPointer

    init(_ start: UnsafePointer<UInt8>) { self.start = UnsafeRawPointer(start) }

    /// Its octets in network order as two numbers.
    var words: (high: UInt64, low: UInt64) {
        (
            UInt64(bigEndian: start.loadUnaligned(as: UInt64.self)),
            UInt64(bigEndian: start.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        )
    }
}
