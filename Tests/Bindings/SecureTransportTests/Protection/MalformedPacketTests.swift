import ProtectionTesting
@testable import SecureTransport
import Testing

struct MalformedPacketTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let packet: [UInt8]
        var testDescription: String { name }
    }

    /// What no RTP packet can begin with, whatever follows.
    private static let headers = [
        Case(name: "nothing", packet: []),
        Case(name: "one octet", packet: [0x80]),
        Case(name: "a cut header", packet: Array(rtpPacket(sequence: 1).prefix(11))),
        Case(name: "version 1", packet: [0x40] + rtpPacket(sequence: 1).dropFirst()),
        Case(name: "version 3", packet: [0xC0] + rtpPacket(sequence: 1).dropFirst()),
        Case(name: "fifteen CSRCs that are not there", packet: [0x8F] + rtpPacket(sequence: 1).dropFirst()),
        Case(name: "an extension that is not there", packet: [0x90] + rtpPacket(sequence: 1, payloadCount: 3).dropFirst()),
        Case(
            name: "an extension longer than the packet",
            packet: [0x90] + rtpPacket(sequence: 1, payloadCount: 0).dropFirst() + [0xBE, 0xDE, 0xFF, 0xFF, 0, 0]),
        Case(name: "more than a datagram", packet: rtpPacket(sequence: 1, payloadCount: 65_536)),
    ]

    @Test(arguments: headers)
    func isNotProtected(_ one: Case) throws {
        for profile in ProtectionProfile.allCases {
            let pair = try ProtectionPair(profile)
            #expect(throws: ProtectionError.malformed) { try pair.sender.protect(one.packet) }
        }
    }

    @Test(arguments: headers)
    func isNotAccepted(_ one: Case) throws {
        for profile in ProtectionProfile.allCases {
            let pair = try ProtectionPair(profile)
            #expect(throws: ProtectionError.malformed) { try pair.receiver.unprotect(one.packet) }
        }
    }

    @Test(arguments: ProtectionProfile.allCases)
    func aHeaderThatReachesIntoTheTagIsNotAccepted(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        for count in 0..<12 + profile.rtpOverhead {
            let packet = Array(rtpPacket(sequence: 1, payloadCount: 100).prefix(count))
            #expect(throws: ProtectionError.malformed) { try pair.receiver.unprotect(packet) }
        }
        let withCSRC = [0x81] + rtpPacket(sequence: 1, payloadCount: profile.rtpOverhead + 3).dropFirst()
        #expect(throws: ProtectionError.malformed) { try pair.receiver.unprotect(withCSRC) }
        let long = [0x81] + rtpPacket(sequence: 1, payloadCount: profile.rtpOverhead + 4).dropFirst()
        #expect(throws: ProtectionError.authentication) { try pair.receiver.unprotect(long) }
    }

    @Test(arguments: ProtectionProfile.allCases)
    func reportsThatAreCutOrOfAnotherVersionAreRefused(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        let report = try pair.sender.protectRTCP(rtcpPacket())
        for count in 0..<8 + profile.rtcpOverhead {
            #expect(throws: ProtectionError.malformed) { try pair.receiver.unprotectRTCP(Array(report.prefix(count))) }
        }
        #expect(throws: ProtectionError.malformed) { try pair.receiver.unprotectRTCP([0x41] + report.dropFirst()) }
        for count in 0..<8 { #expect(throws: ProtectionError.malformed) { try pair.sender.protectRTCP(Array(rtcpPacket().prefix(count))) } }
        let huge = rtcpPacket() + [UInt8](repeating: 0, count: 65_536)
        #expect(throws: ProtectionError.malformed) { try pair.sender.protectRTCP(huge) }
        #expect(throws: ProtectionError.malformed) { try pair.receiver.unprotectRTCP(huge) }
        #expect(try pair.receiver.unprotectRTCP(report) == rtcpPacket())
    }

    /// Random octets, and good packets that were changed, cut or grown: never a trap, and never a change of state.
    @Test(arguments: ProtectionProfile.allCases)
    func hostileDatagramsDisturbNothing(profile: ProtectionProfile) throws {
        let pair = try ProtectionPair(profile)
        var random = SeededRandom(seed: 11)
        for sequence in UInt16(0)..<300 {
            let packet = rtpPacket(sequence: sequence, payloadCount: random.next(below: 200))
            let (media, control) = (try pair.sender.protect(packet), try pair.sender.protectRTCP(rtcpPacket()))
            for _ in 0..<20 {
                let hostile = Self.hostile(media, random: &random)
                if hostile != media { #expect(throws: ProtectionError.self) { try pair.receiver.unprotect(hostile) } }
                let report = Self.hostile(control, random: &random)
                if report != control { #expect(throws: ProtectionError.self) { try pair.receiver.unprotectRTCP(report) } }
            }
            #expect(try pair.receiver.unprotect(media) == packet)
            #expect(try pair.receiver.unprotectRTCP(control) == rtcpPacket())
        }
    }

    private static func hostile(_ packet: [UInt8], random: inout SeededRandom) -> [UInt8] {
        var changed = packet
        switch random.next(below: 5) {
        case 0: return random.octets(random.next(below: 1500))
        case 1: return Array(packet.prefix(random.next(below: packet.count)))
        case 2: return packet + random.octets(1 + random.next(below: 40))
        case 3: for _ in 0..<8 { changed[random.next(below: changed.count)] = UInt8(random.next(below: 256)) }
        default: changed[random.next(below: min(16, changed.count))] ^= UInt8(1 + random.next(below: 255))
        }
        return changed
    }
}
