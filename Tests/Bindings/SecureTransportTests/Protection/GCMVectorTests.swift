@testable import SecureTransport
import Testing

/// The vectors of RFC 7714 section 16, which give the session keys themselves.
struct GCMVectorTests {
    private let packet = octets(
        """
        8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573
        """)
    private let protected = octets(
        """
        8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d
        7f27beb1 6a9152cf 765ee439 0cce
        """)
    private let report = octets(
        """
        81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef deadbeef
        """)
    private let protectedReport = octets(
        """
        81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b
        c84aa458 96cf4d2f c5abf872 45d9eade 800005d4
        """)

    /// The same key and salt for RTP and RTCP.
    private func keys() -> SessionKeys {
        let fields = octets("000102030405060708090a0b0c0d0e0f 517569642070726f2071756f 00000000")
        return SessionKeys(profile: .aeadAES128GCM, fields: SecretBytes(fields + fields))
    }

    @Test func encryptsThePacketOfSection16_1() throws {
        var sender = OutboundProtection(keys: keys())
        let ciphers = try PacketCiphers()
        var slot = [UInt8](repeating: 0, count: protected.count)
        let length = try slot.withUnsafeMutableBytes { slot in
            try packet.withUnsafeBytes { bytes in
                try sender.protect(
                    header: UnsafeRawBufferPointer(rebasing: bytes[..<12]), payload: UnsafeRawBufferPointer(rebasing: bytes[12...]),
                    into: slot, ciphers: ciphers)
            }
        }
        #expect(slot.prefix(length) == protected[...])
    }

    @Test func decryptsThePacketOfSection16_1() throws {
        var receiver = InboundProtection(keys: keys())
        let ciphers = try PacketCiphers()
        var bytes = protected
        let length = try bytes.withUnsafeMutableBytes { try receiver.unprotect($0, ciphers: ciphers) }
        #expect(bytes.prefix(length) == packet[...])
    }

    @Test func encryptsTheReportOfSection16_2() throws {
        var sender = OutboundProtection(keys: keys())
        let position = try sender.senders.append(.init(ssrc: 0x4D61_7273))
        sender.senders[position].nextRTCPIndex = 0x5D4
        let ciphers = try PacketCiphers()
        var slot = [UInt8](repeating: 0, count: protectedReport.count)
        let length = try slot.withUnsafeMutableBytes { slot in
            try report.withUnsafeBytes { try sender.protectRTCP($0, into: slot, ciphers: ciphers) }
        }
        #expect(slot.prefix(length) == protectedReport[...])
    }

    @Test func decryptsTheReportOfSection16_2() throws {
        var receiver = InboundProtection(keys: keys())
        let ciphers = try PacketCiphers()
        var bytes = protectedReport
        let length = try bytes.withUnsafeMutableBytes { try receiver.unprotectRTCP($0, ciphers: ciphers) }
        #expect(bytes.prefix(length) == report[...])
    }
}
