import Testing

@testable import SecureTransport

struct HandshakeTests {
    @Test func bothSidesAgreeOnKeysAndThePreferredProfile() throws {
        var link = try EndpointPair().makeLink()
        link.run()
        #expect(link.clientEvents == [.connected])
        #expect(link.serverEvents == [.connected])
        let server = try #require(link.server.takeKeys())
        let client = try #require(link.client.takeKeys())
        #expect(server.profile == .aeadAES128GCM && client.profile == .aeadAES128GCM)
        #expect(!server.isClient && client.isClient)
        #expect(server.octets == client.octets)
        #expect(server.octets.count == 56)  // Two keys of 16 octets, two salts of 12 (RFC 7714 section 12).
        #expect(link.client.takeKeys() == nil, "keys are given out once")
    }

    @Test(arguments: ProtectionProfile.allCases)
    func theOnlyCommonProfileIsTaken(profile: ProtectionProfile) throws {
        let pair = try EndpointPair()
        for (clients, servers) in [([profile], ProtectionProfile.allCases), (ProtectionProfile.allCases, [profile])] {
            var link = LossyLink(client: try pair.makeClient(profiles: clients), server: try pair.makeServer(profiles: servers))
            link.run()
            #expect(link.client.takeKeys()?.profile == profile)
            #expect(link.server.takeKeys()?.profile == profile)
        }
    }

    @Test func theServersPreferenceDecides() throws {
        let pair = try EndpointPair()
        let countermode: [ProtectionProfile] = [.aes128CMSHA1_80, .aeadAES128GCM]
        var link = LossyLink(client: try pair.makeClient(profiles: countermode), server: try pair.makeServer())
        link.run()
        #expect(link.client.takeKeys()?.profile == .aeadAES128GCM)
    }

    @Test func withoutACommonProfileNeitherSideGetsKeys() throws {
        let pair = try EndpointPair()
        var link = LossyLink(
            client: try pair.makeClient(profiles: [.aes128CMSHA1_80]), server: try pair.makeServer(profiles: [.aeadAES128GCM]))
        link.run()
        #expect(link.clientEvents == [.failed(.noCommonProfile)])
        #expect(link.serverEvents == [.failed(.alertReceived(42))])
        #expect(link.client.takeKeys() == nil)
        #expect(link.server.takeKeys() == nil)
    }

    @Test func eachHandshakeHasItsOwnKeys() throws {
        let pair = try EndpointPair()
        let keys = try (0..<8).map { _ in
            var link = try pair.makeLink()
            link.run()
            return try #require(link.client.takeKeys()).octets
        }
        #expect(Set(keys).count == keys.count)
    }

    @Test func neitherSideSendsALongDatagram() throws {
        let large = try DTLSContext(certificate: try Certificate(pem: try makeCertificate(commentLength: 3000)))
        let small = try DTLSContext(certificate: try Certificate.makeSelfSigned())
        for (clientContext, serverContext) in [(small, large), (large, small), (large, large)] {
            var link = LossyLink(
                client: try DTLSEndpoint(context: clientContext, role: .client, fingerprints: [serverContext.fingerprint]),
                server: try DTLSEndpoint(context: serverContext, role: .server, fingerprints: [clientContext.fingerprint]))
            link.run()
            #expect(link.clientEvents == [.connected])
            #expect(link.serverEvents == [.connected])
            #expect(link.sent.map(\.datagram.count).max() ?? 0 <= DTLSContext.maximumDatagramByteCount)
            #expect(link.sent.map(\.datagram.count).max() ?? 0 > 1100, "a flight of four kilobytes fills its datagrams")
        }
    }

    @Test func aFlightThatFitsIsOneDatagram() throws {
        var link = try EndpointPair().makeLink()
        link.run()
        #expect(link.sent.count == 4, "ClientHello, the server's flight, the client's flight, the server's Finished")
    }

    @Test func closeNotifyReachesTheOtherSideOnce() throws {
        for closesServer in [true, false] {
            var link = try EndpointPair().makeLink()
            link.run()
            link.close(server: closesServer)
            link.close(server: closesServer)
            link.settle()
            let heard = closesServer ? link.clientEvents : link.serverEvents
            #expect(heard == [.connected, .closedByPeer])
            #expect(!link.client.isConnected && !link.server.isConnected)
            #expect(link.sent.count == 5)
        }
    }

    @Test func closingBeforeTheEndSaysNothing() throws {
        var link = try EndpointPair().makeLink()
        link.start()
        link.close(server: false)
        link.close(server: true)
        link.settle()
        #expect(link.clientEvents.isEmpty && link.serverEvents.isEmpty)
        #expect(link.sent.count == 1)
        #expect(link.client.deadline == nil && link.server.deadline == nil)
    }

    @Test func aClosedEndpointGivesNoKeys() throws {
        var link = try EndpointPair().makeLink()
        link.run()
        link.close(server: true)
        #expect(link.server.takeKeys() == nil)
    }

    @Test func extendedMasterSecretIsNegotiated() throws {
        var link = try EndpointPair().makeLink()
        link.run()
        // Extension 23 without content (RFC 7627 section 5.1), in ClientHello and ServerHello.
        for flight in link.sent.prefix(2) { #expect(flight.datagram.contains([0, 23, 0, 0])) }
    }
}
