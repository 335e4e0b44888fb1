internal import COpenSSL

/// The record protection of epoch 1, AES-GCM (RFC 5288), for the few records that we seal and open without OpenSSL's connection: repeated Finished
/// messages, alerts.
final class RecordProtection {
    /// Of the records that concern us: Finished has 48 octets, an alert 26. OpenSSL ends the handshake over a record that has no room for nonce, tag
    /// and a content, though RFC 6347 section 4.1.2.7 would have it dropped.
    static let fragmentByteCounts = explicitNonceByteCount + tagByteCount + 1...256

    private static let explicitNonceByteCount = 8
    private static let tagByteCount = 16
    private static let saltByteCount = 4

    private let algorithms: DTLSAlgorithms
    private let keyByteCount: Int
    /// Ours.
    let role: DTLSRole
    /// Client key, server key, client salt, server salt (RFC 5246 section 6.3).
    private let keyBlock: SecretBytes

    /// Octets of a key block.
    static func keyBlockByteCount(keyByteCount: Int) -> Int { 2 * (keyByteCount + saltByteCount) }

    init(algorithms: DTLSAlgorithms, keyByteCount: Int, role: DTLSRole, keyBlock: consuming SecretBytes) {
        precondition(keyBlock.count == Self.keyBlockByteCount(keyByteCount: keyByteCount), "the cipher suite says how much it needs")
        self.algorithms = algorithms
        self.keyByteCount = keyByteCount
        self.role = role
        self.keyBlock = keyBlock
    }

    /// A whole record of ours.
    ///
    /// The explicit nonce is epoch and sequence number (RFC 5288 section 3). OpenSSL counts its own nonces from a random number, so a collision
    /// with one of them has a chance of 2^-64.
    func seal(_ plaintext: [UInt8], type: DTLSRecord.ContentType, sequence: UInt64) throws(ProtectionError) -> [UInt8] {
        let number = Self.number(sequence)
        let length = Self.explicitNonceByteCount + plaintext.count + Self.tagByteCount
        var record: [UInt8] = [type.rawValue, 0xFE, 0xFD]
        record += number
        record += [UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length)]
        record += number
        let body = record.count
        record += plaintext
        record += [UInt8](repeating: 0, count: Self.tagByteCount)
        let additional = Self.additionalData(type: type, number: number, count: plaintext.count)
        try record.withUnsafeMutableBufferPointer { buffer throws(ProtectionError) in
            let octets = UnsafeMutableRawBufferPointer(buffer)
            let context = try makeContext()
            try begin(context.operations, .encrypt, sender: role, nonce: number, additional: additional)
            let content = octets[body..<body + plaintext.count]
            try context.operations.apply(to: UnsafeRawBufferPointer(rebasing: content), output: content)
            try context.operations.writeTag(to: UnsafeMutableRawBufferPointer(rebasing: octets[(body + plaintext.count)...]))
        }
        return record
    }

    /// The content of one of our records under another number; nil when it was not ours.
    func reseal(_ record: DTLSRecord, sequence: UInt64) -> [UInt8]? {
        guard let plaintext = open(record, sender: role) else { return nil }
        return try? seal(plaintext, type: record.type, sequence: sequence)
    }

    /// What is in a record that `sender` sealed; nil when it is not authentic, or longer than any that concerns us.
    func open(_ record: DTLSRecord, sender: DTLSRole) -> [UInt8]? {
        let fragment = record.fragment
        let count = fragment.count - Self.explicitNonceByteCount - Self.tagByteCount
        guard Self.fragmentByteCounts.contains(fragment.count) else { return nil }
        let nonce = Array(fragment[..<Self.explicitNonceByteCount])
        let additional = Self.additionalData(type: record.type, number: Self.number(record.sequence), count: count)
        var body = Array(fragment[Self.explicitNonceByteCount...])
        do throws(ProtectionError) {
            try body.withUnsafeMutableBufferPointer { buffer throws(ProtectionError) in
                let octets = UnsafeMutableRawBufferPointer(buffer)
                let context = try makeContext()
                try begin(context.operations, .decrypt, sender: sender, nonce: nonce, additional: additional)
                try context.operations.apply(to: UnsafeRawBufferPointer(rebasing: octets[..<count]), output: octets[..<count])
                try context.operations.verifyTag(UnsafeMutableRawBufferPointer(rebasing: octets[count...]))
            }
        } catch {
            return nil
        }
        return Array(body[..<count])
    }

    private func begin(
        _ operations: CipherOperations, _ direction: CipherDirection, sender: DTLSRole, nonce: [UInt8], additional: [UInt8]
    ) throws(ProtectionError) {
        let isClient = sender == .client
        let key = UnsafePointer(keyBlock.mutablePointer + (isClient ? 0 : keyByteCount))
        let salt = keyBlock.mutablePointer + 2 * keyByteCount + (isClient ? 0 : Self.saltByteCount)
        let saltBits = (0..<Self.saltByteCount).reduce(UInt64(0)) { $0 << 8 | UInt64(salt[$1]) }
        let nonceBits = nonce.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        try operations.begin(
            direction, key: key, vector: InitializationVector(high: saltBits << 32 | nonceBits >> 32, low: nonceBits << 32))
        try additional.withUnsafeBufferPointer { octets throws(ProtectionError) in
            try operations.authenticate(UnsafeRawBufferPointer(octets))
        }
    }

    private func makeContext() throws(ProtectionError) -> CipherContext {
        do throws(OpenSSLError) {
            return try algorithms.makeContext(keyByteCount: keyByteCount)
        } catch {
            throw .cipherFailed
        }
    }

    /// Epoch 1 and the sequence number, as the header has them.
    private static func number(_ sequence: UInt64) -> [UInt8] {
        let number = 1 << 48 | sequence & DTLSRecord.maximumSequence
        return stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    /// RFC 5246 section 6.2.3.3: number, type, version, length of the plaintext.
    private static func additionalData(type: DTLSRecord.ContentType, number: [UInt8], count: Int) -> [UInt8] {
        number + [type.rawValue, 0xFE, 0xFD, UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)]
    }
}
