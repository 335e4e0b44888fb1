import Bridge
import BridgeModel
import Testing

@Suite struct DeliveryURLTests {
    private let strict = AddressRules()

    private func parse(_ text: String, _ rules: AddressRules = AddressRules()) throws(BridgeError) -> DeliveryURL {
        try DeliveryURL(parsing: Redacted(text), rules: rules)
    }

    @Test(arguments: [
        ("https://a.example", "https://a.example", "/"),
        ("https://a.example/", "https://a.example", "/"),
        ("HTTPS://A.Example:443/X?y=Z", "https://a.example", "/X?y=Z"),
        ("https://a.example?x", "https://a.example", "/?x"),
        ("https://a.example#top", "https://a.example", "/"),
        ("https://a.example/p#frag/../q", "https://a.example", "/p"),
        ("https://a.example:80/", "https://a.example:80", "/"),
        ("https://a.example:1024/", "https://a.example:1024", "/"),
        ("https://a.example:65535/", "https://a.example:65535", "/"),
        ("https://1.2.3.4/x", "https://1.2.3.4", "/x"),
        ("https://[2606:4700::1]:8443/x", "https://[2606:4700:0:0:0:0:0:1]:8443", "/x"),
        ("https://a_b-c.example/k?X-Amz-Signature=a%2Fb+c%3D&p=1;2", "https://a_b-c.example", "/k?X-Amz-Signature=a%2Fb+c%3D&p=1;2"),
        ("https://a.example/%2e%2e/../x//y", "https://a.example", "/%2e%2e/../x//y"),
        ("https://a.example/user@host:80/", "https://a.example", "/user@host:80/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example", "/"),
        ("https://localhost/", "https://localhost", "/"), ("https://1a.2b/", "https://1a.2b", "/"),
        ("https://0xg.example", "https://0xg.example", "/"),
        ("https://1.example", "https://1.example", "/"),
    ])
    func absoluteURLsAreTakenApart(text: String, origin: String, target: String) throws {
        let url = try parse(text)
        #expect(url.origin == origin)
        #expect(url.target.revealed == target)
        #expect(url.text.revealed == origin + target)
    }

    @Test(arguments: [
        "", "a", "/path", "//a.example/", "a.example", "https:", "https:/", "https://", "https:///x", "https:a.example", "ftp://x",
        "file:///etc/passwd",
        "javascript://a.example/", "gopher://a.example/", "http://a.example/", "HTTP://a.example/", "https+unix://a/", "unix:/x",
        " https://a.example/",
        "https://a.example/ ", "https://a.example/a b", "https://a.example/\u{0}", "https://a.example/\r\nX: y",
        "https://a.example\\@b.example/",
        "https://a.example/\\b", "https://bücher.example/", "https://a.example/ü", "https://a.example/<x>", "https://user@a.example/",
        "https://user:pass@a.example/", "https://@a.example/", "https://a.example@b.example", "https://a.example:@b.example/",
        "https://a.example:/",
        "https://a.example:0/", "https://a.example:22/", "https://a.example:25/", "https://a.example:81/", "https://a.example:444/",
        "https://a.example:1023/", "https://a.example:65536/", "https://a.example:99999/", "https://a.example:-1/",
        "https://a.example:+80/",
        "https://a.example:080000/", "https://a.example:80:80/", "https://a.example:http/", "https://.example/", "https://a..example/",
        "https://a.example./",
        "https://-a.example/", "https://a-.example/", "https://a%2eexample/", "https://a,b.example/", "https://a!b/", "https://*.example/",
        "https://[::1/", "https://::1/", "https://[]/", "https://[1.2.3.4]/", "https://[::1]x/", "https://[::1]:/",
        "https://[fe80::1%25eth0]/",
        "https://[v1.x]/", "https://a]/", "https://[[::1]]/",
        // Whatever getaddrinfo(3) reads as a number but is not a plain dotted quad.
        "https://2130706433/", "https://0x7f000001/", "https://0X7F000001/", "https://017700000001/", "https://127.1/", "https://127.0.1/",
        "https://0x7f.1/", "https://0177.0.0.1/", "https://127.0.0.01/", "https://127.0.0.0x1/", "https://0x7f.0x0.0x0.0x1/",
        "https://00000177.1/",
        "https://0/", "https://0x/", "https://1.2.3.4.5/", "https://256.256.256.256/", "https://a.example.1/", "https://foo.0x1/",
        "https://127.0.0.1./", "https://4294967295/", "https://10.1.2/",
        "https://" + String(repeating: "a", count: 64) + ".example/", "https://" + String(repeating: "a.", count: 127) + "aa/",
        "https://a.example/" + String(repeating: "x", count: 2031),
    ])
    func anythingElseIsRefused(text: String) {
        #expect(throws: BridgeError.self) { try parse(text) }
        do { _ = try parse(text) } catch { #expect(error.code == .invalidURL) }
    }

    @Test func theLongestURLIsAccepted() throws {
        #expect(try parse("https://a.example/" + String(repeating: "x", count: 2030)).text.revealed.utf8.count == 2048)
    }

    @Test func plainHTTPNeedsTheOperator() throws {
        let url = try parse("http://a.example/x", AddressRules(allowPrivate: true))
        #expect(url.scheme == .http)
        #expect(url.port == 80)
    }

    @Test func literalsCarryTheirAddress() throws {
        #expect(try parse("https://127.0.0.1/").address == .v4(0x7F00_0001))
        #expect(try parse("https://[::1]/").address == .v6(1))
        #expect(try parse("https://a.example/").address == nil)
    }

    @Test(arguments: [
        ("https://b.example/z", "https://b.example/z"), ("//b.example:8443/z", "https://b.example:8443/z"),
        ("/z?q", "https://a.example:8443/z?q"), ("?q", "https://a.example:8443/x/y?q"), ("/", "https://a.example:8443/"),
    ])
    func redirectsAreResolved(location: String, expected: String) throws {
        let url = try parse("https://a.example:8443/x/y?k=v")
        #expect(try url.redirected(to: Redacted(location), rules: strict).text.revealed == expected)
    }

    @Test(arguments: [
        "", "y", "../z", "http://b.example/", "https://b.example:22/", "//u@b.example/", "file:///etc/passwd", "#x", "https://0x7f.1/",
    ])
    func otherRedirectsAreRefused(location: String) throws {
        let url = try parse("https://a.example/x/y")
        #expect(throws: BridgeError.self) { try url.redirected(to: Redacted(location), rules: strict) }
    }

    @Test func neitherErrorsNorDescriptionsShowTheURL() throws {
        let url = try parse("https://a.example/secret-path?sig=secret")
        #expect(!"\(url)".contains("secret"))
        do { _ = try parse("https://secret@a.example/") } catch { #expect(!error.message.contains("secret")) }
    }
}
