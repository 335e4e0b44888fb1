import Signaling
import Testing

@Suite struct DestinationURLTests {
    @Test(arguments: [
        "https://h.example", "https://h.example/", "https://h.example/a/b?x=%20y#f", "HTTPS://H.EXAMPLE:443/", "https://h.example:80/",
        "https://h.example:1024", "https://h.example:65535?q", "https://192.0.2.1:8443/x", "https://[2001:db8::1]/", "https://[::1]:8443/k",
        "https://a_b.h-1.example./k", "https://localhost/x", "https://h.example/@x",
    ])
    func goodURLs(text: String) { #expect(DestinationURLRule().fault(in: text) == nil) }

    @Test(arguments: [
        "", "https", "https:", "https://", "https:///x", "/x", "//h.example", "ftp://x", "file:///etc/passwd", "http://h.example",
        "javascript:alert(1)", "https:/h.example", "https://u@h.example", "https://u:p@h.example/", "https://h.example:",
        "https://h.example:x",
        "https://h.example:+443", "https://h.example:-1", "https://h.example:65536", "https://h.example:22", "https://h.example:0",
        "https://h.example:99999999999999999999", "https://h example", "https://h.example/a b", "https://h.example/\u{0}",
        "https://h.example/\r\nHost: x", "https://h.exämple/", "https://h..example/", "https://.example/", "https://%68.example/",
        "https://[::1", "https://[]", "https://[::1]x", "https://[fe80::1%25eth0]/", "https://h.example\\@evil.example/", "https://?x",
        "https://#",
        "https://h.example/<x>", "https://:443/", " https://h.example",
    ])
    func badURLs(text: String) { #expect(DestinationURLRule().fault(in: text) != nil) }

    @Test func theLengthIsCountedInBytes() {
        let stem = "https://h.example/"
        #expect(DestinationURLRule().fault(in: stem + String(repeating: "a", count: 2048 - stem.utf8.count)) == nil)
        #expect(DestinationURLRule().fault(in: stem + String(repeating: "a", count: 2049 - stem.utf8.count)) != nil)
    }

    @Test func plainHTTPOnlyWhereItIsAllowed() {
        #expect(DestinationURLRule(allowsPlainHTTP: true).fault(in: "http://127.0.0.1:9000/x") == nil)
        #expect(DestinationURLRule(allowsPlainHTTP: true).fault(in: "ftp://127.0.0.1:9000/x") != nil)
    }
}
