internal import COpenSSL

/// One handshake as OpenSSL goes through it: records in, datagrams out, no clock. It belongs to one thread at a time.
final class DTLSHandshake {
    enum Step: Equatable {
        /// More records are needed.
        case waiting
        /// Both sides have verified each other's Finished.
        case finished
        case failed(DTLSError)
    }

    private let context: DTLSContext
    private let role: DTLSRole
    private let profiles: [ProtectionProfile]
    private let expected: ExpectedFingerprints
    private let connection: OpaquePointer
    private let exchange = DatagramExchange()
    /// Why the peer's certificate, or its choice of profiles, was refused.
    private var refusal: DTLSError?

    /// Throws when OpenSSL has no memory.
    init(
        context: DTLSContext, role: DTLSRole, expected: ExpectedFingerprints, profiles: [ProtectionProfile]
    ) throws(OpenSSLError) {
        self.context = context
        self.role = role
        self.expected = expected
        self.profiles = profiles
        connection = try context.makeConnection(role: role, profiles: profiles, exchange: exchange)
        // For `verify`, which runs during calls of ours only.
        try check(SSL_set_ex_data(connection, Self.selfIndex, Unmanaged.passUnretained(self).toOpaque()), "SSL_set_ex_data")
    }

    deinit { SSL_free(connection) }

    /// Gives OpenSSL one record, or lets a client begin without one. What it writes is added to `takeOutput`.
    func advance(with record: UnsafeRawBufferPointer?) -> Step {
        exchange.input = record
        defer { exchange.input = nil }
        ERR_clear_error()
        let status = SSL_do_handshake(connection)
        if status == 1 { return .finished }
        switch SSL_get_error(connection, status) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .waiting
        default: return .failed(refusal ?? Self.failure())
        }
    }

    /// The datagrams that OpenSSL wrote since the last call.
    func takeOutput() -> OutgoingFlight {
        defer { exchange.output = OutgoingFlight() }
        return exchange.output
    }

    // MARK: Results

    /// What the peers agreed on; nil before the hellos are exchanged, and when they agreed on none.
    var profile: ProtectionProfile? {
        guard let selected = SSL_get_selected_srtp_profile(connection), let number = UInt16(exactly: selected.pointee.id) else {
            return nil
        }
        return ProtectionProfile(rawValue: number)
    }

    /// The SRTP keys (RFC 5764 section 4.2). Only after `finished`.
    func exportKeys(for profile: ProtectionProfile) throws(OpenSSLError) -> SecretBytes {
        let label = "EXTRACTOR-dtls_srtp"
        let output = SecretBytes(count: profile.exportedByteCount)
        try check(
            SSL_export_keying_material(connection, output.mutablePointer, output.count, label, label.utf8.count, nil, 0, 0),
            "SSL_export_keying_material")
        return output
    }

    /// The keys of epoch 1's records (RFC 5246 section 6.3), for what is sent and heard when OpenSSL's connection is gone.
    func makeRecordProtection() throws(OpenSSLError) -> RecordProtection {
        let cipher = try check(SSL_get_current_cipher(connection) ?? SSL_get_pending_cipher(connection), "SSL_get_current_cipher")
        let digest = try check(SSL_CIPHER_get_handshake_digest(cipher), "SSL_CIPHER_get_handshake_digest")
        let digestName = try check(EVP_MD_get0_name(digest), "EVP_MD_get0_name")
        let keyByteCount = Int(SSL_CIPHER_get_bits(cipher, nil)) / 8
        let seed = Array("key expansion".utf8) + random(SSL_get_server_random) + random(SSL_get_client_random)
        let keyBlock = try context.algorithms.expand(
            try masterSecret(), seed: seed, digest: digestName, count: RecordProtection.keyBlockByteCount(keyByteCount: keyByteCount))
        return RecordProtection(algorithms: context.algorithms, keyByteCount: keyByteCount, role: role, keyBlock: keyBlock)
    }

    private func masterSecret() throws(OpenSSLError) -> SecretBytes {
        let session = try check(SSL_get_session(connection), "SSL_get_session")
        let secret = SecretBytes(count: Int(SSL_MAX_MASTER_KEY_LENGTH))
        guard SSL_SESSION_get_master_key(session, secret.mutablePointer, secret.count) == secret.count else {
            throw OpenSSLError(function: "SSL_SESSION_get_master_key")
        }
        return secret
    }

    private func random(_ get: (OpaquePointer?, UnsafeMutablePointer<UInt8>?, Int) -> Int) -> [UInt8] {
        var octets = [UInt8](repeating: 0, count: Int(SSL3_RANDOM_SIZE))
        _ = get(connection, &octets, octets.count)
        return octets
    }

    // MARK: The peer's certificate

    /// `SSL_set_app_data` is this index.
    private static let selfIndex: Int32 = 0

    /// OpenSSL's certificate callback: runs inside of `advance`, before any key of the handshake is final. 1 accepts.
    static func verify(_ store: OpaquePointer?) -> Int32 {
        guard let connection = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
            let handshake = SSL_get_ex_data(OpaquePointer(connection), selfIndex), let certificate = X509_STORE_CTX_get0_cert(store)
        else { return 0 }
        let refusal = Unmanaged<DTLSHandshake>.fromOpaque(handshake).takeUnretainedValue().judge(certificate)
        // Makes OpenSSL send a bad_certificate alert.
        X509_STORE_CTX_set_error(store, refusal == nil ? X509_V_OK : X509_V_ERR_CERT_REJECTED)
        return refusal == nil ? 1 : 0
    }

    private func judge(_ certificate: OpaquePointer) -> DTLSError? {
        if !PeerKeyPolicy.allows(certificate) {
            refusal = .weakCertificate
        } else if !expected.match(certificate) {
            refusal = .fingerprintMismatch
        } else if profile.map(profiles.contains) != true {
            // Too early for the peer to think that it is connected.
            refusal = .noCommonProfile
        }
        return refusal
    }

    /// OpenSSL numbers its reasons for a received alert from here (`SSL_AD_REASON_OFFSET`).
    private static func failure() -> DTLSError {
        let reason = ERR_GET_REASON(ERR_peek_last_error())
        if let alert = UInt8(exactly: reason - SSL_AD_REASON_OFFSET), alert > 0 {
            ERR_clear_error()
            return .alertReceived(alert)
        }
        return .handshakeFailed(OpenSSLError(function: "SSL_do_handshake"))
    }
}
