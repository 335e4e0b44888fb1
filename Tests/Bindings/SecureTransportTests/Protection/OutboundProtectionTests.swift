import ProtectionTesting
@testable import SecureTransport
import Testing

struct OutboundProtectionTests {
    @Test(arguments: ProtectionProfile.allCases)
    func countsRolloversWhereTheSequenceNumberWraps(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        for sequence in [UInt16(0x7000), 0xE000, 0xFFFF, 0, 0x7000, 0xE000, 0xFFFF, 0] {
            let packet = rtpPacket(sequence: sequence)
            #expect(try pair.receiver.unprotect(pair.sender.protect(packet)) == packet)
        }
    }

    @Test(arguments: ProtectionProfile.allCases)
    func aPacketThatIsSentAgainHasTheSameOctets(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        let old = try [UInt16(0x7000), 0xFFF0].map { try pair.sender.protect(rtpPacket(sequence: $0)) }
        _ = try pair.sender.protect(rtpPacket(sequence: 0x10))
        #expect(try pair.sender.protect(rtpPacket(sequence: 0xFFF0)) == old[1])
        _ = try pair.sender.protect(rtpPacket(sequence: 0x11))
        #expect(try pair.sender.protect(rtpPacket(sequence: 0xFFF0)) == old[1])
    }

    @Test(arguments: ProtectionProfile.allCases)
    func theSameSequenceNumberAfterARolloverIsAnotherPacket(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        let first = try pair.sender.protect(rtpPacket(sequence: 0x1000))
        for sequence in [UInt16(0x8000), 0xF000] { _ = try pair.sender.protect(rtpPacket(sequence: sequence)) }
        #expect(try pair.sender.protect(rtpPacket(sequence: 0x1000)) != first)
    }

    @Test(arguments: ProtectionProfile.allCases)
    func thePartsOfAPayloadMayBeGivenApart(profile: ProtectionProfile) throws {
        let packet = rtpPacket(sequence: 7, payloadCount: 100)
        let whole = try ProtectionPair(profile).sender.protect(packet)
        for ownCount in 12...packet.count { #expect(try ProtectionPair(profile).sender.protect(packet, ownCount: ownCount) == whole) }
    }

    @Test(arguments: ProtectionProfile.allCases)
    func aHeaderMayLieInTheSlotAlreadyAndTheRestOfTheSlotIsLeftAlone(profile: ProtectionProfile) throws {
        let packet = rtpPacket(sequence: 7, payloadCount: 100)
        let expected = try ProtectionPair(profile).sender.protect(packet)
        let sender = try ProtectionPair(profile).sender
        var slot = packet[..<20] + [UInt8](repeating: 0xAB, count: 200)
        let length = try slot.withUnsafeMutableBytes { slot in
            try packet.withUnsafeBytes { bytes in
                try sender.protect(
                    header: UnsafeRawBufferPointer(rebasing: slot[..<20]), payload: UnsafeRawBufferPointer(rebasing: bytes[20...]),
                    into: slot)
            }
        }
        #expect(slot.prefix(length) == expected[...])
        #expect(slot.dropFirst(length).allSatisfy { $0 == 0xAB })
    }

    @Test(arguments: ProtectionProfile.allCases)
    func aReportMayBeProtectedWhereItLies(profile: ProtectionProfile) throws {
        let expected = try ProtectionPair(profile).sender.protectRTCP(rtcpPacket())
        let sender = try ProtectionPair(profile).sender
        var slot = rtcpPacket() + [UInt8](repeating: 0, count: profile.rtcpOverhead)
        let count = rtcpPacket().count
        let length = try slot.withUnsafeMutableBytes { slot in
            try sender.protectRTCP(UnsafeRawBufferPointer(rebasing: slot[..<count]), into: slot)
        }
        #expect(length == slot.count)
        #expect(slot == expected)
    }

    @Test(arguments: ProtectionProfile.allCases)
    func reportsOfASourceCountUpFromZero(profile: ProtectionProfile) throws {
        let sender = try ProtectionPair(profile).sender
        for index in 0..<3 {
            for ssrc in [UInt32(1), 2] {
                let packet = try sender.protectRTCP(rtcpPacket(ssrc: ssrc))
                let word = profile == .aeadAES128GCM ? packet.suffix(4) : packet.dropLast(10).suffix(4)
                #expect(Array(word) == [0x80, 0, 0, UInt8(index)])
            }
        }
    }

    @Test(arguments: ProtectionProfile.allCases)
    func aKeyThatHasProtectedAllItMayIsRefused(profile: ProtectionProfile) throws {
        let ciphers = try PacketCiphers()
        let master = MasterKey(profile: profile, keyAndSalt: [UInt8](repeating: 1, count: 16 + profile.saltByteCount))
        var sender = OutboundProtection(keys: try SessionKeys(deriving: master, with: ciphers))
        let position = try sender.senders.append(.init(ssrc: 0x1234_5678))
        sender.senders[position].highestIndex = 1 << 48 - 2
        sender.senders[position].nextRTCPIndex = 1 << 31 - 1
        #expect(try sender.length(ofProtected: rtpPacket(sequence: 0xFFFF), ciphers) == 32 + profile.rtpOverhead)
        #expect(throws: ProtectionError.exhausted) { try sender.length(ofProtected: rtpPacket(sequence: 0), ciphers) }
        // What was sent may be sent again.
        #expect(try sender.length(ofProtected: rtpPacket(sequence: 0xFFFF), ciphers) == 32 + profile.rtpOverhead)
        #expect(try sender.length(ofProtectedRTCP: rtcpPacket(), ciphers) == 12 + profile.rtcpOverhead)
        #expect(throws: ProtectionError.exhausted) { try sender.length(ofProtectedRTCP: rtcpPacket(), ciphers) }
        #expect(try sender.length(ofProtectedRTCP: rtcpPacket(ssrc: 9), ciphers) == 12 + profile.rtcpOverhead)
    }

    @Test(arguments: ProtectionProfile.allCases)
    func aSlotThatIsTooSmallIsRefusedAndNotWrittenBeyond(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        let packet = rtpPacket(sequence: 1)
        for missing in [1, profile.rtpOverhead, packet.count + profile.rtpOverhead] {
            var slot = [UInt8](repeating: 0xAB, count: packet.count + profile.rtpOverhead)
            #expect(throws: ProtectionError.noRoom) {
                try slot.withUnsafeMutableBytes { slot in
                    try packet.withUnsafeBytes { bytes in
                        let short = UnsafeMutableRawBufferPointer(rebasing: slot[..<(slot.count - missing)])
                        return try pair.sender.protect(header: bytes, payload: UnsafeRawBufferPointer(start: nil, count: 0), into: short)
                    }
                }
            }
            #expect(slot.suffix(missing).allSatisfy { $0 == 0xAB })
        }
    }

    @Test(arguments: ProtectionProfile.allCases)
    func sourcesAreBounded(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        for ssrc in 0..<UInt32(512) { _ = try pair.sender.protect(rtpPacket(ssrc: ssrc, sequence: 1)) }
        #expect(throws: ProtectionError.tooManySources) { try pair.sender.protect(rtpPacket(ssrc: 512, sequence: 1)) }
        #expect(throws: ProtectionError.tooManySources) { try pair.sender.protectRTCP(rtcpPacket(ssrc: 512)) }
        _ = try pair.sender.protect(rtpPacket(ssrc: 3, sequence: 2))
    }
}

extension OutboundProtection {
    fileprivate mutating func length(ofProtected packet: [UInt8], _ ciphers: PacketCiphers) throws -> Int {
        let slot = UnsafeMutableRawBufferPointer.allocate(byteCount: 100, alignment: 16)
        defer { slot.deallocate() }
        return try packet.withUnsafeBytes {
            try protect(header: $0, payload: UnsafeRawBufferPointer(start: nil, count: 0), into: slot, ciphers: ciphers)
        }
    }

    fileprivate mutating func length(ofProtectedRTCP packet: [UInt8], _ ciphers: PacketCiphers) throws -> Int {
        let slot = UnsafeMutableRawBufferPointer.allocate(byteCount: 100, alignment: 16)
        defer { slot.deallocate() }
        return try packet.withUnsafeBytes { try protectRTCP($0, into: slot, ciphers: ciphers) }
    }
}
