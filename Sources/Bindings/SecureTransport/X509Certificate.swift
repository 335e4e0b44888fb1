internal import COpenSSL

/// Owns an `X509`: the only reference is released when this value dies.
struct X509Certificate: ~Copyable {
    let handle: OpaquePointer

    private init() throws(OpenSSLError) { handle = try check(X509_new(), "X509_new") }

    /// The first certificate in the text.
    init(pem: String) throws(OpenSSLError) {
        let input = try MemoryInput(pem)
        handle = try check(PEM_read_bio_X509(input.handle, nil, nil, nil), "PEM_read_bio_X509")
    }

    deinit { X509_free(handle) }

    /// Issuer and subject are the same neutral name: a certificate of WebRTC proves a fingerprint, not a name (RFC 8827 section 6.5).
    static func makeSelfSigned(by key: borrowing PrivateKey) throws(OpenSSLError) -> X509Certificate {
        let certificate = try X509Certificate()
        try check(X509_set_version(certificate.handle, 2), "X509_set_version")  // 2 means v3 (RFC 5280 section 4.1.2.1)
        try certificate.setRandomSerialNumber()
        try certificate.setValidity()
        try certificate.setName("viaduct")
        try check(X509_set_pubkey(certificate.handle, key.handle), "X509_set_pubkey")
        guard X509_sign(certificate.handle, key.handle, EVP_sha256()) > 0 else { throw OpenSSLError(function: "X509_sign") }
        return certificate
    }

    /// Fails when `key` is not the one that the certificate names.
    func checkKey(_ key: borrowing PrivateKey) throws(OpenSSLError) {
        try check(X509_check_private_key(handle, key.handle), "X509_check_private_key")
    }

    func pem() throws(OpenSSLError) -> String {
        let output = try MemoryOutput()
        try check(PEM_write_bio_X509(output.handle, handle), "PEM_write_bio_X509")
        return try output.text()
    }

    /// SHA-256 over the DER form.
    func sha256() throws(OpenSSLError) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        try check(X509_digest(handle, EVP_sha256(), &digest, &length), "X509_digest")
        return Array(digest.prefix(Int(length)))
    }

    /// 16 octets, positive, and never zero (RFC 5280 section 4.1.2.2).
    private func setRandomSerialNumber() throws(OpenSSLError) {
        var octets = try randomBytes(count: 16)
        octets[0] = octets[0] & 0x7F | 0x40
        let number = try check(BN_bin2bn(octets, Int32(octets.count), nil), "BN_bin2bn")
        defer { BN_free(number) }
        try check(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(handle)), "BN_to_ASN1_INTEGER")
    }

    private func setValidity() throws(OpenSSLError) {
        let hour = 3600
        // From an hour ago, since clocks of cameras and browsers may be behind.
        try check(X509_gmtime_adj(X509_getm_notBefore(handle), -hour), "X509_gmtime_adj")
        try check(X509_gmtime_adj(X509_getm_notAfter(handle), 30 * 24 * hour), "X509_gmtime_adj")
    }

    private func setName(_ commonName: String) throws(OpenSSLError) {
        let name = try check(X509_get_subject_name(handle), "X509_get_subject_name")
        let bytes = Array(commonName.utf8)
        // MBSTRING_UTF8 is MBSTRING_FLAG alone (asn1.h), a macro that Swift does not see.
        try check(
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_FLAG, bytes, Int32(bytes.count), -1, 0), "X509_NAME_add_entry_by_txt")
        try check(X509_set_issuer_name(handle, name), "X509_set_issuer_name")
    }
}
