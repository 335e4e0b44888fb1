import Testing

@testable import SecureTransport

@Suite struct HandshakeTests {
    @Test func bothSidesAgreeOnKeysAndThePreferredProfile() throws {
        var link = try EndpointPair().makeLink()
        link.run()
        #expect(link.clientEvents == [.connected])
        #expect(link.serverEvents == [.connected])
        let client = try #require(link.client.takeExportedKeys())
        let server = try #require(link.server.takeExportedKeys())
        #expect(client == server)
        #expect(client.count == ProtectionProfile.aeadAES128GCM.exportedByteCount)
        #expect(link.client.takeExportedKeys() == nil)
    }
}
