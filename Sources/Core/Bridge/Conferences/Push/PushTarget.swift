package import BridgeModel

/// Somebody else's server that a stream is pushed to: what its URL says, taken apart by one strict grammar. All but `origin` may hold secrets.
package struct PushTarget: Sendable, Equatable {
    /// What is spoken there.
    package enum Scheme: String, Sendable, Codable, CaseIterable {
        case rtmp, rtmps, srt

        /// The port of a URL that names none; SRT has none of its own.
        fileprivate var defaultPort: UInt16? {
            switch self {
            case .rtmp: 1935
            case .rtmps: 443
            case .srt: nil
            }
        }
    }

    /// Where in the server.
    package enum Place: Sendable, Equatable {
        /// `rtmp://host/application/name?query`: the last part is often a secret key.
        case rtmp(application: String, name: Redacted<String>)
        case srt(SRTOptions)
    }

    package let scheme: Scheme
    /// A name in lower case, or an address literal without brackets.
    package let host: String
    package let port: UInt16
    /// Set when the host is an address literal.
    package let address: IPAddress?
    package let place: Place
    /// As it was given.
    package let url: Redacted<String>

    /// Scheme, host and port: what may be shown and logged.
    package var origin: String { "\(scheme.rawValue)://\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    /// Reads the member `url` of an order.
    package init(reading order: JSONValue, rules: AddressRules) throws(FieldFault) {
        guard let member = order["url"], !member.isNull else { throw .missing("url") }
        guard let text = member.string else { throw FieldFault("url", "a string") }
        try self.init(url: Redacted(text), rules: rules)
    }

    /// Checks the shape; addresses are checked when a name is resolved.
    package init(url: Redacted<String>, rules: AddressRules) throws(FieldFault) {
        let text = url.revealed
        guard let separator = text.firstRange(of: "://"), let scheme = Scheme(rawValue: text[..<separator.lowerBound].lowercased()) else {
            throw Self.fault
        }
        let rest = text[separator.upperBound...]
        var authority = String(rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" })
        let tail = rest.dropFirst(authority.count)
        if !(authority.split(separator: "]").last ?? "").contains(":") || authority.hasSuffix("]") {
            guard let port = scheme.defaultPort else { throw FieldFault("url", "with a port: srt://host:port") }
            authority += ":\(port)"
        }
        guard !tail.contains("#"), let parsed = try? DeliveryURL(parsing: Redacted("https://" + authority + tail), rules: rules) else {
            throw Self.fault
        }
        (self.scheme, host, port, address, self.url) = (scheme, parsed.host, parsed.port, parsed.address, url)
        place = scheme == .srt ? .srt(try SRTOptions(target: parsed.target.revealed)) : try Self.rtmpPlace(parsed.target.revealed)
    }

    private static let fault = FieldFault(
        "url", "an rtmp, rtmps or srt URL with a public host, port 443, 80 or 1024 to 65535, and no user name")

    private static func rtmpPlace(_ target: String) throws(FieldFault) -> Place {
        let path = target.prefix { $0 != "?" }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        guard parts.count >= 2, parts.allSatisfy({ !$0.isEmpty }), let last = parts.last else {
            throw FieldFault("url", "with an application and a stream's name: rtmp://host/application/name")
        }
        return .rtmp(application: parts.dropLast().joined(separator: "/"), name: Redacted(String(last) + target.dropFirst(path.count)))
    }
}

/// What an SRT URL may say beside its place.
package struct SRTOptions: Sendable, Equatable, Codable {
    package var streamID: Redacted<String>?
    /// Of 10 to 79 bytes: the stream is encrypted by it.
    package var passphrase: Redacted<String>?
    /// Of the key that is made of it: 16, 24 or 32 bytes.
    package var keyLength: Int?
    /// For packets that are lost and sent again.
    package var latencyMilliseconds: Int?

    /// Reads a URL's path and query.
    fileprivate init(target: String) throws(FieldFault) {
        guard target.prefix(while: { $0 != "?" }) == "/" else { throw FieldFault("url", "without a path: srt://host:port?streamid=name") }
        var seen: Set<Substring> = []
        for pair in target.dropFirst(2).split(separator: "&") {
            let name = pair.prefix { $0 != "=" }
            guard seen.insert(name).inserted, let value = Self.decoded(pair.dropFirst(name.count + 1)) else { throw Self.fault }
            switch name {
            case "streamid" where (1...512).contains(value.utf8.count): streamID = Redacted(value)
            case "passphrase" where (10...79).contains(value.utf8.count): passphrase = Redacted(value)
            case "pbkeylen": keyLength = try Self.number(value, in: [16, 24, 32])
            case "latency": latencyMilliseconds = try Self.number(value, in: 20...8000)
            case "mode" where value == "caller": break
            default: throw Self.fault
            }
        }
    }

    private static let fault = FieldFault(
        "url",
        "with no other options than streamid, passphrase (10 to 79 bytes), pbkeylen (16, 24 or 32), latency (20 to 8000) and mode=caller")

    private static func number(_ text: String, in range: some Sequence<Int>) throws(FieldFault) -> Int {
        guard text.utf8.count <= 4, let number = Int(text), range.contains(number) else { throw fault }
        return number
    }

    /// Of `%XX`; nil where that is no text, or has control characters.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(Substring(rest.prefix(2))), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self), decoded.isOneLine else { return nil }
        return decoded
    }
}
