import BridgeModel
import DeliveryPlane
import Testing

@Suite struct WebhookSignerTests {
    private let signer: WebhookSigner

    init() throws {
        signer = try WebhookSigner([try WebhookSecret(parsing: Redacted(Rows.secretText))])
    }

    /// The vectors of the Eyeson contract, section 16.
    @Test(arguments: [
        (
            "msg_0001", Int64(1_700_000_000),
            #"{"status":"session_finished","msg":"session ended","client_id":"client-0","session_id":"98f06660-5434-4a9c-ae65-0291d5622624","termination_cause":"CLIENT_STOP"}"#,
            "v1,Ocl1VTWz6UQhyWWIIjr8SCCYCVp/ZAHM3NB4ZIfKi44="
        ),
        (
            "msg_0002", 1_700_000_005,
            #"{"status":"upload_failed","msg":"destination replied 403","client_id":"client-0","rec_id":"b7c1c1de-0000-4000-8000-000000000001","upload_status_code":403}"#,
            "v1,zOWPvzyKuTZuo4oZ/+F1eA8s0sAdtrBjZtwHOccii58="
        ),
    ])
    func theSharedVectorsHold(id: String, timestamp: Int64, body: String, signature: String) {
        #expect(signer.signature(id: DeliveryID(id), timestamp: timestamp, body: body) == signature)
    }

    @Test func everyPartIsSigned() {
        let base = signer.signature(id: DeliveryID("a"), timestamp: 1, body: "b")
        #expect(signer.signature(id: DeliveryID("c"), timestamp: 1, body: "b") != base)
        #expect(signer.signature(id: DeliveryID("a"), timestamp: 2, body: "b") != base)
        #expect(signer.signature(id: DeliveryID("a"), timestamp: 1, body: "c") != base)
    }

    @Test func twoSecretsSignDuringRotation() throws {
        var settings = WebhookSettings()
        settings.secret = WebhookSecret.make()
        settings.previousSecret = Redacted(Rows.secretText)
        let parts = try WebhookSigner(settings, stored: Redacted("")).signature(id: DeliveryID("msg_0001"), timestamp: 1, body: "{}")
            .split(separator: " ")
        #expect(parts.count == 2)
        #expect(parts.last.map(String.init) == signer.signature(id: DeliveryID("msg_0001"), timestamp: 1, body: "{}"))
        #expect(parts[0] != parts[1])
    }

    @Test func theStoredSecretSignsWhenNoneIsConfigured() throws {
        let stored = try WebhookSigner(WebhookSettings(), stored: Redacted(Rows.secretText))
        #expect(
            stored.signature(id: DeliveryID("a"), timestamp: 1, body: "") == signer.signature(id: DeliveryID("a"), timestamp: 1, body: ""))
    }

    @Test func madeSecretsAreReadableAndDifferent() throws {
        let made = [WebhookSecret.make(), WebhookSecret.make()]
        #expect(made[0] != made[1])
        for text in made { _ = try WebhookSecret(parsing: text) }
    }

    @Test(arguments: [
        "", "whsec_", "whsec", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=", "WHSEC_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
        "whsec_not base64", "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA", "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n",
        "whsec_" + String(repeating: "A", count: 28),  // 21 bytes
        "whsec_" + String(repeating: "A", count: 88),  // 66 bytes
        "whsec_AQIDBAUGBwgJ", "whsec_=", " " + Rows.secretText,
    ])
    func malformedSecretsAreRefusedUnseen(text: String) {
        do {
            _ = try WebhookSecret(parsing: Redacted(text))
            Issue.record("accepted")
        } catch {
            #expect(error.code == .invalidField)
            #expect(text.count < 10 || !error.message.contains(text))
        }
    }
}
