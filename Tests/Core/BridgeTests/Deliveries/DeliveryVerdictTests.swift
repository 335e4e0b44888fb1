import Bridge
import BridgeModel
import Testing

/// What becomes of a URL that somebody else chose, from its text to the addresses that would be connected: one table of shapes by which others
/// were led into their own networks.
@Suite struct DeliveryVerdictTests {
    enum Verdict: Equatable {
        /// Not of the grammar: nothing is looked up.
        case refusedShape
        /// An address that is not connected to.
        case refusedAddress(AddressRefusal)
        case allowed
    }

    /// What an attacker's DNS may answer.
    private static let names: [String: [String]] = [
        "hooks.example": ["93.184.216.34"], "six.example": ["2606:4700::1111"], "both.example": ["93.184.216.34", "2606:4700::1111"],
        "localhost": ["127.0.0.1", "::1"], "loop.example": ["127.0.0.1"], "sub.loop.example": ["127.8.9.10"], "loop6.example": ["::1"],
        "private.example": ["10.1.2.3"], "mixed.example": ["93.184.216.34", "192.168.1.1"],
        "mixed6.example": ["2606:4700::1111", "fd00::1"],
        "metadata.example": ["169.254.169.254"], "metadata.google.internal": ["169.254.169.254"], "mapped.example": ["::ffff:10.0.0.1"],
        "nat64.example": ["64:ff9b::a9fe:a9fe"], "zero.example": ["0.0.0.0"], "cgnat.example": ["100.64.0.1"],
        "10.0.0.1.nip.example": ["10.0.0.1"], "xn--bcher-kva.example": ["93.184.216.34"], "xn--lcalhost-54a.example": ["127.0.0.1"],
        "linklocal.example": ["fe80::1"], "teredo.example": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"], "multicast.example": ["239.1.1.1"],
    ]

    private static func verdict(on text: String, _ rules: AddressRules = AddressRules()) -> Verdict {
        guard let url = try? DeliveryURL(parsing: Redacted(text), rules: rules) else { return .refusedShape }
        let addresses = url.address.map { [$0] } ?? (names[url.host] ?? []).compactMap(IPAddress.init(parsing:))
        #expect(!addresses.isEmpty, "the table has no address of \(url.host)")
        return rules.refusal(of: addresses, host: url.host).map(Verdict.refusedAddress) ?? .allowed
    }

    private static let table: [(String, Verdict)] = [
        // What is meant to work.
        ("https://hooks.example/", .allowed), ("https://hooks.example", .allowed), ("https://HOOKS.EXAMPLE/x?y#z", .allowed),
        ("https://hooks.example:443/", .allowed), ("https://hooks.example:8443/", .allowed), ("https://six.example/", .allowed),
        ("https://both.example/", .allowed), ("https://93.184.216.34/", .allowed), ("https://[2606:4700::1111]/", .allowed),
        ("https://[2606:4700:0:0:0:0:0:1111]:8443/", .allowed), ("https://xn--bcher-kva.example/", .allowed),
        ("https://[::ffff:93.184.216.34]/", .allowed), ("https://[64:ff9b::93.184.216.34]/", .allowed),
        ("https://hooks.example/?next=http://127.0.0.1/", .allowed), ("https://hooks.example/@127.0.0.1/", .allowed),
        ("https://hooks.example/%00", .allowed), ("https://hooks.example/..;/", .allowed),
        // Plain addresses of one's own.
        ("https://127.0.0.1/", .refusedAddress(.loopback)), ("https://127.0.0.1:8080/", .refusedAddress(.loopback)),
        ("https://127.255.255.254/", .refusedAddress(.loopback)), ("https://0.0.0.0/", .refusedAddress(.unspecified)),
        ("https://0.1.2.3/", .refusedAddress(.unspecified)), ("https://10.0.0.1/", .refusedAddress(.privateUse)),
        ("https://10.255.255.255/", .refusedAddress(.privateUse)), ("https://172.16.0.1/", .refusedAddress(.privateUse)),
        ("https://172.31.255.255/", .refusedAddress(.privateUse)), ("https://172.32.0.1/", .allowed), ("https://172.15.255.255/", .allowed),
        ("https://192.168.0.1/", .refusedAddress(.privateUse)), ("https://192.169.0.1/", .allowed),
        ("https://169.254.169.254/latest/meta-data/", .refusedAddress(.linkLocal)), ("https://169.254.0.1/", .refusedAddress(.linkLocal)),
        ("https://168.63.129.16/", .refusedAddress(.metadata)), ("https://100.64.0.1/", .refusedAddress(.sharedSpace)),
        ("https://100.127.255.255/", .refusedAddress(.sharedSpace)), ("https://100.128.0.1/", .allowed),
        ("https://192.0.0.1/", .refusedAddress(.reserved)), ("https://192.0.2.1/", .refusedAddress(.documentation)),
        ("https://198.18.0.1/", .refusedAddress(.benchmarking)), ("https://198.51.100.1/", .refusedAddress(.documentation)),
        ("https://203.0.113.1/", .refusedAddress(.documentation)), ("https://192.88.99.1/", .refusedAddress(.reserved)),
        ("https://224.0.0.1/", .refusedAddress(.multicast)), ("https://239.255.255.255/", .refusedAddress(.multicast)),
        ("https://240.0.0.1/", .refusedAddress(.reserved)), ("https://255.255.255.255/", .refusedAddress(.broadcast)),
        // IPv6, in all its writings.
        ("https://[::1]/", .refusedAddress(.loopback)), ("https://[0:0:0:0:0:0:0:1]/", .refusedAddress(.loopback)),
        ("https://[0000:0000:0000:0000:0000:0000:0000:0001]/", .refusedAddress(.loopback)),
        ("https://[::0001]/", .refusedAddress(.loopback)),
        ("https://[0::1]/", .refusedAddress(.loopback)), ("https://[::]/", .refusedAddress(.unspecified)),
        ("https://[0::0]/", .refusedAddress(.unspecified)), ("https://[fe80::1]/", .refusedAddress(.linkLocal)),
        ("https://[FEBF::1]/", .refusedAddress(.linkLocal)), ("https://[fec0::1]/", .refusedAddress(.siteLocal)),
        ("https://[fc00::1]/", .refusedAddress(.uniqueLocal)), ("https://[fdff:ffff::1]/", .refusedAddress(.uniqueLocal)),
        ("https://[fd00:ec2::254]/", .refusedAddress(.metadata)), ("https://[fd20:ce::254]/", .refusedAddress(.metadata)),
        ("https://[ff02::1]/", .refusedAddress(.multicast)), ("https://[100::1]/", .refusedAddress(.discardOnly)),
        ("https://[2001:db8::1]/", .refusedAddress(.documentation)), ("https://[3fff::1]/", .refusedAddress(.documentation)),
        ("https://[2001:2::1]/", .refusedAddress(.benchmarking)), ("https://[2001:10::1]/", .refusedAddress(.reserved)),
        ("https://[4000::1]/", .refusedAddress(.reserved)), ("https://[1::1]/", .refusedAddress(.reserved)),
        // IPv4 inside IPv6.
        ("https://[::ffff:127.0.0.1]/", .refusedAddress(.loopback)), ("https://[::ffff:7f00:1]/", .refusedAddress(.loopback)),
        ("https://[::FFFF:7F00:0001]/", .refusedAddress(.loopback)), ("https://[0:0:0:0:0:ffff:127.0.0.1]/", .refusedAddress(.loopback)),
        ("https://[::ffff:10.0.0.1]/", .refusedAddress(.privateUse)), ("https://[::ffff:169.254.169.254]/", .refusedAddress(.linkLocal)),
        ("https://[::ffff:0:127.0.0.1]/", .refusedAddress(.loopback)), ("https://[::127.0.0.1]/", .refusedAddress(.loopback)),
        ("https://[::7f00:1]/", .refusedAddress(.loopback)), ("https://[::a9fe:a9fe]/", .refusedAddress(.linkLocal)),
        ("https://[64:ff9b::127.0.0.1]/", .refusedAddress(.loopback)), ("https://[64:ff9b::a00:1]/", .refusedAddress(.privateUse)),
        ("https://[64:ff9b::169.254.169.254]/", .refusedAddress(.linkLocal)), ("https://[64:ff9b:1::1]/", .refusedAddress(.translation)),
        ("https://[2002:7f00:1::]/", .refusedAddress(.loopback)), ("https://[2002:a00:1::1]/", .refusedAddress(.privateUse)),
        ("https://[2002:a9fe:a9fe::]/", .refusedAddress(.linkLocal)), ("https://[2002:5db8:d822::]/", .allowed),
        ("https://[2001:0:7f00:1::]/", .refusedAddress(.loopback)),
        ("https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/", .refusedAddress(.loopback)),
        // Numbers that other parsers read as addresses.
        ("https://2130706433/", .refusedShape), ("https://3232235521/", .refusedShape), ("https://4294967295/", .refusedShape),
        ("https://0/", .refusedShape), ("https://1/", .refusedShape), ("https://0x7f000001/", .refusedShape),
        ("https://0X7f.0.0.1/", .refusedShape), ("https://0x7f.0x0.0x0.0x1/", .refusedShape), ("https://0x7f.1/", .refusedShape),
        ("https://0xa9fea9fe/", .refusedShape), ("https://0x/", .refusedShape), ("https://017700000001/", .refusedShape),
        ("https://0177.0.0.1/", .refusedShape), ("https://0177.0x0.0.1/", .refusedShape), ("https://00000177.0.0.1/", .refusedShape),
        ("https://127.1/", .refusedShape), ("https://127.0.1/", .refusedShape), ("https://10.1/", .refusedShape),
        ("https://192.168.257/", .refusedShape), ("https://127.0.0.01/", .refusedShape), ("https://127.0.0.1.1/", .refusedShape),
        ("https://256.0.0.1/", .refusedShape), ("https://127.0.0.256/", .refusedShape), ("https://127..0.1/", .refusedShape),
        ("https://1.2.3.0x4/", .refusedShape), ("https://hooks.example.0x7f/", .refusedShape), ("https://hooks.127/", .refusedShape),
        // Dots at the end, which name the same host elsewhere.
        ("https://127.0.0.1./", .refusedShape), ("https://localhost./", .refusedShape), ("https://hooks.example./", .refusedShape),
        ("https://hooks.example../", .refusedShape), ("https://.hooks.example/", .refusedShape), ("https://./", .refusedShape),
        // User names, and what hides behind them.
        ("https://user@hooks.example/", .refusedShape), ("https://user:pass@hooks.example/", .refusedShape),
        ("https://hooks.example@127.0.0.1/", .refusedShape), ("https://hooks.example:443@127.0.0.1/", .refusedShape),
        ("https://127.0.0.1@hooks.example/", .refusedShape), ("https://@127.0.0.1/", .refusedShape),
        ("https://:@127.0.0.1/", .refusedShape),
        ("https://hooks.example%40127.0.0.1/", .refusedShape), ("https://a@b@127.0.0.1/", .refusedShape),
        // Backslashes, blanks and control characters, which parsers drop or turn.
        ("https:\\\\127.0.0.1/", .refusedShape), ("https:/\\127.0.0.1/", .refusedShape),
        ("https://hooks.example\\@127.0.0.1/", .refusedShape),
        ("https://127.0.0.1\\.hooks.example/", .refusedShape), ("https://hooks.example\t.evil.example/", .refusedShape),
        ("https://127.0.0.1\t/", .refusedShape), ("\thttps://127.0.0.1/", .refusedShape), ("ht\ntps://127.0.0.1/", .refusedShape),
        ("https://127.0.0.1\n/", .refusedShape), ("https://hooks.example\r\nHost: 127.0.0.1/", .refusedShape),
        ("https://hooks.example/\u{0}", .refusedShape), (" https://hooks.example/", .refusedShape),
        ("https:// hooks.example/", .refusedShape),
        ("https://hooks.example /", .refusedShape), ("https://hooks.example/a b", .refusedShape),
        // Percent signs in the host.
        ("https://%31%32%37.0.0.1/", .refusedShape), ("https://127%2e0%2e0%2e1/", .refusedShape), ("https://%6c%6fcalhost/", .refusedShape),
        ("https://hooks.example%2f@127.0.0.1/", .refusedShape), ("https://hooks.example%00.evil.example/", .refusedShape),
        // Other alphabets: full-width and circled digits, the ideographic full stop, IDN.
        ("https://１２７.０.０.１/", .refusedShape), ("https://①②⑦.⓪.⓪.①/", .refusedShape), ("https://127。0。0。1/", .refusedShape),
        ("https://bücher.example/", .refusedShape), ("https://ⓛocalhost/", .refusedShape),
        ("https://hooks.exampl\u{200B}e/", .refusedShape),
        ("https://xn--lcalhost-54a.example/", .refusedAddress(.loopback)), ("https://hooks.example/ü", .refusedShape),
        // Brackets and zones.
        ("https://[::1/", .refusedShape), ("https://::1/", .refusedShape), ("https://[127.0.0.1]/", .refusedShape),
        ("https://[fe80::1%25eth0]/", .refusedShape), ("https://[fe80::1%eth0]/", .refusedShape),
        ("https://[::1]evil.example/", .refusedShape),
        ("https://[::ffff:127.0.0.1.1]/", .refusedShape), ("https://[::1::]/", .refusedShape), ("https://[:::1]/", .refusedShape),
        ("https://[12345::1]/", .refusedShape), ("https://[v1.::1]/", .refusedShape), ("https://[::ffff:0x7f.0.0.1]/", .refusedShape),
        ("https://[::ffff:0177.0.0.1]/", .refusedShape), ("https://[]/", .refusedShape),
        // Ports.
        ("https://hooks.example:80/", .allowed), ("https://hooks.example:22/", .refusedShape), ("https://hooks.example:25/", .refusedShape),
        ("https://hooks.example:0/", .refusedShape), ("https://hooks.example:65536/", .refusedShape),
        ("https://hooks.example:4294967739/", .refusedShape), ("https://hooks.example:443443/", .refusedShape),
        ("https://hooks.example:/", .refusedShape), ("https://hooks.example:443:80/", .refusedShape),
        ("https://hooks.example:0x1bb/", .refusedShape), ("https://hooks.example:+443/", .refusedShape),
        ("https://hooks.example:４４３/", .refusedShape),
        // Schemes.
        ("http://hooks.example/", .refusedShape), ("//hooks.example/", .refusedShape), ("https:hooks.example/", .refusedShape),
        ("https:/hooks.example/", .refusedShape), ("https:///hooks.example/", .refusedShape), ("ftp://hooks.example/", .refusedShape),
        ("file:///etc/passwd", .refusedShape), ("gopher://127.0.0.1:6379/_FLUSHALL", .refusedShape), ("dict://127.0.0.1/", .refusedShape),
        ("unix:///run/docker.sock", .refusedShape), ("http+unix://%2Frun%2Fdocker.sock/", .refusedShape),
        ("jar:https://hooks.example!/", .refusedShape), ("data:text/plain,x", .refusedShape), ("javascript:alert(1)", .refusedShape),
        ("https", .refusedShape), ("", .refusedShape), ("https://", .refusedShape), ("https://?", .refusedShape),
        ("https://#", .refusedShape),
        // Names that lead home.
        ("https://localhost/", .refusedAddress(.loopback)), ("https://LOCALHOST/", .refusedAddress(.loopback)),
        ("https://loop.example/", .refusedAddress(.loopback)), ("https://sub.loop.example/", .refusedAddress(.loopback)),
        ("https://loop6.example/", .refusedAddress(.loopback)), ("https://private.example/", .refusedAddress(.privateUse)),
        ("https://mixed.example/", .refusedAddress(.privateUse)), ("https://mixed6.example/", .refusedAddress(.uniqueLocal)),
        ("https://metadata.example/", .refusedAddress(.linkLocal)), ("https://metadata.google.internal/", .refusedAddress(.linkLocal)),
        ("https://mapped.example/", .refusedAddress(.privateUse)), ("https://nat64.example/", .refusedAddress(.linkLocal)),
        ("https://zero.example/", .refusedAddress(.unspecified)), ("https://cgnat.example/", .refusedAddress(.sharedSpace)),
        ("https://10.0.0.1.nip.example/", .refusedAddress(.privateUse)), ("https://linklocal.example/", .refusedAddress(.linkLocal)),
        ("https://teredo.example/", .refusedAddress(.documentation)), ("https://multicast.example/", .refusedAddress(.multicast)),
    ]

    @Test(arguments: table) func aURLLeadsWhereItMayOrNowhere(text: String, verdict: Verdict) {
        #expect(Self.verdict(on: text) == verdict, "\(text.debugDescription)")
    }

    /// A redirect is read by the same rules as the URL that led to it; those that are none of an absolute URL, `//host`, `/path` and `?query` are refused.
    @Test(arguments: table) func aRedirectLeadsNoFurther(text: String, verdict: Verdict) throws {
        let rules = AddressRules()
        let origin = try DeliveryURL(parsing: Redacted("https://hooks.example/a"), rules: rules)
        let target = try? origin.redirected(to: Redacted(text), rules: rules)
        if text.hasPrefix("//") { return #expect(target?.host == origin.host, "relative to the origin's scheme") }
        #expect((target == nil) == (verdict == .refusedShape), "\(text.debugDescription)")
    }

    @Test func theTableHasAHundredAndFiftyShapesEachOnce() {
        #expect(Self.table.count >= 150)
        #expect(Set(Self.table.map(\.0)).count == Self.table.count)
    }

    /// The operator's exemptions open what they name, and nothing beside it.
    @Test func exemptionsOpenWhatTheyName() {
        let allowed = AddressRules(allow: ["loop.example", "10.0.0.1"])
        #expect(Self.verdict(on: "https://loop.example/", allowed) == .allowed)
        #expect(Self.verdict(on: "https://sub.loop.example/", allowed) == .refusedAddress(.loopback))
        #expect(Self.verdict(on: "https://10.0.0.1/", allowed) == .allowed)
        #expect(Self.verdict(on: "https://10.0.0.2/", allowed) == .refusedAddress(.privateUse))
        let open = AddressRules(allowPrivate: true)
        #expect(Self.verdict(on: "http://127.0.0.1/", open) == .allowed)
        for text in ["https://169.254.169.254/", "https://[fd00:ec2::254]/", "https://168.63.129.16/", "https://0.0.0.0/"] {
            #expect(Self.verdict(on: text, open) != .allowed, "metadata and the like stay closed: \(text)")
        }
    }
}
