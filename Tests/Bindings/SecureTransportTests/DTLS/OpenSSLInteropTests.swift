import Foundation
import Testing

@testable import SecureTransport

/// The `openssl` command is the other side, over UDP on the loopback interface.
struct OpenSSLInteropTests {
    private static let profiles = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"

    @Test(arguments: ProtectionProfile.allCases)
    func itsClientGetsTheKeysOfOurServer(profile: ProtectionProfile) throws {
        let (context, peer) = (try DTLSContext(certificate: try .makeSelfSigned()), try Certificate.makeSelfSigned())
        let socket = try LoopbackSocket()
        let endpoint = try DTLSEndpoint(context: context, role: .server, fingerprints: [peer.fingerprint], profiles: [profile])
        try withTemporaryFile(peer.pem) { path in
            let command = try RunningCommand(
                ["s_client", "-connect", "127.0.0.1:\(socket.port)"] + arguments(path, keyLength: profile.exportedByteCount))
            #expect(try socket.run(endpoint) == .connected)
            let keys = try #require(endpoint.takeKeys())
            #expect(keys.profile == profile)
            #expect(try command.output(until: "Keying material: ").contains("Keying material: \(hex(keys.octets))"))
            command.closeInput()  // It says goodbye.
            #expect(try socket.run(endpoint) == .closedByPeer)
            command.stop()
        }
    }

    /// With `-listen` it first sends a HelloVerifyRequest (RFC 6347 section 4.2.1).
    @Test(arguments: ProtectionProfile.allCases, [[], ["-listen"]])
    func itsServerGetsTheKeysOfOurClient(profile: ProtectionProfile, options: [String]) throws {
        let (context, peer) = (try DTLSContext(certificate: try .makeSelfSigned()), try Certificate.makeSelfSigned())
        let endpoint = try DTLSEndpoint(context: context, role: .client, fingerprints: [peer.fingerprint], profiles: [profile])
        try withTemporaryFile(peer.pem) { path in
            let port = try LoopbackSocket.unusedPort()
            let command = try RunningCommand(
                ["s_server", "-accept", "127.0.0.1:\(port)", "-Verify", "1"] + options
                    + arguments(path, keyLength: profile.exportedByteCount))
            _ = try command.output(until: "ACCEPT")
            let socket = try LoopbackSocket(connectedTo: port)
            #expect(try socket.run(endpoint) == .connected)
            let keys = try #require(endpoint.takeKeys())
            #expect(keys.profile == profile)
            #expect(try command.output(until: "Keying material: ").contains("Keying material: \(hex(keys.octets))"))
            endpoint.close(send: socket.send)
            #expect(try command.output(until: "DONE").contains("DONE"))
            command.stop()
        }
    }

    @Test func itsClientIsRefusedForItsCertificate() throws {
        let (context, peer) = (try DTLSContext(certificate: try .makeSelfSigned()), try Certificate.makeSelfSigned())
        let socket = try LoopbackSocket()
        let endpoint = try DTLSEndpoint(context: context, role: .server, fingerprints: [context.fingerprint])
        try withTemporaryFile(peer.pem) { path in
            let command = try RunningCommand(["s_client", "-connect", "127.0.0.1:\(socket.port)"] + arguments(path, keyLength: 56))
            #expect(try socket.run(endpoint) == .failed(.fingerprintMismatch))
            #expect(try command.output(until: "alert bad certificate").contains("alert bad certificate"))
            command.stop()
        }
    }

    @Test(arguments: [
        "-no_ticket", "-legacy_renegotiation", "-groups X25519:P-256", "-groups P-384:P-256", "-cipher ECDHE-ECDSA-AES256-GCM-SHA384",
    ])
    func itsClientMayHaveOtherHabits(option: String) throws {
        let (context, peer) = (try DTLSContext(certificate: try .makeSelfSigned()), try Certificate.makeSelfSigned())
        let socket = try LoopbackSocket()
        let endpoint = try DTLSEndpoint(context: context, role: .server, fingerprints: [peer.fingerprint])
        try withTemporaryFile(peer.pem) { path in
            let command = try RunningCommand(
                ["s_client", "-connect", "127.0.0.1:\(socket.port)"] + option.split(separator: " ").map(String.init)
                    + arguments(path, keyLength: 56))
            #expect(try socket.run(endpoint) == .connected)
            // Its goodbye is sealed with the same cipher suite, and read by us without OpenSSL's connection.
            _ = try command.output(until: "Keying material: ")
            command.closeInput()
            #expect(try socket.run(endpoint) == .closedByPeer)
            command.stop()
        }
    }

    @Test(arguments: ["-dtls1", "-dtls1_2 -cipher ECDHE-ECDSA-AES128-SHA", "-dtls1_2 -groups secp521r1"])
    func itsClientIsRefusedForWeakSettings(option: String) throws {
        let (context, peer) = (try DTLSContext(certificate: try .makeSelfSigned()), try Certificate.makeSelfSigned())
        let socket = try LoopbackSocket()
        let endpoint = try DTLSEndpoint(context: context, role: .server, fingerprints: [peer.fingerprint])
        try withTemporaryFile(peer.pem) { path in
            let command = try RunningCommand(
                ["s_client", "-connect", "127.0.0.1:\(socket.port)", "-cert", path, "-key", path, "-use_srtp", Self.profiles]
                    + option.split(separator: " ").map(String.init))
            let event = try socket.run(endpoint, pace: 10)
            guard case .failed(.handshakeFailed)? = event else {
                Issue.record("\(String(describing: event))")
                return
            }
            command.stop()
        }
    }

    private func arguments(_ path: String, keyLength: Int) -> [String] {
        [
            "-dtls1_2", "-cert", path, "-key", path, "-use_srtp", Self.profiles, "-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen",
            "\(keyLength)",
        ]
    }

    private func hex(_ octets: [UInt8]) -> String {
        octets.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined()
    }
}
