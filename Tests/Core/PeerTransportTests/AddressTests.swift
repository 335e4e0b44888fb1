import PeerTransport
import Testing

@Suite struct AddressTests {
    private func address(_ bytes: [UInt8], port: UInt16 = 7) -> TransportAddress? {
        bytes.withUnsafeBytes { TransportAddress(networkBytes: $0, port: port) }
    }

    @Test func mappedAndPlainIPv4AreTheSame() {
        let plain = TransportAddress(ipv4: 0xC000_0201, port: 7)
        #expect(address([192, 0, 2, 1]) == plain)
        #expect(address([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1]) == plain)
        #expect(plain.ipv4 == 0xC000_0201)
        #expect(Set([plain, address([192, 0, 2, 1]) ?? plain]).count == 1)
    }

    @Test func addressesThatOnlyResembleMappedOnesAreIPv6() {
        for bytes: [UInt8] in [
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFE, 192, 0, 2, 1],  // another prefix
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1],  // IPv4-compatible (deprecated)
            [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1],
            [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1],
        ] {
            #expect(address(bytes).map(\.isIPv4) == false)
        }
    }

    @Test func otherLengthsAreNoAddress() {
        for count in [0, 1, 3, 5, 8, 15, 17, 128] { #expect(address([UInt8](repeating: 1, count: count)) == nil) }
    }

    @Test func writtenAddressesReadBack() {
        for bytes: [UInt8] in [
            [192, 0, 2, 1], [0x20, 0x01, 0x0D, 0xB8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [UInt8](repeating: 0xFF, count: 16),
        ] {
            let original = address(bytes, port: 65_535)
            var written = [UInt8](repeating: 0xAA, count: 16)
            let isWritten = written.withUnsafeMutableBytes { original?.writeIPv6(into: $0) }
            #expect(isWritten == true)
            #expect(address(written, port: 65_535) == original)
        }
        var short = [UInt8](repeating: 0xAA, count: 15)
        let isWritten = short.withUnsafeMutableBytes { TransportAddress(ipv4: 1, port: 1).writeIPv6(into: $0) }
        #expect(!isWritten)
        #expect(short == [UInt8](repeating: 0xAA, count: 15))
    }

    @Test func everyPartOfATupleTells() {
        let one = TransportAddress(ipv6: 1, 2, port: 3)
        let others = [
            TransportAddress(ipv6: 9, 2, port: 3), TransportAddress(ipv6: 1, 9, port: 3), TransportAddress(ipv6: 1, 2, port: 9),
        ]
        let base = FiveTuple(local: one, remote: one)
        var all: Set<FiveTuple> = [base, FiveTuple(local: one, remote: one, transport: .tcp)]
        for other in others { all.formUnion([FiveTuple(local: other, remote: one), FiveTuple(local: one, remote: other)]) }
        #expect(all.count == 8)
    }

    @Test func tuplesStaySmall() { #expect(MemoryLayout<FiveTuple>.stride <= 48) }
}
