internal import COpenSSL

/// HMAC-SHA1 (RFC 2104) on one digest context for any number of keys, one at a time.
///
/// OpenSSL's own HMAC keeps 860 octets for each key and allocates memory for each message. Here the padded key is hashed again for each message,
/// which needs neither, and costs two more blocks of SHA-1.
struct HMACSHA1: ~Copyable {
    /// Octets of SRTP's authentication keys (`n_a` of RFC 3711 section 8.2).
    static let keyByteCount = 20
    static let codeByteCount = 20
    private static let blockByteCount = 64
    private static let innerPad: UInt8 = 0x36
    private static let outerPad: UInt8 = 0x5C

    private let algorithm: DigestAlgorithm
    private let context: DigestContext
    /// The padded key of the current message.
    private let pad: SecretBytes
    private let digest: SecretBytes

    init() throws(OpenSSLError) {
        let algorithm = try DigestAlgorithm("SHA1")
        context = try DigestContext(algorithm)
        self.algorithm = algorithm
        pad = SecretBytes(count: Self.blockByteCount)
        digest = SecretBytes(count: Self.codeByteCount)
    }

    /// Writes the first octets of the code of `message` and, in network order, `suffix`.
    func writeTag(
        to tag: UnsafeMutableRawBufferPointer, message: UnsafeRawBufferPointer, suffix: UInt32? = nil, key: UnsafePointer<UInt8>
    ) throws(ProtectionError) {
        tag.copyMemory(from: UnsafeRawBufferPointer(rebasing: try code(of: message, suffix: suffix, key: key)[..<tag.count]))
    }

    /// Throws `authentication` when the tag is another one; it is compared in constant time.
    func verifyTag(
        _ tag: UnsafeMutableRawBufferPointer, message: UnsafeRawBufferPointer, suffix: UInt32? = nil, key: UnsafePointer<UInt8>
    ) throws(ProtectionError) {
        let code = try code(of: message, suffix: suffix, key: key)
        guard CRYPTO_memcmp(code.baseAddress, tag.baseAddress, tag.count) == 0 else { throw .authentication }
    }

    /// The code of `message` with `suffix` behind it: `codeByteCount` octets, valid until the next call.
    private func code(
        of message: UnsafeRawBufferPointer, suffix: UInt32?, key: UnsafePointer<UInt8>
    ) throws(ProtectionError) -> UnsafeRawBufferPointer {
        try begin(pad: Self.innerPad, key: key)
        try context.update(message)
        if let suffix {
            try withUnsafeBytes(of: suffix.bigEndian) { octets throws(ProtectionError) in try context.update(octets) }
        }
        try context.finish(into: digest.mutablePointer)
        let inner = UnsafeRawBufferPointer(start: digest.mutablePointer, count: Self.codeByteCount)
        try begin(pad: Self.outerPad, key: key)
        try context.update(inner)
        try context.finish(into: digest.mutablePointer)
        return inner
    }

    private func begin(pad octet: UInt8, key: UnsafePointer<UInt8>) throws(ProtectionError) {
        let octets = pad.mutablePointer
        for index in 0..<Self.keyByteCount { octets[index] = key[index] ^ octet }
        for index in Self.keyByteCount..<Self.blockByteCount { octets[index] = octet }
        try context.restart()
        try context.update(UnsafeRawBufferPointer(start: octets, count: Self.blockByteCount))
    }
}

/// Owns a digest of OpenSSL, looked up once: a look-up by name takes longer than a packet.
private struct DigestAlgorithm: ~Copyable {
    let handle: OpaquePointer

    init(_ name: String) throws(OpenSSLError) { handle = try check(EVP_MD_fetch(nil, name, nil), "EVP_MD_fetch") }
    deinit { EVP_MD_free(handle) }
}

/// Owns an `EVP_MD_CTX`, which OpenSSL wipes when it is freed. It allocates when it is made, and never when it is used.
private struct DigestContext: ~Copyable {
    private let handle: OpaquePointer

    init(_ algorithm: borrowing DigestAlgorithm) throws(OpenSSLError) {
        let handle = try check(EVP_MD_CTX_new(), "EVP_MD_CTX_new")
        guard EVP_DigestInit_ex2(handle, algorithm.handle, nil) == 1 else {
            EVP_MD_CTX_free(handle)
            throw OpenSSLError(function: "EVP_DigestInit_ex2")
        }
        self.handle = handle
    }

    deinit { EVP_MD_CTX_free(handle) }

    func restart() throws(ProtectionError) { try require(EVP_DigestInit_ex2(handle, nil, nil)) }

    func update(_ octets: UnsafeRawBufferPointer) throws(ProtectionError) {
        try require(EVP_DigestUpdate(handle, octets.baseAddress, octets.count))
    }

    func finish(into code: UnsafeMutablePointer<UInt8>) throws(ProtectionError) {
        try require(EVP_DigestFinal_ex(handle, code, nil))
    }
}
