internal import COpenSSL

/// OpenSSL's algorithms for the records of finished handshakes, looked up once for all peers.
final class DTLSAlgorithms: @unchecked Sendable {
    // Unchecked: immutable after the initialiser, and OpenSSL's algorithm objects may be used by many threads at once.

    /// OpenSSL's `OSSL_KDF_PARAM_…`. Static, because a parameter keeps the address of its name.
    private enum Name {
        static let digest: StaticString = "digest"
        static let secret: StaticString = "secret"
        static let seed: StaticString = "seed"
    }

    private let aes128GCM: CipherAlgorithm
    private let aes256GCM: CipherAlgorithm
    /// TLS 1.2's pseudo-random function (RFC 5246 section 5).
    private let pseudoRandomFunction: OpaquePointer

    init() throws(OpenSSLError) {
        aes128GCM = try CipherAlgorithm("AES-128-GCM")
        aes256GCM = try CipherAlgorithm("AES-256-GCM")
        pseudoRandomFunction = try check(EVP_KDF_fetch(nil, "TLS1-PRF", nil), "EVP_KDF_fetch")
    }

    deinit { EVP_KDF_free(pseudoRandomFunction) }

    func makeContext(keyByteCount: Int) throws(OpenSSLError) -> CipherContext {
        keyByteCount == 32 ? try CipherContext(aes256GCM) : try CipherContext(aes128GCM)
    }

    /// `count` octets of PRF(secret, seed), where the seed begins with its label.
    func expand(
        _ secret: borrowing SecretBytes, seed: [UInt8], digest: UnsafePointer<CChar>, count: Int
    ) throws(OpenSSLError) -> SecretBytes {
        let context = try check(EVP_KDF_CTX_new(pseudoRandomFunction), "EVP_KDF_CTX_new")
        defer { EVP_KDF_CTX_free(context) }
        let output = SecretBytes(count: count)
        // OpenSSL only reads what parameters of a derivation point to.
        let status = seed.withUnsafeBufferPointer { seed in
            let parameters = [
                OSSL_PARAM_construct_utf8_string(Name.digest.address, UnsafeMutablePointer(mutating: digest), 0),
                OSSL_PARAM_construct_octet_string(Name.secret.address, secret.mutablePointer, secret.count),
                OSSL_PARAM_construct_octet_string(Name.seed.address, UnsafeMutablePointer(mutating: seed.baseAddress), seed.count),
                OSSL_PARAM_construct_end(),
            ]
            return EVP_KDF_derive(context, output.mutablePointer, output.count, parameters)
        }
        try check(status, "EVP_KDF_derive")
        return output
    }
}

extension StaticString {
    fileprivate var address: UnsafePointer<CChar> { UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self) }
}
