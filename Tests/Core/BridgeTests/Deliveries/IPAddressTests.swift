import Bridge
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("0.0.0.0", IPAddress.v4(0)), ("127.0.0.1", .v4(0x7F00_0001)), ("255.255.255.255", .v4(.max)), ("1.2.3.4", .v4(0x0102_0304)),
        ("::", .v6(0)), ("::1", .v6(1)), ("1::", .v6(1 << 112)), ("::ffff:127.0.0.1", .v6(0xFFFF_7F00_0001)),
        ("2001:db8::8:800:200c:417a", .v6(0x2001_0DB8_0000_0000_0008_0800_200C_417A)),
        ("2001:DB8:0:0:8:800:200C:417A", .v6(0x2001_0DB8_0000_0000_0008_0800_200C_417A)),
        ("1:2:3:4:5:6:7::", .v6(0x0001_0002_0003_0004_0005_0006_0007_0000)),
        ("::2:3:4:5:6:7:8", .v6(0x0000_0002_0003_0004_0005_0006_0007_0008)),
        ("64:ff9b::10.0.0.1", .v6(0x0064_FF9B_0000_0000_0000_0000_0A00_0001)),
        ("1:2:3:4:5:6:1.2.3.4", .v6(0x0001_0002_0003_0004_0005_0006_0102_0304)),
    ])
    func literalsAreRead(text: String, expected: IPAddress) {
        #expect(IPAddress(parsing: text) == expected)
    }

    @Test(arguments: [
        "", ".", "1", "1.2", "1.2.3", "1.2.3.", ".1.2.3", "1.2.3.4.", "1.2.3.4.5", "1..3.4", "256.0.0.1", "1.2.3.256", "01.2.3.4",
        "1.2.3.04",
        "0x7f.0.0.1", "0177.0.0.1", "2130706433", "0x7f000001", "1.2.3.4 ", " 1.2.3.4", "1.2.3.-4", "1.2.3.+4", "١.٢.٣.٤", "1.2.3.1000",
        ":", ":::",
        "1", "1:", ":1", "1:2", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3", "12345::", "g::",
        "::g",
        "fe80::1%eth0", "fe80::1%25eth0", "[::1]", "::1 ", "::ffff:1.2.3", "::ffff:256.1.1.1", "::1.2.3.4:5", "1.2.3.4::", "::+1", "-1::",
        "1:2:3:4:5:6:7:1.2.3.4", "0000:0000:0000:0000:0000:0000:0000:00000001", "::ffff:1.2.3.4.5", "1:2:3:4:5:6:7:",
        String(repeating: "1:", count: 5000), String(repeating: ":", count: 100_000),
    ])
    func anythingElseIsRefused(text: String) {
        #expect(IPAddress(parsing: text) == nil)
    }

    @Test(arguments: ["0.0.0.0", "10.200.3.4", "255.255.255.255", "::", "::1", "2001:db8::ff00:42:8329", "::ffff:1.2.3.4", "ffff::"])
    func textIsReadBack(text: String) throws {
        let address = try #require(IPAddress(parsing: text))
        #expect(IPAddress(parsing: address.text) == address)
    }

    @Test func bytesAreReadInNetworkOrder() {
        #expect(IPAddress(networkBytes: [127, 0, 0, 1]) == .v4(0x7F00_0001))
        #expect(IPAddress(networkBytes: [UInt8](repeating: 0, count: 15) + [1]) == .v6(1))
        for count in [0, 3, 5, 15, 17] { #expect(IPAddress(networkBytes: [UInt8](repeating: 0, count: count)) == nil) }
    }
}
