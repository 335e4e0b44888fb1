import Testing

@testable import GStreamerKit

@Suite(.timeLimit(.minutes(1)))
struct WebRTCBinTests {
    init() throws { try initialiseGStreamer() }

    @Test func sdpThatCannotBeAppliedIsATypedError() async throws {
        let pipeline = try Pipeline { _ in }
        let bin = try WebRTCBin(name: "peer", ice: .init(), pem: "", latency: .milliseconds(200))
        try pipeline.add(bin.element)
        try pipeline.element.requestState(.playing)
        await #expect(throws: GStreamerError.self) {
            try await bin.setRemoteDescription("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n", kind: .answer)  // no offer was made
        }
        try pipeline.setState(.null)
    }

    @Test func aRequestToAStoppedBinEndsWithAnError() async throws {
        let bin = try WebRTCBin(name: "peer", ice: .init(), pem: "", latency: .milliseconds(200))
        await #expect(throws: GStreamerError.self) { try await bin.makeLocalDescription(.offer) }
    }

    @Test func anAddressThatIsNoneIsRefused() {
        var ice = WebRTCBin.ICE()
        ice.addresses = ["not an address"]
        #expect(throws: GStreamerError.self) { try WebRTCBin(name: "peer", ice: ice, pem: "", latency: .milliseconds(200)) }
    }

    /// Base64 of "certificate", with its digest by sha256sum(1).
    private let pem =
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nY2VydGlm\naWNhdGU=\n-----END CERTIFICATE-----\n"

    @Test func theFingerprintIsThatOfTheCertificateAlone() {
        let digest = CertificateDigest.fingerprint(ofPEM: pem, algorithm: "sha-256")
        #expect(digest == "03:D6:6D:D0:88:35:C1:CA:3F:12:8C:CE:AC:D1:F3:1A:C9:41:63:09:6B:20:F4:45:AE:84:28:5B:C0:83:2D:72")
    }

    @Test(arguments: ["md5", "sha-1", "SHA-256", "", "sha-224"])
    func weakOrUnknownAlgorithmsGiveNoFingerprint(algorithm: String) {
        #expect(CertificateDigest.fingerprint(ofPEM: pem, algorithm: algorithm) == nil)
    }

    @Test(arguments: [
        "", "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
    ])
    func malformedPEMGivesNoFingerprint(text: String) {
        #expect(CertificateDigest.fingerprint(ofPEM: text, algorithm: "sha-256") == nil)
    }
}
