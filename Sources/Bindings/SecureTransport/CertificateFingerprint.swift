/// A certificate's digest as `a=fingerprint` writes it (RFC 8122 section 5).
package struct CertificateFingerprint: Sendable, Equatable {
    /// Lower-case hash name, `sha-256`.
    package let algorithm: String
    /// The digest as upper-case hex pairs with colons, `AB:CD:…`.
    package let value: String

    init(algorithm: String, digest: [UInt8]) {
        self.algorithm = algorithm
        self.value = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: ":")
    }

    /// From the two words of an SDP's `a=fingerprint`, in either case; nil when `value` is not hex pairs with colons between them.
    /// The hash may be one that we do not know.
    package init?(algorithm: String, value: String) {
        guard let digest = Self.octets(value.utf8) else { return nil }
        self.init(algorithm: algorithm.lowercased(), digest: digest)
    }

    /// The digest itself.
    var digest: [UInt8] { Self.octets(value.utf8) ?? [] }

    private static func octets(_ text: String.UTF8View) -> [UInt8]? {
        var octets: [UInt8] = []
        for pair in text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
            guard pair.count == 2, let text = String(pair), pair.allSatisfy(isHexDigit), let octet = UInt8(text, radix: 16) else {
                return nil
            }
            octets.append(octet)
        }
        return octets
    }

    /// `UInt8(_:radix:)` would take a sign too.
    private static func isHexDigit(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): true
        default: false
        }
    }
}
