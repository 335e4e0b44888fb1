/// The form that `webhook_url` and `upload_url` must have on receipt (streamrec contract, section 12). Which addresses may be reached is
/// decided at each delivery, not here.
package struct DestinationURLRule: Sendable, Equatable {
    /// Accept `http` beside `https`: only where the operator allows it.
    package var allowsPlainHTTP: Bool

    package init(allowsPlainHTTP: Bool = false) { self.allowsPlainHTTP = allowsPlainHTTP }

    /// Longest accepted URL, in bytes.
    package static let maximumBytes = 2048

    /// Why this text is refused, as the end of a sentence; nil when its form is right.
    package func fault(in text: String) -> String? {
        let bytes = text.utf8
        guard bytes.count <= Self.maximumBytes else { return "is longer than \(Self.maximumBytes) bytes" }
        // RFC 3986 section 2: a URL is printable ASCII; the brackets of an IPv6 host are seen to below.
        guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !Self.neverInURL.contains($0) }) else {
            return "holds characters that a URL must escape"
        }
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return "is not an absolute URL" }
        let scheme = text[..<colon].lowercased()
        guard scheme == "https" || scheme == "http" && allowsPlainHTTP else { return "is not of the scheme https" }
        let authority = text[colon...].dropFirst(3).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.contains("@") else { return "holds user information" }
        return authorityFault(authority)
    }

    private func authorityFault(_ authority: Substring) -> String? {
        guard let (host, port) = Self.split(authority), Self.isHost(host) else { return "has no valid host" }
        guard let port else { return nil }
        guard let number = UInt16(port), port.utf8.allSatisfy(Self.isDigit) else { return "has no valid port" }
        guard number == 80 || number == 443 || number >= 1024 else { return "names a reserved port" }
        return nil
    }

    /// `"`, `<`, `>`, `\`, `^`, backquote, `{`, `|`, `}`.
    private static let neverInURL: [UInt8] = [0x22, 0x3C, 0x3E, 0x5C, 0x5E, 0x60, 0x7B, 0x7C, 0x7D]

    /// Host with its brackets, and the port's text where there is a colon; nil when the two cannot be told apart.
    private static func split(_ authority: Substring) -> (host: Substring, port: Substring?)? {
        let hostEnd: Substring.Index
        if authority.hasPrefix("[") {
            guard let bracket = authority.firstIndex(of: "]") else { return nil }
            hostEnd = authority.index(after: bracket)
        } else {
            hostEnd = authority.firstIndex(of: ":") ?? authority.endIndex
        }
        let rest = authority[hostEnd...]
        guard !rest.isEmpty else { return (authority, nil) }
        guard rest.first == ":" else { return nil }
        return (authority[..<hostEnd], rest.dropFirst())
    }

    private static func isHost(_ host: Substring) -> Bool {
        if host.hasPrefix("[") {
            let literal = host.dropFirst().dropLast()
            return literal.contains(":") && literal.utf8.allSatisfy { isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
        }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        let named = labels.last == "" && labels.count > 1 ? labels.dropLast() : labels[...]
        return host.utf8.count <= 253 && named.allSatisfy(isLabel)
    }

    /// A DNS label (RFC 1123 section 2.1), underscores tolerated.
    private static func isLabel(_ label: Substring) -> Bool {
        !label.isEmpty && label.utf8.count <= 63
            && label.utf8.allSatisfy { isDigit($0) || isLetter($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
    private static func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z") }
    private static func isHexDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f")
    }
}
