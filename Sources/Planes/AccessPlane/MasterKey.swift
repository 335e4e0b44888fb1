internal import BridgeModel
internal import Crypto
import FoundationEssentials

/// The text of a master key: `vk_` and 32 random bytes as base64url. The prefix lets secret scanners find a leaked one.
enum MasterKey {
    static let prefix = "vk_"
    /// What the dialects accept as the key's field; longer text is not worth hashing.
    static let longestText = 512

    static func make() -> Redacted<String> { Redacted(prefix + Base64URL.encode(Secrets.random(Secrets.keyByteCount))) }

    /// SHA-256 of the key's text, as the store keeps it; nil for text that cannot be a key.
    static func digest(of key: Redacted<String>) -> SHA256.Digest? {
        let bytes = Array(key.revealed.utf8)
        guard !bytes.isEmpty, bytes.count <= longestText else { return nil }
        return SHA256.hash(data: bytes)
    }
}

/// Random values that nobody can guess.
enum Secrets {
    /// 256 bits: as much as SHA-256 can use.
    static let keyByteCount = 32

    static func random(_ count: Int) -> [UInt8] {
        SymmetricKey(size: SymmetricKeySize(bitCount: count * 8)).withUnsafeBytes { Array($0) }
    }

    /// A `jti`: 128 random bits.
    static func tokenID() -> String { Base64URL.encode(random(16)) }

    /// A name for a row, with a prefix that tells of what kind.
    static func rowID(_ prefix: String) -> String {
        prefix + random(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
