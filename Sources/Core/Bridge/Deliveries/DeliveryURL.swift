package import BridgeModel

/// Where a webhook or an upload goes, taken apart by one strict grammar: what it does not understand is refused, because a second parser that
/// understands it differently would be a way around the address rules. Whole text and target may hold bearer secrets: log `origin` only.
package struct DeliveryURL: Sendable, Equatable {
    /// Longest URL in bytes (Eyeson contract, section 12).
    package static let maximumLength = 2048

    package enum Scheme: String, Sendable {
        case http, https

        /// The port of a URL that names none.
        package var defaultPort: UInt16 { self == .http ? 80 : 443 }
    }

    package let scheme: Scheme
    /// A name in lower case, or an address literal without brackets; the TLS server name when it is a name.
    package let host: String
    package let port: UInt16
    /// Path and query as they were given, byte for byte; at least `/`.
    package let target: Redacted<String>
    /// Set when the host is an address literal.
    package let address: IPAddress?

    /// Scheme, host and, unless it is the default, port: safe to log.
    package var origin: String {
        let shown = host.contains(":") ? "[\(host)]" : host
        return "\(scheme.rawValue)://\(shown)" + (port == scheme.defaultPort ? "" : ":\(port)")
    }

    /// The URL as it is requested: without fragment, scheme and host in lower case.
    package var text: Redacted<String> { Redacted(origin + target.revealed) }

    /// Checks the shape; addresses are checked when a name is resolved. Throws `invalid_url`, in words without the URL.
    package init(parsing url: Redacted<String>, rules: AddressRules) throws(BridgeError) {
        let text = url.revealed
        guard text.utf8.count <= Self.maximumLength else { throw Self.refused("is longer than \(Self.maximumLength) bytes") }
        guard text.utf8.allSatisfy({ $0.isURLCharacter }) else { throw Self.refused("holds a character that must be percent-encoded") }
        guard let separator = text.firstRange(of: "://"), let scheme = Scheme(rawValue: text[..<separator.lowerBound].lowercased()) else {
            throw Self.refused("is not an absolute https URL")
        }
        guard scheme == .https || rules.allowsPrivate else { throw Self.refused("is plain http, which this bridge does not allow") }
        let rest = text[separator.upperBound...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else { throw Self.refused("holds a user name or password") }
        self.scheme = scheme
        (host, address, port) = try Self.parse(authority: authority, scheme: scheme)
        let target = rest[authority.endIndex...]
        self.target = Redacted(target.hasPrefix("/") ? String(target) : "/" + target)
    }

    /// The URL of a `Location` header (RFC 9110 section 10.2.2): absolute, or relative to this one in the forms `//host/path`, `/path` and `?query`.
    /// Throws `invalid_url`.
    package func redirected(to location: Redacted<String>, rules: AddressRules) throws(BridgeError) -> DeliveryURL {
        let text = location.revealed
        let absolute: String
        if text.hasPrefix("//") {
            absolute = "\(scheme.rawValue):\(text)"
        } else if text.hasPrefix("/") {
            absolute = origin + text
        } else if text.hasPrefix("?") {
            absolute = origin + target.revealed.prefix { $0 != "?" } + text
        } else {
            absolute = text
        }
        return try DeliveryURL(parsing: Redacted(absolute), rules: rules)
    }

    private static func refused(_ reason: String) -> BridgeError {
        BridgeError(.invalidURL, "the URL \(reason): give an absolute https URL with a public host and port 443, 80 or 1024 to 65535")
    }
}

// MARK: The authority

extension DeliveryURL {
    private static func parse(authority: Substring, scheme: Scheme) throws(BridgeError) -> (String, IPAddress?, UInt16) {
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]"), let address = IPAddress(parsing: String(authority[..<end].dropFirst())) else {
                throw refused("has no valid IPv6 address in its brackets")
            }
            guard case .v6 = address else { throw refused("has no valid IPv6 address in its brackets") }
            return (address.text, address, try parse(port: authority[end...].dropFirst(), scheme: scheme))
        }
        let name = authority.prefix { $0 != ":" }
        let host = name.lowercased()
        let port = try parse(port: authority[name.endIndex...], scheme: scheme)
        if let address = IPAddress(parsing: host) { return (host, address, port) }
        try checkName(host)
        return (host, nil, port)
    }

    /// `text` is empty or begins with a colon.
    private static func parse(port text: Substring, scheme: Scheme) throws(BridgeError) -> UInt16 {
        guard !text.isEmpty else { return scheme.defaultPort }
        let digits = text.dropFirst()
        guard text.first == ":", (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw refused("has no valid port")
        }
        guard let port = UInt16(digits), port == 443 || port == 80 || port >= 1024 else {
            throw refused("has a port that is not allowed")
        }
        return port
    }

    /// A host name of letters, digits, hyphens and underscores (RFC 1123 section 2.1). A name whose last label begins with a digit and could be a
    /// number in some base is refused: getaddrinfo(3) reads `2130706433`, `0x7f.1` and `0177.0.0.1` as 127.0.0.1.
    private static func checkName(_ host: String) throws(BridgeError) {
        guard (1...253).contains(host.utf8.count) else { throw refused("has no valid host") }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        for label in labels {
            let hyphenAtAnEnd = label.hasPrefix("-") || label.hasSuffix("-")
            guard (1...63).contains(label.utf8.count), !hyphenAtAnEnd, label.utf8.allSatisfy({ $0.isNameCharacter }) else {
                throw refused("has no valid host")
            }
        }
        guard let last = labels.last, !looksNumeric(last) else {
            throw refused("writes its address in a form other than four decimal numbers")
        }
    }

    private static func looksNumeric(_ label: Substring) -> Bool {
        if label.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return true }
        return label.hasPrefix("0x") && label.dropFirst(2).utf8.allSatisfy { $0.isHexDigit }
    }
}

extension UInt8 {
    /// ASCII letters in lower case, digits, hyphen and underscore.
    fileprivate var isNameCharacter: Bool {
        switch self {
        case 0x61...0x7A, 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// Unreserved, reserved and percent (RFC 3986 section 2); the backslash, which browsers read as a slash, is none of them.
    fileprivate var isURLCharacter: Bool {
        switch self {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39: true
        default: "-._~:/?#[]@!$&'()*+,;=%".utf8.contains(self)
        }
    }
}
