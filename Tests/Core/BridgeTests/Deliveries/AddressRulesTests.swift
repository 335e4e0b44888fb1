import Bridge
import Testing

@Suite struct AddressRulesTests {
    private static let refused: [(AddressRefusal, [String])] = [
        (
            .unspecified,
            ["0.0.0.0", "0.0.0.1", "0.1.2.3", "0.255.255.255", "::", "::ffff:0.0.0.0", "64:ff9b::0.0.0.0", "2002:0000:0001::1"]
        ),
        (
            .loopback,
            [
                "127.0.0.0", "127.0.0.1", "127.0.1.1", "127.1.2.3", "127.255.255.255", "::1", "::ffff:127.0.0.1", "::ffff:7f00:1",
                "::127.0.0.1",
                "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:7f00:0001::1", "2001:0:7f00:1::",
                "2001:0:0808:0808:0:0:80ff:fffe",
            ]
        ),
        (
            .privateUse,
            [
                "10.0.0.0", "10.0.0.1", "10.1.2.3", "10.255.255.255", "172.16.0.0", "172.16.0.1", "172.20.10.5", "172.31.255.255",
                "192.168.0.0", "192.168.0.1", "192.168.1.1", "192.168.255.255", "::ffff:10.0.0.1", "::ffff:172.16.5.4",
                "::ffff:192.168.0.1", "::ffff:c0a8:1", "::10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::192.168.1.1", "2002:0a00:0001::",
                "2002:c0a8:0101::1",
                "2002:ac10:1::", "2001:0:0a00:1::", "2001:0:0808:0808::f5ff:fffe", "2001:0:808:808:0:0:3f57:fefe",
            ]
        ),
        (
            .linkLocal,
            [
                "169.254.0.0", "169.254.0.1", "169.254.169.254", "169.254.170.2", "169.254.255.255", "fe80::", "fe80::1", "fe80::a9fe:a9fe",
                "fe90::1", "febf:ffff::1", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::169.254.169.254", "64:ff9b::169.254.169.254",
                "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::",
                "2001:0:808:808:0:0:5601:5601",
            ]
        ),
        (
            .sharedSpace,
            ["100.64.0.0", "100.64.0.1", "100.100.100.200", "100.127.255.255", "::ffff:100.64.0.1", "64:ff9b::100.64.0.1", "2002:6440:1::"]
        ),
        (
            .multicast,
            [
                "224.0.0.0", "224.0.0.1", "224.0.0.251", "239.255.255.250", "239.255.255.255", "ff00::", "ff01::1", "ff02::1", "ff02::fb",
                "ff05::2", "ffff:ffff::", "::ffff:224.0.0.1", "64:ff9b::224.0.0.1", "2002:e000:1::",
            ]
        ),
        (
            .documentation,
            [
                "192.0.2.0", "192.0.2.1", "192.0.2.255", "198.51.100.0", "198.51.100.7", "198.51.100.255", "203.0.113.0", "203.0.113.9",
                "203.0.113.255", "2001:db8::", "2001:db8::1", "2001:db8:ffff::1", "3fff::", "3fff:0fff::1", "::ffff:192.0.2.1",
                "64:ff9b::203.0.113.9", "2002:c000:0201::",
            ]
        ),
        (.benchmarking, ["198.18.0.0", "198.18.0.1", "198.19.255.255", "2001:2::", "2001:2::1", "::ffff:198.18.0.1"]),
        (.broadcast, ["255.255.255.255", "::ffff:255.255.255.255", "64:ff9b::255.255.255.255"]),
        (
            .reserved,
            [
                "192.0.0.0", "192.0.0.1", "192.0.0.170", "192.0.0.255", "192.88.99.1", "240.0.0.0", "240.0.0.1", "250.1.2.3",
                "255.255.255.254",
                "::ffff:240.0.0.1", "2001:10::1", "2001:1f::1", "2001:20::1", "2001:2f:ffff::1", "4000::", "5f00::1", "8000::1", "1fff::1",
                "e000::1",
                "f000::1", "0:1::", "64:ff9b:0:1::1", "64:ff9b:2::1", "::1:0:0:0",
            ]
        ),
        (.uniqueLocal, ["fc00::", "fc00::1", "fd00::1", "fd00:ec2::253", "fdff:ffff::1"]),
        (.metadata, ["168.63.129.16", "fd00:ec2::254", "fd20:ce::254", "::ffff:168.63.129.16", "64:ff9b::168.63.129.16"]),
        (.siteLocal, ["fec0::", "fec0::1", "feff::1"]),
        (.discardOnly, ["100::", "100::1", "100:0:0:1::1"]),
        (.translation, ["64:ff9b:1::", "64:ff9b:1::10.0.0.1", "64:ff9b:1:ffff::1"]),
    ]

    private static let allowed = [
        "168.63.129.15", "168.63.129.17",
        "1.0.0.1", "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1",
        "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.88.98.1", "192.88.100.1",
        "192.167.255.255",
        "192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255",
        "2000::",
        "2001:4860:4860::8888", "2606:4700:4700::1111", "2001:db7::1", "2001:db9::1", "2001:3::1", "2001:30::1", "2a00:1450:4001::200e",
        "3ffe:ffff::1",
        "3fff:1000::1", "2003::1", "::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b::1.1.1.1", "2002:0808:0808::1",
        "2001:0:0808:0808::f7f7:f7f7",
    ]

    @Test(arguments: refused.flatMap { refusal, texts in texts.map { (refusal, $0) } })
    func specialAddressesAreRefused(refusal: AddressRefusal, text: String) throws {
        let address = try #require(IPAddress(parsing: text))
        #expect(AddressRules().refusal(of: address, host: "camera.example") == refusal)
        let isPrivate = [.loopback, .privateUse, .uniqueLocal].contains(refusal)
        #expect(AddressRules(allowPrivate: true).refusal(of: address, host: "camera.example") == (isPrivate ? nil : refusal))
        #expect(AddressRules(allow: [text]).refusal(of: address, host: "camera.example") == nil)
    }

    @Test(arguments: allowed)
    func publicUnicastIsAllowed(text: String) throws {
        let address = try #require(IPAddress(parsing: text))
        #expect(AddressRules().refusal(of: address, host: "camera.example") == nil)
    }

    @Test func theTableIsLargeAndCoversEveryRefusal() {
        let rows = Self.refused.map(\.1.count).reduce(0, +) + Self.allowed.count
        #expect(rows >= 150, "\(rows) rows")
        #expect(Set(Self.refused.map(\.0)) == Set(AddressRefusal.allCases))
    }

    @Test func oneRefusedAddressRefusesTheName() {
        let mixed = [IPAddress.v4(0x0808_0808), .v4(0x7F00_0001)]
        #expect(AddressRules().refusal(of: mixed, host: "rebind.example") == .loopback)
        #expect(AddressRules().refusal(of: Array(mixed.prefix(1)), host: "rebind.example") == nil)
    }

    @Test func exemptionsCoverTheirNameOrAddressOnly() {
        let rules = AddressRules(allow: ["Hooks.Internal", "10.0.0.7", "fd00::7"])
        let inside = IPAddress.v4(0x0A00_0007)
        let other = IPAddress.v4(0x0A00_0008)
        #expect(rules.refusal(of: other, host: "hooks.internal") == nil)
        #expect(rules.refusal(of: other, host: "evil.hooks.internal") == .privateUse)
        #expect(rules.refusal(of: inside, host: "anything.example") == nil)
        #expect(rules.refusal(of: other, host: "10.0.0.7") == .privateUse)
        #expect(rules.refusal(of: .v6(0xFD00 << 112 | 7), host: "x.example") == nil)
        #expect(!rules.allowsPrivate)
    }
}
