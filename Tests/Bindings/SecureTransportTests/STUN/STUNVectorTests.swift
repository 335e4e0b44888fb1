import Testing

@testable import SecureTransport

/// The test vectors of RFC 5769.
struct STUNVectorTests {
    private let codec = STUNCodec()
    private let password = Array("VOkJxbRl1RmTxUk/WvJxBt".utf8)
    private let transaction = STUNTransaction(high: 0xB7E7_A701, low: 0xBC34_D686_FA87_DFAE)

    /// Section 2.1.
    private let request = octets(
        """
        00010058 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74 00240004 6e0001ff
        80290008 932ff9b151263b36 00060009 6576746a3a68367659202020 00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
        80280004 e57a3bcf
        """)
    /// Section 2.2.
    private let ipv4Response = octets(
        """
        0101003c 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220 00200008 0001a147e112a643
        00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7 80280004 c07d4c96
        """)
    /// Section 2.3.
    private let ipv6Response = octets(
        """
        01010048 2112a442 b7e7a701bc34d686fa87dfae 8022000b 7465737420766563746f7220 00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
        00080014 a382954e4be67bf11784c97c8292c275bfe3ed41 80280004 c8fb0b4c
        """)

    @Test func theRequestIsRead() throws {
        guard case .request(let check) = try request.withUnsafeBytes({ octets throws(STUNDefect) in try codec.read(octets) }) else {
            Issue.record("no request")
            return
        }
        #expect(check.transaction == transaction)
        #expect(check.priority == 0x6E00_01FF)
        #expect(check.role == .controlled(tieBreaker: 0x932F_F9B1_5126_3B36))
        #expect(check.username.map { String(decoding: request[$0], as: UTF8.self) } == "evtj:h6vY")
        #expect(check.hasIntegrity && !check.usesCandidate && check.nomination == nil && check.unknownAttributes.isEmpty)
    }

    @Test func theResponsesAreRead() throws {
        let ipv4 = STUNAddress(ipv4: 0xC000_0201, port: 32853)
        let ipv6 = STUNAddress(high: 0x2001_0DB8_1234_5678, low: 0x0011_2233_4455_6677, port: 32853)
        for (response, address) in [(ipv4Response, ipv4), (ipv6Response, ipv6)] {
            let message = try response.withUnsafeBytes { octets throws(STUNDefect) in try codec.read(octets) }
            #expect(message == .success(transaction, mapped: address))
        }
    }

    @Test func integrityFitsThePasswordAndNoOther() {
        for message in [request, ipv4Response, ipv6Response] {
            #expect(isAuthentic(message, password))
            #expect(!isAuthentic(message, password.dropLast() + [0x75]))
            #expect(!isAuthentic(message, Array(password.dropLast())))
            #expect(!isAuthentic(message, []))
        }
    }

    /// Whatever single octet is changed, the message is refused: by its form, its FINGERPRINT or its MESSAGE-INTEGRITY. The type of FINGERPRINT
    /// apart: then it is an attribute behind MESSAGE-INTEGRITY that is ignored.
    @Test func everyOctetCounts() {
        for message in [request, ipv4Response, ipv6Response] {
            let fingerprintType = (message.count - 8)..<(message.count - 6)
            for index in message.indices where !fingerprintType.contains(index) {
                var changed = message
                changed[index] ^= 0x01
                let isRead = (try? changed.withUnsafeBytes { octets throws(STUNDefect) in try codec.read(octets) }) != nil
                #expect(!isRead || !isAuthentic(changed, password), "octet \(index)")
            }
        }
    }

    private func isAuthentic(_ message: [UInt8], _ key: [UInt8]) -> Bool {
        message.withUnsafeBytes { message in key.withUnsafeBytes { codec.isAuthentic(message, key: $0) } }
    }
}
