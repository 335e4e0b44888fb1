import ProtectionTesting
@testable import SecureTransport
import Testing

struct InboundProtectionTests {
    @Test(arguments: ProtectionProfile.allCases)
    func acceptsPacketsInAnyOrderAcrossARollover(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        var random = SeededRandom(seed: 5)
        let sequences = (0..<400).map { UInt16(truncatingIfNeeded: 0x1_0000 - 200 + $0) }
        _ = try pair.receiver.unprotect(pair.sender.protect(rtpPacket(sequence: 0x7FFF)))
        _ = try pair.receiver.unprotect(pair.sender.protect(rtpPacket(sequence: 0xFF00)))
        let packets = try sequences.map { try pair.sender.protect(rtpPacket(sequence: $0)) }
        for (sequence, packet) in zip(sequences, packets).shuffled(using: &random) {
            #expect(try pair.receiver.unprotect(packet) == rtpPacket(sequence: sequence))
        }
        for packet in packets { #expect(throws: ProtectionError.replay) { try pair.receiver.unprotect(packet) } }
    }

    @Test(arguments: ProtectionProfile.allCases)
    func refusesWhatIsOlderThanTheWindow(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        let packets = try (0...1024).map { try pair.sender.protect(rtpPacket(sequence: UInt16($0))) }
        _ = try pair.receiver.unprotect(packets[1024])
        #expect(throws: ProtectionError.replay) { try pair.receiver.unprotect(packets[0]) }
        #expect(try pair.receiver.unprotect(packets[1]) == rtpPacket(sequence: 1))
    }

    @Test(arguments: ProtectionProfile.allCases)
    func refusesReplayedReports(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        let reports = try (0...128).map { _ in try pair.sender.protectRTCP(rtcpPacket()) }
        #expect(try pair.receiver.unprotectRTCP(reports[128]) == rtcpPacket())
        #expect(throws: ProtectionError.replay) { try pair.receiver.unprotectRTCP(reports[128]) }
        #expect(throws: ProtectionError.replay) { try pair.receiver.unprotectRTCP(reports[0]) }
        #expect(try pair.receiver.unprotectRTCP(reports[1]) == rtcpPacket())
    }

    @Test(arguments: ProtectionProfile.allCases)
    func refusesAReportThatSaysItIsNotEncrypted(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        let report = try pair.sender.protectRTCP(rtcpPacket())
        var unencrypted = report
        unencrypted[report.count - (profile == .aeadAES128GCM ? 4 : 14)] &= 0x7F
        #expect(throws: ProtectionError.unencrypted) { try pair.receiver.unprotectRTCP(unencrypted) }
        #expect(try pair.receiver.unprotectRTCP(report) == rtcpPacket())
    }

    @Test(arguments: ProtectionProfile.allCases)
    func refusesEachPacketWithOneOtherBitAndAcceptsItAsItWas(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        let packet = try pair.sender.protect(rtpPacket(sequence: 1))
        let report = try pair.sender.protectRTCP(rtcpPacket())
        for bit in 0..<8 * packet.count { #expect(throws: ProtectionError.self) { try pair.receiver.unprotect(packet.flipping(bit)) } }
        for bit in 0..<8 * report.count { #expect(throws: ProtectionError.self) { try pair.receiver.unprotectRTCP(report.flipping(bit)) } }
        #expect(try pair.receiver.unprotect(packet) == rtpPacket(sequence: 1))
        #expect(try pair.receiver.unprotectRTCP(report) == rtcpPacket())
    }

    @Test(arguments: ProtectionProfile.allCases)
    func packetsUnderAnotherKeyMakeNoSources(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        let stranger = try ProtectionPair(profile, seed: 2).sender
        for ssrc in 0..<UInt32(300) {
            let packet = try stranger.protect(rtpPacket(ssrc: ssrc, sequence: 1))
            #expect(throws: ProtectionError.authentication) { try pair.receiver.unprotect(packet) }
            let report = try stranger.protectRTCP(rtcpPacket(ssrc: ssrc))
            #expect(throws: ProtectionError.authentication) { try pair.receiver.unprotectRTCP(report) }
        }
        #expect(try pair.receiver.unprotect(pair.sender.protect(rtpPacket(sequence: 1))) == rtpPacket(sequence: 1))
        #expect(try pair.receiver.unprotectRTCP(pair.sender.protectRTCP(rtcpPacket())) == rtcpPacket())
    }

    @Test(arguments: ProtectionProfile.allCases)
    func sourcesAreBoundedAndThoseThatAreThereGoOn(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        for ssrc in 0..<UInt32(64) {
            _ = try pair.receiver.unprotect(pair.sender.protect(rtpPacket(ssrc: ssrc, sequence: 1)))
            _ = try pair.receiver.unprotectRTCP(pair.sender.protectRTCP(rtcpPacket(ssrc: ssrc)))
        }
        let packet = try pair.sender.protect(rtpPacket(ssrc: 64, sequence: 1))
        #expect(throws: ProtectionError.tooManySources) { try pair.receiver.unprotect(packet) }
        let report = try pair.sender.protectRTCP(rtcpPacket(ssrc: 64))
        #expect(throws: ProtectionError.tooManySources) { try pair.receiver.unprotectRTCP(report) }
        #expect(try pair.receiver.unprotect(pair.sender.protect(rtpPacket(ssrc: 9, sequence: 2))) == rtpPacket(ssrc: 9, sequence: 2))
    }

    @Test(arguments: ProtectionProfile.allCases)
    func theTwoSidesOfAHandshakeUnderstandEachOther(profile: ProtectionProfile) throws {
        var random = SeededRandom(seed: 9)
        let exported = SecretBytes(random.octets(profile.exportedByteCount))
        let ciphers = try PacketCiphers()
        let client = try PacketProtection(profile: profile, exported: exported, isClient: true, ciphers: ciphers)
        let server = try PacketProtection(profile: profile, exported: exported, isClient: false, ciphers: ciphers)
        #expect(try server.unprotect(client.protect(rtpPacket(sequence: 1))) == rtpPacket(sequence: 1))
        #expect(try client.unprotect(server.protect(rtpPacket(sequence: 1))) == rtpPacket(sequence: 1))
        let own = try client.protect(rtpPacket(sequence: 2))
        #expect(throws: ProtectionError.authentication) { try client.unprotect(own) }
    }

    /// RFC 5764 section 4.2 gives the order: client key, server key, client salt, server salt.
    @Test(arguments: ProtectionProfile.allCases)
    func takesKeysAndSaltsInTheOrderOfTheExporter(profile: ProtectionProfile) throws {
        let salt = profile.saltByteCount
        let exported = SecretBytes(
            [UInt8](repeating: 1, count: 16) + [UInt8](repeating: 2, count: 16) + [UInt8](repeating: 3, count: salt)
                + [UInt8](repeating: 4, count: salt))
        let ciphers = try PacketCiphers()
        let client = try PacketProtection(profile: profile, exported: exported, isClient: true, ciphers: ciphers)
        let same = try PacketProtection(
            profile: profile, outbound: [UInt8](repeating: 1, count: 16) + [UInt8](repeating: 3, count: salt),
            inbound: [UInt8](repeating: 2, count: 16) + [UInt8](repeating: 4, count: salt), ciphers: ciphers)
        #expect(try client.protect(rtpPacket(sequence: 1)) == same.protect(rtpPacket(sequence: 1)))
    }
}

extension [UInt8] {
    fileprivate func flipping(_ bit: Int) -> [UInt8] {
        var changed = self
        changed[bit / 8] ^= 1 << UInt8(bit % 8)
        return changed
    }
}
