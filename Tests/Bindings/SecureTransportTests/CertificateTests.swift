import Foundation
import SecureTransport
import Testing

/// Judged by the `openssl` command, not by the library code that made them.
struct CertificateTests {
    @Test func opensslReadsTheKeyAsP256AndItBelongsToTheCertificate() throws {
        let certificate = try Certificate.makeSelfSigned()
        let key = try openssl(["pkey", "-noout", "-text"], input: certificate.pem)
        #expect(key.contains("NIST CURVE: P-256"))
        let ownPublicKey = try openssl(["pkey", "-pubout"], input: certificate.pem)
        let certifiedPublicKey = try openssl(["x509", "-noout", "-pubkey"], input: certificate.pem)
        #expect(ownPublicKey == certifiedPublicKey)
    }

    @Test func opensslVerifiesNameValidityAndSignature() throws {
        let certificate = try Certificate.makeSelfSigned()
        let names = try openssl(["x509", "-noout", "-subject", "-issuer"], input: certificate.pem)
        #expect(names == "subject=CN = viaduct\nissuer=CN = viaduct\n")
        let text = try openssl(["x509", "-noout", "-text"], input: certificate.pem)
        #expect(text.contains("Version: 3 (0x2)"))
        #expect(text.contains("Signature Algorithm: ecdsa-with-SHA256"))
        _ = try openssl(["x509", "-noout", "-checkend", "2505600"], input: certificate.pem)  // 29 days from now it is still valid
        #expect(throws: CommandFailure.self) {
            _ = try openssl(["x509", "-noout", "-checkend", "2678400"], input: certificate.pem)  // and in 31 days no more
        }
        try withTemporaryFile(certificate.pem) { path in
            _ = try openssl(["verify", "-check_ss_sig", "-CAfile", path, path], input: "")
        }
    }

    @Test func fingerprintIsTheOneThatOpensslPrints() throws {
        let certificate = try Certificate.makeSelfSigned()
        let printed = try openssl(["x509", "-noout", "-fingerprint", "-sha256"], input: certificate.pem)
        #expect(certificate.fingerprint.algorithm == "sha-256")
        #expect(printed == "sha256 Fingerprint=\(certificate.fingerprint.value)\n")
    }

    @Test func eachCertificateHasItsOwnKeyAndSerialNumber() throws {
        let certificates = try (0..<8).map { _ in try Certificate.makeSelfSigned() }
        #expect(Set(certificates.map(\.fingerprint.value)).count == certificates.count)
        let serials = try certificates.map { try openssl(["x509", "-noout", "-serial"], input: $0.pem) }
        #expect(Set(serials).count == certificates.count)
        #expect(serials.allSatisfy { $0.count == "serial=".count + 32 + 1 })
    }

    @Test func printingACertificateNeverShowsItsKey() throws {
        let certificate = try Certificate.makeSelfSigned()
        var dumped = ""
        dump(certificate, to: &dumped)
        for text in ["\(certificate)", String(reflecting: certificate), dumped] {
            #expect(!text.contains("PRIVATE KEY"))
            #expect(text.contains(certificate.fingerprint.value))
        }
    }
}
