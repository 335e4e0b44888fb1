package import BridgeModel

/// Reads a destination from JSON: from the API, the configuration and the store alike.
package struct DestinationReader: Sendable {
    /// Members that belong to the choice and stand beside those of its first destination.
    private static let choiceMembers: Set<String> = ["fallback", "keep_local", "sidecars"]
    private static let longestKeepSeconds = 100 * 366 * 86_400
    private static let mostSidecars = 16

    let rules: AddressRules

    /// Hosts and addresses are held against these rules; addresses of names only when they are connected to.
    package init(rules: AddressRules) { self.rules = rules }

    /// A destination, and what belongs to its choice. Throws what is wrong, never the value.
    package func choice(_ value: JSONValue, path: String = "") throws(DestinationFault) -> DestinationChoice {
        var fields = try DestinationFields(value, path: path)
        guard case .object(let members) = value else { throw DestinationFault(path, "give an object") }
        var choice = DestinationChoice(try destination(.object(members.filter { !Self.choiceMembers.contains($0.key) }), path: path))
        if let fallback = fields.value("fallback") { choice.fallback = try destination(fallback, path: fields.name("fallback")) }
        choice.keepLocal = try fields.value("keep_local").map { value throws(DestinationFault) in
            switch value {
            case "always": return .always
            case "delete": return .delete
            default:
                guard let seconds = value.integer, (0...Self.longestKeepSeconds).contains(seconds) else {
                    throw fields.fault("keep_local", "give always, delete, or a number of seconds")
                }
                return .time(.seconds(seconds))
            }
        }
        choice.sidecars = try sidecars(&fields, of: choice)
        return choice
    }

    /// Each of the words once, in their order.
    private func sidecars(_ fields: inout DestinationFields, of choice: DestinationChoice) throws(DestinationFault) -> [Sidecar]? {
        guard let value = fields.value("sidecars") else { return nil }
        let known = Sidecar.allCases.map(\.rawValue).joined(separator: ", ")
        guard case .array(let items) = value, items.count <= Self.mostSidecars else {
            throw fields.fault("sidecars", "give an array of some of \(known)")
        }
        let sidecars = items.compactMap { $0.string.flatMap(Sidecar.init(rawValue:)) }
        guard sidecars.count == items.count else { throw fields.fault("sidecars", "give an array of some of \(known)") }
        guard sidecars.isEmpty || choice.destination.takesSidecars || choice.fallback?.takesSidecars == true else {
            throw fields.fault(
                "sidecars",
                choice.destination == .keep
                    ? "what stays on the bridge gets a manifest and thumbnails by recording.manifest and recording.thumbnails"
                    : "a URL takes one file; choose s3, webdav or a folder")
        }
        return Sidecar.allCases.filter(sidecars.contains)
    }

    /// One destination: an object with one of `keep`, `folder`, `url`, `s3`, `webdav`.
    package func destination(_ value: JSONValue, path: String = "") throws(DestinationFault) -> Destination {
        var fields = try DestinationFields(value, path: path)
        let kinds = ["keep", "folder", "url", "s3", "webdav"].filter { fields.value($0) != nil }
        guard kinds.count == 1 else { throw DestinationFault(path, "give an object with one of keep, folder, url, s3, webdav") }
        let destination: Destination
        switch kinds[0] {
        case "keep":
            guard fields.value("keep") == true else { throw fields.fault("keep", "give true, or another destination") }
            destination = .keep
        case "folder": destination = try folder(&fields)
        case "url": destination = try http(&fields)
        case "s3": destination = .s3(try s3(fields.value("s3") ?? .null, path: fields.name("s3")))
        default: destination = .webdav(try webdav(fields.value("webdav") ?? .null, path: fields.name("webdav")))
        }
        try fields.finish()
        return destination
    }

    private func folder(_ fields: inout DestinationFields) throws(DestinationFault) -> Destination {
        let path = try fields.text("folder")
        guard path.hasPrefix("/"), !path.utf8.split(separator: UInt8(ascii: "/")).contains(where: { $0.isDotSegment }) else {
            throw fields.fault("folder", "give an absolute path without dot segments")
        }
        return .folder(path: path, key: try fields.template("key"))
    }

    /// With nothing but a URL it is the plain PUT that a presigned URL wants.
    private func http(_ fields: inout DestinationFields) throws(DestinationFault) -> Destination {
        let url = try fields.url("url", rules)
        let method = try fields.word("method", HTTPDestination.Method.self)
        let headers = try headers(&fields)
        let key = try fields.template("key")
        if method == nil, headers.isEmpty, key == nil { return .put(url: url) }
        return .http(HTTPDestination(url: url, method: method ?? .put, headers: headers, key: key))
    }

    private func webdav(_ value: JSONValue, path: String) throws(DestinationFault) -> WebDAVDestination {
        var fields = try DestinationFields(value, path: path)
        let url = try fields.url("url", rules)
        guard !url.revealed.contains("?") else { throw fields.fault("url", "give a URL without a query", code: .invalidURL) }
        var server = WebDAVDestination(url: url, key: try fields.template("key") ?? .standard)
        let user = try fields.optionalText("user", longest: 256)
        let password = try fields.optionalText("password", longest: 256)
        let token = try fields.optionalText("token", longest: 4096)
        switch (user, password, token) {
        case (nil, nil, nil): break
        case (let user?, let password?, nil):
            guard !user.utf8.contains(UInt8(ascii: ":")) else { throw fields.fault("user", "give a name without a colon (RFC 7617)") }
            server.authentication = .basic(user: user, password: Redacted(password))
        case (nil, nil, let token?):
            guard token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw fields.fault("token", "give visible ASCII characters")
            }
            server.authentication = .bearer(Redacted(token))
        default: throw DestinationFault(path, "give user and password, or token, or none of them")
        }
        try fields.finish()
        return server
    }
}

// MARK: Headers

extension DestinationReader {
    private static let mostHeaders = 32
    private static let longestHeader = 4096
    /// What the connection decides.
    private static let reserved: Set<String> = [
        "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
    ]

    private func headers(_ fields: inout DestinationFields) throws(DestinationFault) -> [HTTPDestination.Header] {
        guard let value = fields.value("headers") else { return [] }
        guard case .object(let members) = value, members.count <= Self.mostHeaders else {
            throw fields.fault("headers", "give an object of at most \(Self.mostHeaders) names and values")
        }
        var headers: [HTTPDestination.Header] = []
        var names: Set<String> = []
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            guard (1...128).contains(name.utf8.count), name.utf8.allSatisfy(\.isTokenCharacter), names.insert(name.lowercased()).inserted,
                !Self.reserved.contains(name.lowercased())
            else {
                throw fields.fault("headers", "one of the names is no header's, twice there, or the connection's own")
            }
            guard let text = value.string, text.utf8.count <= Self.longestHeader, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
            else {
                throw fields.fault("headers", "a value is longer than \(Self.longestHeader) bytes or not visible ASCII")
            }
            headers.append(HTTPDestination.Header(name, Redacted(text)))
        }
        return headers
    }
}

extension Substring.UTF8View {
    fileprivate var isDotSegment: Bool { elementsEqual(".".utf8) || elementsEqual("..".utf8) }
}

extension UInt8 {
    /// RFC 9110 section 5.6.2.
    fileprivate var isTokenCharacter: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }
}
