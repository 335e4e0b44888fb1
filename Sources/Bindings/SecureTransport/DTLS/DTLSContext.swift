internal import COpenSSL

/// What all DTLS endpoints of a bridge share: its certificate and OpenSSL's settings. Made once; any thread may use it.
///
/// DTLS 1.2 only (RFC 6347); ECDHE with AES-GCM; both sides show a certificate. No compression, no renegotiation, no tickets, no cache of sessions:
/// every handshake is a full one, so that each peer's certificate is seen and compared.
package final class DTLSContext: @unchecked Sendable {
    // Unchecked: nothing changes after the initialiser but OpenSSL's reference counts, which are atomic.

    /// The longest datagram that an endpoint sends: it passes any path that WebRTC can use (RFC 8261 section 5 reckons with 1200).
    package static let maximumDatagramByteCount = 1200
    /// Octets by which AES-GCM lengthens a record; OpenSSL forgets them when it fills a datagram up.
    private static let expansionByteCount = 24
    /// A peer's certificate chain; one certificate has about 500.
    private static let maximumChainByteCount = 16_384

    /// What our SDP says about the certificate.
    package let fingerprint: CertificateFingerprint
    let algorithms: DTLSAlgorithms
    private let handle: OpaquePointer
    private let bioMethod: DatagramBIOMethod

    /// Fails when OpenSSL does not accept the certificate.
    package init(certificate: Certificate) throws(OpenSSLError) {
        let handle = try check(SSL_CTX_new(DTLS_method()), "SSL_CTX_new")
        do throws(OpenSSLError) {
            try Self.configure(handle)
            try Self.use(certificate, in: handle)
            algorithms = try DTLSAlgorithms()
            bioMethod = try DatagramBIOMethod()
        } catch {
            SSL_CTX_free(handle)
            throw error
        }
        self.handle = handle
        fingerprint = certificate.fingerprint
    }

    deinit { SSL_CTX_free(handle) }

    /// A connection of OpenSSL that reads from and writes to `exchange`; the caller frees it, and before `exchange` goes.
    func makeConnection(role: DTLSRole, profiles: [ProtectionProfile], exchange: DatagramExchange) throws(OpenSSLError) -> OpaquePointer {
        let connection = try check(SSL_new(handle), "SSL_new")
        do throws(OpenSSLError) {
            // This call has 0 for success.
            let names = profiles.map(\.openSSLName).joined(separator: ":")
            guard SSL_set_tlsext_use_srtp(connection, names) == 0 else { throw OpenSSLError(function: "SSL_set_tlsext_use_srtp") }
            let bio = try bioMethod.makeBIO(for: exchange)
            SSL_set_bio(connection, bio, bio)
        } catch {
            SSL_free(connection)
            throw error
        }
        _ = SSL_ctrl(connection, SSL_CTRL_SET_MTU, Self.maximumDatagramByteCount - Self.expansionByteCount, nil)
        DTLS_set_timer_cb(connection) { _, _ in microsecondsToRepeat }
        switch role {
        case .client: SSL_set_connect_state(connection)
        case .server: SSL_set_accept_state(connection)
        }
        return connection
    }

    private static func configure(_ handle: OpaquePointer) throws(OpenSSLError) {
        try control(handle, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(DTLS1_2_VERSION))
        try control(handle, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(DTLS1_2_VERSION))
        SSL_CTX_set_options(
            handle,
            COPENSSL_OP_NO_QUERY_MTU | COPENSSL_OP_NO_TICKET | COPENSSL_OP_NO_COMPRESSION | COPENSSL_OP_NO_RENEGOTIATION
                | COPENSSL_OP_CIPHER_SERVER_PREFERENCE)
        _ = SSL_CTX_ctrl(handle, SSL_CTRL_SET_SESS_CACHE_MODE, Int(SSL_SESS_CACHE_OFF), nil)  // Returns the mode before.
        _ = SSL_CTX_ctrl(handle, SSL_CTRL_SET_MAX_CERT_LIST, maximumChainByteCount, nil)  // Returns the size before.
        try check(SSL_CTX_set_cipher_list(handle, cipherSuites), "SSL_CTX_set_cipher_list")
        try control(handle, SSL_CTRL_SET_GROUPS_LIST, text: groups)
        try control(handle, SSL_CTRL_SET_SIGALGS_LIST, text: signatureAlgorithms)
        try control(handle, SSL_CTRL_SET_CLIENT_SIGALGS_LIST, text: signatureAlgorithms)
        SSL_CTX_set_verify(handle, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        // Takes the place of OpenSSL's own check of the chain: WebRTC's certificates sign themselves.
        SSL_CTX_set_cert_verify_callback(handle, { store, _ in DTLSHandshake.verify(store) }, nil)
    }

    /// AES-128 first: it is enough, and costs less. RSA for peers whose own certificate is RSA, when they are the server.
    private static let cipherSuites =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
    private static let groups = "X25519:P-256:P-384"
    private static let signatureAlgorithms = "ECDSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA256:RSA+SHA256:RSA+SHA384:RSA+SHA512"

    private static func use(_ certificate: Certificate, in handle: OpaquePointer) throws(OpenSSLError) {
        let key = try PrivateKey(pem: certificate.pem)
        let x509 = try X509Certificate(pem: certificate.pem)
        // OpenSSL takes references of its own.
        try check(SSL_CTX_use_certificate(handle, x509.handle), "SSL_CTX_use_certificate")
        try check(SSL_CTX_use_PrivateKey(handle, key.handle), "SSL_CTX_use_PrivateKey")
        try check(SSL_CTX_check_private_key(handle), "SSL_CTX_check_private_key")
    }

    private static func control(_ handle: OpaquePointer, _ command: Int32, _ value: Int) throws(OpenSSLError) {
        guard SSL_CTX_ctrl(handle, command, value, nil) == 1 else { throw OpenSSLError(function: "SSL_CTX_ctrl") }
    }

    private static func control(_ handle: OpaquePointer, _ command: Int32, text: String) throws(OpenSSLError) {
        let status = text.withCString { SSL_CTX_ctrl(handle, command, 0, UnsafeMutablePointer(mutating: $0)) }  // It is only read.
        guard status == 1 else { throw OpenSSLError(function: "SSL_CTX_ctrl") }
    }
}

/// Until OpenSSL would repeat a flight by the system's clock: longer than any handshake, since `RetransmissionTimer` does that by the caller's.
private let microsecondsToRepeat: UInt32 = 3_600_000_000
