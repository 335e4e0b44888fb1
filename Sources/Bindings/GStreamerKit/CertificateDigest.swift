internal import CGStreamer

/// Digests of certificates, as in `a=fingerprint`.
package enum CertificateDigest {
    /// The digest of the first certificate in `pem` as upper-case hex pairs with colons (RFC 8122 section 5); nil when there is none or
    /// `algorithm` (lower case, `sha-256`...) is not one that we accept. MD5 and SHA-1 are not.
    package static func fingerprint(ofPEM pem: String, algorithm: String) -> String? {
        guard let type = checksumType(algorithm), let der = der(ofPEM: pem) else { return nil }
        var bytes = der
        guard let hex = g_compute_checksum_for_data(type, &bytes, gsize(bytes.count)) else { return nil }
        defer { g_free(hex) }
        let digits = Array(String(cString: hex).uppercased())
        return stride(from: 0, to: digits.count - 1, by: 2).map { String(digits[$0...$0 + 1]) }.joined(separator: ":")
    }

    private static func checksumType(_ algorithm: String) -> GChecksumType? {
        switch algorithm {
        case "sha-256": G_CHECKSUM_SHA256
        case "sha-384": G_CHECKSUM_SHA384
        case "sha-512": G_CHECKSUM_SHA512
        default: nil
        }
    }

    private static func der(ofPEM pem: String) -> [UInt8]? {
        let lines = pem.split(whereSeparator: \.isNewline)
        guard let begin = lines.firstIndex(of: "-----BEGIN CERTIFICATE-----"),
            let end = lines[begin...].firstIndex(of: "-----END CERTIFICATE-----"), end > begin + 1
        else { return nil }
        var length: gsize = 0
        guard let decoded = g_base64_decode(lines[(begin + 1)..<end].joined(), &length) else { return nil }
        defer { g_free(decoded) }
        guard length > 0 else { return nil }
        return Array(UnsafeBufferPointer(start: decoded, count: Int(length)))
    }
}
