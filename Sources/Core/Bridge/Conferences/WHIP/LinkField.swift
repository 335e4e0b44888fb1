package import BridgeModel

/// The field `Link` as WHIP servers name STUN and TURN servers with it (RFC 9725 section 4.6, RFC 8288 section 3).
package enum LinkField {
    /// Servers that are kept of one reply.
    package static let mostServers = 8
    private static let longest = 8192

    /// The ICE servers of one field; links of other relations, and what breaks the grammar, are passed over.
    package static func iceServers(_ field: String) -> [IceServer] {
        guard field.utf8.count <= longest else { return [] }
        var rest = field[...]
        var servers: [IceServer] = []
        while servers.count < mostServers, let link = nextLink(&rest) {
            guard link.parameters["rel"] == "ice-server", isServer(link.target) else { continue }
            let credential = Redacted(link.parameters["credential"] ?? "")
            servers.append(IceServer(urls: [link.target], username: link.parameters["username"] ?? "", credential: credential))
        }
        return servers
    }

    /// Hosts and ports only: the text becomes part of a URL of ours.
    private static func isServer(_ url: String) -> Bool {
        guard let scheme = ["stun:", "turn:", "turns:"].first(where: url.hasPrefix) else { return false }
        let rest = url.dropFirst(scheme.count)
        return !rest.isEmpty && rest.utf8.allSatisfy { $0.isServerCharacter }
    }

    private struct Link {
        var target: String
        var parameters: [String: String]
    }

    /// The next link and what belongs to it; nil at the end or where the grammar ends.
    private static func nextLink(_ rest: inout Substring) -> Link? {
        rest = rest.drop { " \t,".contains($0) }
        guard rest.first == "<", let end = rest.firstIndex(of: ">") else { return nil }
        var link = Link(target: String(rest[rest.index(after: rest.startIndex)..<end]), parameters: [:])
        rest = rest[rest.index(after: end)...]
        while true {
            rest = rest.drop { " \t".contains($0) }
            guard rest.first == ";" else { return link }
            rest = rest.dropFirst().drop { " \t".contains($0) }
            let name = rest.prefix { !" \t=;,\"".contains($0) }
            rest = rest[name.endIndex...]
            guard rest.first == "=" else { continue }
            rest = rest.dropFirst()
            guard let value = nextValue(&rest) else { return nil }
            // The first of several counts (RFC 8288 section 3.3).
            if link.parameters[name.lowercased()] == nil { link.parameters[name.lowercased()] = value }
        }
    }

    /// A token or a quoted string; nil when the quotation does not end.
    private static func nextValue(_ rest: inout Substring) -> String? {
        guard rest.first == "\"" else {
            let token = rest.prefix { !" \t;,".contains($0) }
            rest = rest[token.endIndex...]
            return String(token)
        }
        rest = rest.dropFirst()
        var value = ""
        while let character = rest.popFirst() {
            if character == "\"" { return value }
            if character != "\\" {
                value.append(character)
            } else if let escaped = rest.popFirst() {
                value.append(escaped)
            }
        }
        return nil
    }
}

extension UInt8 {
    /// Letters, digits and what stands in host, port and `?transport=udp`.
    fileprivate var isServerCharacter: Bool {
        switch self {
        case 0x61...0x7A, 0x41...0x5A, 0x30...0x39: true
        default: ".-_:[]?=".utf8.contains(self)
        }
    }
}

extension IceSettings {
    /// Goes through these servers, too; their secrets are percent-encoded into the URLs that webrtcbin takes. Those at an address that `rules`
    /// refuse are left out, since somebody else named them; nil for the operator's own.
    package mutating func add(_ servers: [IceServer], rules: AddressRules?) {
        for server in servers { for url in server.urls { add(url, of: server, rules) } }
    }

    private mutating func add(_ url: String, of server: IceServer, _ rules: AddressRules?) {
        guard let colon = url.firstIndex(of: ":") else { return }
        let place = url[url.index(after: colon)...]
        if let rules, Self.isRefused(place, rules) { return }
        switch url[..<colon] {
        case "stun": stunServer = stunServer ?? "stun://\(Self.withPort(place, 3478))"
        case "turn", "turns":
            let user = server.username.percentEncoded + ":" + server.credential.revealed.percentEncoded
            let port = url.hasPrefix("turns") ? 5349 : 3478
            turnServers.append(Redacted("\(url[..<colon])://\(user)@\(Self.withPort(place, port))"))
        default: break
        }
    }

    /// `place`, with the usual port where it names none.
    private static func withPort(_ place: Substring, _ port: Int) -> String {
        let host = place.prefix { $0 != "?" }
        let name = host.hasPrefix("[") ? host.drop { $0 != "]" }.dropFirst() : host
        return name.contains(":") ? String(place) : "\(host):\(port)\(place[host.endIndex...])"
    }

    private static func isRefused(_ place: Substring, _ rules: AddressRules) -> Bool {
        let host = place.hasPrefix("[") ? place.dropFirst().prefix { $0 != "]" } : place.prefix { $0 != ":" && $0 != "?" }
        guard let address = IPAddress(parsing: String(host)) else { return false }
        return rules.refusal(of: address, host: String(host)) != nil
    }
}
