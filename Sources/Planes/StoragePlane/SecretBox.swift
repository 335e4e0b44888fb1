internal import BridgeModel
internal import Crypto
internal import Foundation

/// Seals secrets for their column: AES-256-GCM (NIST SP 800-38D) with a random nonce for each value. The place of the value (table, column and
/// row id) is associated data, so that a sealed URL copied into another row does not open.
struct SecretBox: Sendable {
    /// Bytes of a key: AES-256.
    static let keyLength = 32

    private let key: SymmetricKey

    /// `key` must be `keyLength` random bytes; anything else is nil.
    init?(key: [UInt8]) {
        guard key.count == Self.keyLength else { return nil }
        self.key = SymmetricKey(data: key)
    }

    /// Nonce, ciphertext and tag in one blob.
    func seal(_ secret: [UInt8], for place: Place) throws -> Data {
        let sealed = try AES.GCM.seal(secret, using: key, authenticating: place.associatedData)
        guard let combined = sealed.combined else { throw CryptoKitError.incorrectParameterSize }
        return combined
    }

    /// Throws when the blob was cut, altered, sealed under another key or for another place.
    func open(_ blob: Data, for place: Place) throws -> [UInt8] {
        let box = try AES.GCM.SealedBox(combined: blob)
        return [UInt8](try AES.GCM.open(box, using: key, authenticating: place.associatedData))
    }

    /// A keyed digest, 128 bits as hexadecimal digits: tells secrets apart where they must be compared, and does not tell what they are.
    func fingerprint(of secret: Redacted<String>) -> String {
        let digestKey = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: key, info: Data("fingerprint".utf8), outputByteCount: Self.keyLength)
        let code = HMAC<SHA256>.authenticationCode(for: Data(secret.revealed.utf8), using: digestKey)
        return code.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Where a sealed value lives.
    struct Place: Sendable {
        var table: String
        var column: String
        var row: String

        /// The three names with their lengths, so that no two places have the same bytes.
        var associatedData: Data {
            Data([table, column, row].map { "\($0.utf8.count):\($0)" }.joined().utf8)
        }
    }
}

extension SecretBox {
    /// A text column; nil stays NULL.
    func seal(_ text: Redacted<String>?, for place: Place) throws -> Data? {
        guard let text else { return nil }
        return try seal([UInt8](text.revealed.utf8), for: place)
    }
}
