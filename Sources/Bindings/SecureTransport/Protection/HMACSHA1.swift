internal import COpenSSL

/// HMAC-SHA1 (RFC 2104) of packets under any number of keys, one at a time.
///
/// A key is scheduled once: the state of SHA-1 after the padded key, for the inner hash and for the outer one. OpenSSL's own HMAC would do the same,
/// but it takes 860 octets for each key, and allocates memory for each message.
struct HMACSHA1: ~Copyable {
    /// Octets of SRTP's authentication keys (`n_a` of RFC 3711 section 8.2).
    static let keyByteCount = 20
    /// Octets of a key that was scheduled.
    static let scheduleByteCount = 2 * MemoryLayout<ChainingValue>.size

    /// What SHA-1 carries from one block to the next.
    private typealias ChainingValue = (UInt32, UInt32, UInt32, UInt32, UInt32)

    private static let codeByteCount = 20
    private static let blockByteCount = 64
    private static let innerPad: UInt8 = 0x36
    private static let outerPad: UInt8 = 0x5C

    /// The state of the message at work, and its code.
    private let context: UnsafeMutablePointer<SHA_CTX>
    private let code: SecretBytes

    init() {
        context = .allocate(capacity: 1)
        context.initialize(to: SHA_CTX())
        code = SecretBytes(count: Self.codeByteCount)
    }

    deinit {
        OPENSSL_cleanse(context, MemoryLayout<SHA_CTX>.size)
        context.deallocate()
    }

    /// Writes the schedule of a key of `keyByteCount` octets.
    func schedule(_ key: UnsafePointer<UInt8>, into schedule: UnsafeMutableRawPointer) throws(ProtectionError) {
        var block = SecretBytes(count: Self.blockByteCount)
        for (number, pad) in [Self.innerPad, Self.outerPad].enumerated() {
            block.withUnsafeMutableBytes { octets in
                for index in octets.indices { octets[index] = pad ^ (index < Self.keyByteCount ? key[index] : 0) }
            }
            try require(copenssl_sha1_begin(context))
            try require(copenssl_sha1_update(context, block.mutablePointer, Self.blockByteCount))
            let state = context.pointee
            let value: ChainingValue = (state.h0, state.h1, state.h2, state.h3, state.h4)
            schedule.storeBytes(of: value, toByteOffset: number * MemoryLayout<ChainingValue>.size, as: ChainingValue.self)
        }
    }

    /// Writes the first octets of the code of `message` and, behind it in network order, `suffix`.
    func writeTag(
        to tag: UnsafeMutableRawBufferPointer, message: UnsafeRawBufferPointer, suffix: UInt32, schedule: UnsafeRawPointer
    ) throws(ProtectionError) {
        try computeCode(of: message, suffix: suffix, schedule: schedule)
        tag.copyMemory(from: UnsafeRawBufferPointer(start: code.mutablePointer, count: tag.count))
    }

    /// Throws `authentication` when the tag is another one; it is compared in constant time.
    func verifyTag(
        _ tag: UnsafeMutableRawBufferPointer, message: UnsafeRawBufferPointer, suffix: UInt32, schedule: UnsafeRawPointer
    ) throws(ProtectionError) {
        try computeCode(of: message, suffix: suffix, schedule: schedule)
        guard CRYPTO_memcmp(code.mutablePointer, tag.baseAddress, tag.count) == 0 else { throw .authentication }
    }

    private func computeCode(
        of message: UnsafeRawBufferPointer, suffix: UInt32, schedule: UnsafeRawPointer
    ) throws(ProtectionError) {
        resume(from: schedule)
        try require(copenssl_sha1_update(context, message.baseAddress, message.count))
        try require(withUnsafeBytes(of: suffix.bigEndian) { copenssl_sha1_update(context, $0.baseAddress, $0.count) })
        try require(copenssl_sha1_finish(context, code.mutablePointer))
        resume(from: schedule + MemoryLayout<ChainingValue>.size)
        try require(copenssl_sha1_update(context, code.mutablePointer, Self.codeByteCount))
        try require(copenssl_sha1_finish(context, code.mutablePointer))
    }

    /// Sets the context to where it was after the padded key: one block, and none begun.
    private func resume(from chainingValue: UnsafeRawPointer) {
        let value = chainingValue.loadUnaligned(as: ChainingValue.self)
        (context.pointee.h0, context.pointee.h1, context.pointee.h2, context.pointee.h3, context.pointee.h4) = value
        (context.pointee.Nl, context.pointee.Nh, context.pointee.num) = (UInt32(8 * Self.blockByteCount), 0, 0)
    }
}
