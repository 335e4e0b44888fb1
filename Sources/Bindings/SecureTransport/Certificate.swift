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

    /// Takes a key and its certificate from PEM text, the key unencrypted.
    ///
    /// Fails when either is missing or cannot be read, and when they do not belong together.
    package init(pem: String) throws(OpenSSLError) {
        let certificate = try X509Certificate(pem: pem)
        try certificate.checkKey(try PrivateKey(pem: pem))
        self.pem = pem
        fingerprint = CertificateFingerprint(algorithm: "sha-256", digest: try certificate.sha256())
    }

    private init(pem: String, fingerprint: CertificateFingerprint) {
        self.pem = pem
        self.fingerprint = fingerprint
    }

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
