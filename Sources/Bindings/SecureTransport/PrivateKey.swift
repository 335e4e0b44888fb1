internal import COpenSSL

/// Owns an `EVP_PKEY`: the only reference is released when this value dies.
struct PrivateKey: ~Copyable {
    let handle: OpaquePointer

    private init(owning handle: OpaquePointer) { self.handle = handle }
    deinit { EVP_PKEY_free(handle) }

    static func makeP256() throws(OpenSSLError) -> PrivateKey {
        let context = try check(EVP_PKEY_CTX_new_from_name(nil, "EC", nil), "EVP_PKEY_CTX_new_from_name")
        defer { EVP_PKEY_CTX_free(context) }
        try check(EVP_PKEY_keygen_init(context), "EVP_PKEY_keygen_init")
        try check(EVP_PKEY_CTX_set_group_name(context, "P-256"), "EVP_PKEY_CTX_set_group_name")
        var handle: OpaquePointer?
        try check(EVP_PKEY_generate(context, &handle), "EVP_PKEY_generate")
        return PrivateKey(owning: try check(handle, "EVP_PKEY_generate"))
    }

    /// The first key in the text, which must not be encrypted: nobody is asked for a password.
    init(pem: String) throws(OpenSSLError) {
        let input = try MemoryInput(pem)
        handle = try check(PEM_read_bio_PrivateKey(input.handle, nil, { _, _, _, _ in -1 }, nil), "PEM_read_bio_PrivateKey")
    }

    /// PKCS #8 without a password.
    func pem() throws(OpenSSLError) -> String {
        let output = try MemoryOutput()
        try check(PEM_write_bio_PrivateKey(output.handle, handle, nil, nil, 0, nil, nil), "PEM_write_bio_PrivateKey")
        return try output.text()
    }
}

/// Owns a memory BIO that collects what OpenSSL prints.
struct MemoryOutput: ~Copyable {
    let handle: OpaquePointer

    init() throws(OpenSSLError) {
        // The secure-heap kind: its buffer is wiped when it is freed, since private keys pass through.
        handle = try check(BIO_new(BIO_s_secmem()), "BIO_new")
    }

    deinit { BIO_free(handle) }

    func text() throws(OpenSSLError) -> String {
        var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(handle))
        guard !bytes.isEmpty else { return "" }
        var count = 0
        try check(BIO_read_ex(handle, &bytes, bytes.count, &count), "BIO_read_ex")
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

/// Owns a memory BIO that OpenSSL reads a text from.
struct MemoryInput: ~Copyable {
    let handle: OpaquePointer

    init(_ text: String) throws(OpenSSLError) {
        // The secure-heap kind, as for output.
        let memory = try check(BIO_new(BIO_s_secmem()), "BIO_new")
        let octets = Array(text.utf8)
        var count = 0
        guard octets.isEmpty || BIO_write_ex(memory, octets, octets.count, &count) == 1 else {
            BIO_free(memory)
            throw OpenSSLError(function: "BIO_write_ex")
        }
        handle = memory
    }

    deinit { BIO_free(handle) }
}
