internal import COpenSSL

/// A cipher of OpenSSL, looked up once: a look-up by name takes longer than a packet.
struct CipherAlgorithm: ~Copyable {
    let handle: OpaquePointer

    init(_ name: String) throws(OpenSSLError) { handle = try check(EVP_CIPHER_fetch(nil, name, nil), "EVP_CIPHER_fetch") }
    deinit { EVP_CIPHER_free(handle) }
}

/// Owns an `EVP_CIPHER_CTX`, which OpenSSL wipes when it is freed.
struct CipherContext: ~Copyable {
    /// The context's operations.
    let operations: CipherOperations

    /// With a key, it is scheduled here and each packet needs its vector only; without one, each packet brings its own.
    init(_ algorithm: borrowing CipherAlgorithm, key: UnsafePointer<UInt8>? = nil) throws(OpenSSLError) {
        let handle = try check(EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new")
        guard EVP_CipherInit_ex2(handle, algorithm.handle, key, nil, CipherDirection.encrypt.rawValue, nil) == 1 else {
            EVP_CIPHER_CTX_free(handle)
            throw OpenSSLError(function: "EVP_CipherInit_ex2")
        }
        operations = CipherOperations(handle: handle)
    }

    deinit { EVP_CIPHER_CTX_free(operations.handle) }
}

/// A context that is made when it is first needed: a viewer sends no RTP, and a publisher is sent none.
struct LazyCipherContext: ~Copyable {
    private var context: CipherContext?
    private var operations: CipherOperations?

    /// The context of a key, which is always the same one.
    mutating func ready(
        profile: ProtectionProfile, key: UnsafePointer<UInt8>, ciphers: PacketCiphers
    ) throws(ProtectionError) -> CipherOperations {
        if let operations { return operations }
        do throws(OpenSSLError) {
            let made = try ciphers.makeContext(for: profile, key: key)
            let operations = made.operations
            self.operations = operations
            context = consume made
            return operations
        } catch {
            throw .cipherFailed
        }
    }
}

/// With the values that OpenSSL gives them.
enum CipherDirection: Int32 {
    case encrypt = 1
    case decrypt = 0
}

/// What is done with a context, packet by packet; nothing here allocates. Valid as long as the `CipherContext` that it came from.
struct CipherOperations {
    fileprivate let handle: OpaquePointer

    /// Begins a packet. A nil key leaves the one that is scheduled.
    func begin(
        _ direction: CipherDirection, key: UnsafePointer<UInt8>? = nil, vector: InitializationVector
    ) throws(ProtectionError) {
        try require(vector.withUnsafeOctets { EVP_CipherInit_ex2(handle, nil, key, $0, direction.rawValue, nil) })
    }

    /// Authenticates octets that are not encrypted; before all encrypted ones.
    func authenticate(_ input: UnsafeRawBufferPointer) throws(ProtectionError) { try update(input, output: nil) }

    /// Encrypts or decrypts the next octets into the start of `output`, which has as much room; it is the same memory or apart.
    func apply(
        to input: UnsafeRawBufferPointer, output: Slice<UnsafeMutableRawBufferPointer>
    ) throws(ProtectionError) {
        try update(input, output: UnsafeMutableRawBufferPointer(rebasing: output).baseAddress)
    }

    private func update(_ input: UnsafeRawBufferPointer, output: UnsafeMutableRawPointer?) throws(ProtectionError) {
        // OpenSSL takes a null output for authenticated octets, so an empty part must not come to it.
        guard let start = input.baseAddress, !input.isEmpty else { return }
        var written: Int32 = 0
        try require(
            EVP_CipherUpdate(
                handle, output?.assumingMemoryBound(to: UInt8.self), &written, start.assumingMemoryBound(to: UInt8.self),
                Int32(truncatingIfNeeded: input.count)))
    }

    /// Ends an encrypted packet of an AEAD cipher and writes its tag.
    func writeTag(to tag: UnsafeMutableRawBufferPointer) throws(ProtectionError) {
        var written: Int32 = 0
        // The mode writes no octets at the end, but its output must have an address.
        try require(EVP_CipherFinal_ex(handle, tag.baseAddress?.assumingMemoryBound(to: UInt8.self), &written))
        try require(copenssl_get_tag(handle, tag.baseAddress, tag.count))
    }

    /// Ends a decrypted packet of an AEAD cipher; throws `authentication` when its tag is another. OpenSSL compares in constant time.
    func verifyTag(_ tag: UnsafeMutableRawBufferPointer) throws(ProtectionError) {
        var written: Int32 = 0
        try require(copenssl_set_tag(handle, tag.baseAddress, tag.count))
        guard EVP_CipherFinal_ex(handle, tag.baseAddress?.assumingMemoryBound(to: UInt8.self), &written) == 1 else {
            ERR_clear_error()
            throw .authentication
        }
    }
}

/// The status of a call of OpenSSL while packets flow; its words are not kept.
func require(_ status: Int32) throws(ProtectionError) {
    guard status == 1 else {
        ERR_clear_error()
        throw .cipherFailed
    }
}
