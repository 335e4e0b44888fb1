internal import COpenSSL

/// The certificates that a peer's SDP names, ready to be compared.
///
/// Of several hash functions the strongest decides, since a certificate has to match one fingerprint of the preferred hash (RFC 8122 section 5).
/// SHA-1 and MD5 are refused: whoever can make a second certificate with the same digest could take the peer's place.
struct ExpectedFingerprints {
    private enum Hash: String, CaseIterable {
        case sha512 = "sha-512"
        case sha384 = "sha-384"
        case sha256 = "sha-256"

        var byteCount: Int {
            switch self {
            case .sha512: 64
            case .sha384: 48
            case .sha256: 32
            }
        }

        var function: OpaquePointer? {
            switch self {
            case .sha512: EVP_sha512()
            case .sha384: EVP_sha384()
            case .sha256: EVP_sha256()
            }
        }
    }

    private let hash: Hash
    private let digests: [[UInt8]]

    /// Throws `noUsableFingerprint` when none uses SHA-256 or better with the right length.
    init(_ fingerprints: [CertificateFingerprint]) throws(DTLSError) {
        for hash in Hash.allCases {
            let digests = fingerprints.filter { $0.algorithm == hash.rawValue }.map(\.digest).filter { $0.count == hash.byteCount }
            guard !digests.isEmpty else { continue }
            self.hash = hash
            self.digests = digests
            return
        }
        throw .noUsableFingerprint
    }

    /// Whether one of them is the digest of `certificate`, an `X509`.
    func match(_ certificate: OpaquePointer) -> Bool {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        guard X509_digest(certificate, hash.function, &digest, &length) == 1, Int(length) == hash.byteCount else { return false }
        return digests.contains { digest.starts(with: $0) }
    }
}

/// The keys that a peer's certificate may have (RFC 8827 section 6.5 asks for P-256; RSA is what older peers have).
enum PeerKeyPolicy {
    private static let curves = ["prime256v1", "secp384r1"]
    /// From what is safe to what can be verified without stalling a worker.
    private static let rsaBits: ClosedRange<Int32> = 2048...8192

    /// Whether the key of `certificate`, an `X509`, is allowed.
    static func allows(_ certificate: OpaquePointer) -> Bool {
        guard let key = X509_get0_pubkey(certificate) else { return false }
        switch EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_RSA: return rsaBits.contains(EVP_PKEY_get_bits(key))
        case EVP_PKEY_EC:
            var name = [CChar](repeating: 0, count: 64)
            var length = 0
            guard EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else { return false }
            return curves.contains(String(decoding: name.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self))
        default: return false
        }
    }
}
