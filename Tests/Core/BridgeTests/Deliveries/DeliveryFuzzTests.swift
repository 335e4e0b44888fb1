import Bridge
import BridgeModel
import Foundation
import Testing

/// Random and mutated input against oracles that are not ours.
@Suite struct DeliveryFuzzTests {
    private static let seeds = [
        "127.0.0.1", "255.255.255.255", "0.0.0.0", "::1", "fe80::1", "::ffff:127.0.0.1", "64:ff9b::10.0.0.1", "2001:db8:1:2:3:4:5:6",
        "1:2::7:8",
        "https://a.example/path?q=1#f", "https://[::1]:8443/x", "http://1.2.3.4:80/", "//b.example/x", "/x?y", "https://xn--a.example",
        "Sun, 06 Nov 1994 08:49:37 GMT", "120",
    ]
    private static let alphabet = Array("0123456789abcdefxABCDEFX.:[]/?#@%-_\\ \0é,")

    private func mutant(_ generator: inout SeededGenerator) -> String {
        var text = Array(Self.seeds.randomElement(using: &generator) ?? "")
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            let place = Int.random(in: 0...text.count, using: &generator)
            switch Int.random(in: 0..<3, using: &generator) {
            case 0: text.insert(Self.alphabet.randomElement(using: &generator) ?? "0", at: place)
            case 1 where place < text.count: text.remove(at: place)
            case 2 where place < text.count: text[place] = Self.alphabet.randomElement(using: &generator) ?? "0"
            default: text += text.prefix(place)
            }
        }
        return String(text)
    }

    /// inet_pton(3), as bytes.
    private func systemAddress(_ text: String) -> IPAddress? {
        guard !text.utf8.contains(0) else { return nil }
        for (family, length) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: length)
            if inet_pton(family, text, &bytes) == 1 { return IPAddress(networkBytes: bytes) }
        }
        return nil
    }

    @Test(arguments: 0..<UInt64(8))
    func addressesAreReadAsTheSystemReadsThem(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<5000 {
            let text = mutant(&generator)
            #expect(IPAddress(parsing: text) == systemAddress(text), "\(text.debugDescription)")
        }
    }

    /// What the system reads as an address in any of its forms must have been read as that address, or refused.
    @Test(arguments: 0..<UInt64(8))
    func noAcceptedHostIsAHiddenAddress(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var accepted = 0
        for _ in 0..<5000 {
            let text = Bool.random(using: &generator) ? mutant(&generator) : "https://\(mutant(&generator))/"
            guard let url = try? DeliveryURL(parsing: Redacted(text), rules: AddressRules(allowPrivate: true)) else { continue }
            accepted += 1
            var hidden = in_addr()
            if inet_aton(url.host, &hidden) == 1 {
                #expect(url.address == withUnsafeBytes(of: &hidden) { IPAddress(networkBytes: $0) }, "\(text.debugDescription)")
            }
            // Read again, it is the same: no second reading of our own text differs.
            let again = try? DeliveryURL(parsing: url.text, rules: AddressRules(allowPrivate: true))
            #expect(again == url, "\(text.debugDescription)")
        }
        #expect(accepted > 100)
    }

    @Test func nothingTraps() {
        var generator = SeededGenerator(seed: 99)
        let base = AddressRules(allowPrivate: true)
        guard let url = try? DeliveryURL(parsing: Redacted("https://a.example/x"), rules: base) else {
            Issue.record("the base URL is refused")
            return
        }
        for _ in 0..<20_000 {
            let text = mutant(&generator)
            _ = RetryAfter.parse(text, now: WallTime(nanoseconds: 0))
            _ = try? url.redirected(to: Redacted(text), rules: base)
        }
    }
}
