internal import COpenSSL

/// A certificate with its private key, as DTLS needs it. Prints as its fingerprint only.
package struct Certificate: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Private key (PKCS #8) and certificate, in this order, as PEM text. A secret: never log it.
    package let pem: String
    /// What an SDP says about it.
    package let fingerprint: CertificateFingerprint

    /// The fingerprint, never the key.
    package var description: String { "certificate \(fingerprint.value)" }
    /// As `description`.
    package var debugDescription: String { description }
    /// Hides the key from `dump` too.
    package var customMirror: Mirror { Mirror(self, children: ["fingerprint": fingerprint]) }

    /// Makes a new ECDSA P-256 key and a certificate for it that it signs itself: what WebRTC peers must support (RFC 8827 section 6.5).
    ///
    /// It holds no name of the machine, a random serial number and 30 days of validity, so that sessions cannot be linked by it.
    package static func makeSelfSigned() throws(OpenSSLError) -> Certificate {
        let key = try PrivateKey.makeP256()
        let certificate = try X509Certificate.makeSelfSigned(by: key)
        return Certificate(
            pem: try key.pem() + certificate.pem(),
            fingerprint: CertificateFingerprint(algorithm: "sha-256", digest: try certificate.sha256()))
    }
}

/// A certificate's digest as `a=fingerprint` writes it (RFC 8122 section 5).
package struct CertificateFingerprint: Sendable, Equatable {
    /// Lower-case hash name, `sha-256`.
    package let algorithm: String
    /// The digest as upper-case hex pairs with colons, `AB:CD:…`.
    package let value: String

    init(algorithm: String, digest: [UInt8]) {
        self.algorithm = algorithm
        self.value = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: ":")
    }
}
