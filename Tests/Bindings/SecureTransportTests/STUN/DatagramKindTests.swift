import Testing

@testable import SecureTransport

struct DatagramKindTests {
    /// RFC 7983 section 7, all first octets.
    @Test func theFirstOctetDecides() {
        for first in UInt8.min...UInt8.max {
            let expected: DatagramKind =
                switch first {
                case 0...3: .stun
                case 20...63: .dtls
                case 128...191: .rtp
                default: .other
                }
            #expect(kind([first, 96]) == expected, "\(first)")
        }
    }

    /// RFC 5761 section 4: 192...223 are RTCP, whatever else in the second octet is RTP.
    @Test func theSecondOctetTellsRTCPFromRTP() {
        for second in UInt8.min...UInt8.max { #expect(kind([0x80, second]) == ((192...223).contains(second) ? .rtcp : .rtp), "\(second)") }
    }

    @Test func tooShortIsOther() {
        #expect(kind([]) == .other)
        #expect(kind([0x80]) == .other)
        #expect(kind([0x00]) == .stun)
    }

    private func kind(_ octets: [UInt8]) -> DatagramKind { octets.withUnsafeBytes { DatagramKind(of: $0) } }
}
