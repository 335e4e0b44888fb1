import Foundation
import Testing

@testable import SecureTransport

struct FingerprintTests {
    private static let wrong = CertificateFingerprint(algorithm: "sha-256", digest: [UInt8](repeating: 0xAB, count: 32))

    @Test func aServerRefusesTheWrongClient() throws {
        let pair = try EndpointPair()
        var link = LossyLink(client: try pair.makeClient(), server: try pair.makeServer(fingerprints: [Self.wrong]))
        link.run()
        #expect(link.serverEvents == [.failed(.fingerprintMismatch)])
        #expect(link.clientEvents == [.failed(.alertReceived(42))])
        #expect(link.server.takeKeys() == nil && link.client.takeKeys() == nil)
    }

    @Test func aClientRefusesTheWrongServer() throws {
        let pair = try EndpointPair()
        var link = LossyLink(client: try pair.makeClient(fingerprints: [Self.wrong]), server: try pair.makeServer())
        link.run()
        #expect(link.clientEvents == [.failed(.fingerprintMismatch)])
        #expect(link.serverEvents == [.failed(.alertReceived(42))])
        #expect(link.server.takeKeys() == nil && link.client.takeKeys() == nil)
    }

    @Test func oneMatchAmongSeveralIsEnough() throws {
        let pair = try EndpointPair()
        var link = LossyLink(
            client: try pair.makeClient(), server: try pair.makeServer(fingerprints: [Self.wrong, pair.clientContext.fingerprint]))
        link.run()
        #expect(link.serverEvents == [.connected])
    }

    @Test(arguments: ["sha384", "sha512"])
    func strongerHashesAreTaken(hash: String) throws {
        let certificate = try Certificate.makeSelfSigned()
        let strong = try fingerprint(of: certificate, hash: hash)
        #expect(try connects(certificate, expecting: [strong]))
        #expect(try connects(certificate, expecting: [strong, Self.wrong]), "of several hashes the strongest decides")
        let other = try fingerprint(of: try Certificate.makeSelfSigned(), hash: hash)
        #expect(try !connects(certificate, expecting: [other, certificate.fingerprint]), "of several hashes the strongest decides")
    }

    @Test func weakHashesAreNotEnough() throws {
        let certificate = try Certificate.makeSelfSigned()
        let context = try DTLSContext(certificate: certificate)
        let weak = try fingerprint(of: certificate, hash: "sha1")
        let cut = CertificateFingerprint(algorithm: "sha-256", digest: Array(certificate.fingerprint.digest.dropLast()))
        for fingerprints in [[], [weak], [cut]] {
            #expect(throws: DTLSError.noUsableFingerprint) {
                try DTLSEndpoint(context: context, role: .server, fingerprints: fingerprints)
            }
        }
        #expect(try connects(certificate, expecting: [weak, certificate.fingerprint]))
    }

    @Test(arguments: [
        ("rsa:1024", false), ("rsa:2048", true), ("P-256", true), ("P-384", true), ("P-521", false), ("secp256k1", false),
    ])
    func onlyStrongKeysAreAccepted(key: String, isAccepted: Bool) throws {
        let options = key.hasPrefix("rsa") ? [key] : ["ec", "-pkeyopt", "ec_paramgen_curve:\(key)"]
        let certificate = try X509Certificate(pem: try makeCertificate(key: options))
        #expect(PeerKeyPolicy.allows(certificate.handle) == isAccepted)
    }

    @Test func peersWithRSACertificatesConnect() throws {
        let rsa = try Certificate(pem: try makeCertificate(key: ["rsa:2048"]))
        #expect(try connects(rsa, expecting: [rsa.fingerprint]))
        let other = try DTLSContext(certificate: try Certificate.makeSelfSigned())
        let context = try DTLSContext(certificate: rsa)
        var link = LossyLink(
            client: try DTLSEndpoint(context: other, role: .client, fingerprints: [context.fingerprint]),
            server: try DTLSEndpoint(context: context, role: .server, fingerprints: [other.fingerprint]))
        link.run()
        #expect(link.clientEvents == [.connected])
    }

    @Test func aWeakKeyEndsTheHandshake() throws {
        let certificate = try Certificate(pem: try makeCertificate(key: ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"]))
        let server = try DTLSContext(certificate: try Certificate.makeSelfSigned())
        var link = LossyLink(
            client: try DTLSEndpoint(context: try DTLSContext(certificate: certificate), role: .client, fingerprints: [server.fingerprint]),
            server: try DTLSEndpoint(context: server, role: .server, fingerprints: [certificate.fingerprint]))
        link.run()
        #expect(!link.serverEvents.contains(.connected))
        #expect(!link.clientEvents.contains(.connected))
    }

    @Test func textOfAnSDPIsReadInEitherCase() {
        let fingerprint = CertificateFingerprint(algorithm: "SHA-256", value: "ab:0C:ff")
        #expect(fingerprint?.algorithm == "sha-256")
        #expect(fingerprint?.value == "AB:0C:FF")
        #expect(fingerprint?.digest == [0xAB, 0x0C, 0xFF])
    }

    @Test(arguments: ["", "A", "AB:", ":AB", "AB:C", "AB:+C", "AB:-1", "AB CD", "ABCD", "AB:CG", "AB::CD", "AB:0x", "ÄB"])
    func otherTextIsNoFingerprint(value: String) {
        #expect(CertificateFingerprint(algorithm: "sha-256", value: value) == nil)
    }

    @Test func keyAndCertificateHaveToBelongTogether() throws {
        let (first, second) = (try Certificate.makeSelfSigned(), try Certificate.makeSelfSigned())
        #expect(try Certificate(pem: first.pem) == first)
        let start = try #require(second.pem.range(of: "-----BEGIN CERTIFICATE"))
        let certificateOnly = String(second.pem[start.lowerBound...])
        let keyOnly = String(second.pem[..<start.lowerBound])
        for pem in ["", "nonsense", certificateOnly, keyOnly, first.pem.prefix(400) + "", keyOfFirst(first) + certificateOnly] {
            #expect(throws: OpenSSLError.self) { try Certificate(pem: pem) }
        }
    }

    private func keyOfFirst(_ certificate: Certificate) -> String {
        certificate.pem.range(of: "-----BEGIN CERTIFICATE").map { String(certificate.pem[..<$0.lowerBound]) } ?? ""
    }

    /// Whether a client with this certificate gets through to a server that expects these.
    private func connects(_ certificate: Certificate, expecting fingerprints: [CertificateFingerprint]) throws -> Bool {
        let server = try DTLSContext(certificate: try Certificate.makeSelfSigned())
        var link = LossyLink(
            client: try DTLSEndpoint(context: try DTLSContext(certificate: certificate), role: .client, fingerprints: [server.fingerprint]),
            server: try DTLSEndpoint(context: server, role: .server, fingerprints: fingerprints))
        link.run()
        return link.serverEvents == [.connected] && link.clientEvents == [.connected]
    }

    /// As the `openssl` command computes it.
    private func fingerprint(of certificate: Certificate, hash: String) throws -> CertificateFingerprint {
        let printed = try openssl(["x509", "-noout", "-fingerprint", "-\(hash)"], input: certificate.pem)
        let value = printed.split(separator: "=").last.map { String($0.dropLast()) } ?? ""
        let name = "sha-" + hash.dropFirst(3)
        return try #require(CertificateFingerprint(algorithm: name, value: value))
    }
}
