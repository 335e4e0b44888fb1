package import BridgeModel

/// Destinations as JSON, in the words that `DestinationReader` reads.
extension DestinationChoice {
    /// With its secrets: for the sealed column alone.
    package var sealedText: Redacted<String> { Redacted(json(.revealed).text) }

    /// Without secrets: for the API. Of a URL there is scheme and host alone.
    package var shownJSON: JSONText { json(.hidden) }

    private func json(_ secrets: SecretStyle) -> JSONText {
        var members = destination.members(secrets)
        if let fallback { members.append(.init("fallback", .object(fallback.members(secrets)))) }
        switch keepLocal {
        case nil: break
        case .always: members.append(.init("keep_local", .string("always")))
        case .delete: members.append(.init("keep_local", .string("delete")))
        case .time(let duration): members.append(.init("keep_local", .integer(duration.components.seconds)))
        }
        if let sidecars { members.append(.init("sidecars", .array(sidecars.map { .string($0.rawValue) }))) }
        return .object(members)
    }
}

extension Destination {
    /// With its secrets: for the sealed column alone.
    package var sealedText: Redacted<String> { Redacted(JSONText.object(members(.revealed)).text) }

    /// Without secrets: for the API; null for what stays on the bridge.
    package var shownJSON: JSONText { self == .keep ? .null : .object(members(.hidden)) }

    fileprivate func members(_ secrets: SecretStyle) -> [JSONText.Member] {
        switch self {
        case .keep: [.init("keep", .bool(true))]
        case .folder(let path, let key): [.init("folder", .string(path))] + Self.key(key)
        case .put(let url): secrets.url(url)
        case .http(let http): http.members(secrets)
        case .s3(let store): [.init("s3", .object(store.members(secrets)))]
        case .webdav(let server): [.init("webdav", .object(server.members(secrets)))]
        }
    }

    fileprivate static func key(_ template: KeyTemplate?) -> [JSONText.Member] {
        template.map { [.init("key", .string($0.text))] } ?? []
    }
}

/// Whether secrets are written out.
private enum SecretStyle {
    case revealed, hidden

    func text(_ name: String, _ secret: Redacted<String>?) -> [JSONText.Member] {
        guard let secret else { return [] }
        return [.init(name, .string(self == .revealed ? secret.revealed : secret.description))]
    }

    /// A URL, whose path and query may be secrets.
    func url(_ url: Redacted<String>) -> [JSONText.Member] {
        self == .revealed ? [.init("url", .string(url.revealed))] : [.init("origin", .string(DeliveryURL.shownOrigin(of: url)))]
    }
}

extension HTTPDestination {
    fileprivate func members(_ secrets: SecretStyle) -> [JSONText.Member] {
        let shown = headers.flatMap { secrets.text($0.name, $0.value) }
        return secrets.url(url) + [.init("method", .string(method.rawValue)), .init("headers", .object(shown))] + Destination.key(key)
    }
}

extension WebDAVDestination {
    fileprivate func members(_ secrets: SecretStyle) -> [JSONText.Member] {
        var members = secrets.url(url) + Destination.key(key)
        switch authentication {
        case .basic(let user, let password): members += [.init("user", .string(user))] + secrets.text("password", password)
        case .bearer(let token): members += secrets.text("token", token)
        case nil: break
        }
        return members
    }
}

extension S3Destination {
    fileprivate func members(_ secrets: SecretStyle) -> [JSONText.Member] {
        var members: [JSONText.Member] = [
            .init("endpoint", .string(endpoint)), .init("region", .string(region)), .init("bucket", .string(bucket)),
            .init("key", .string(key.text)), .init("access_key", .string(credentials.accessKey)),
        ]
        members += secrets.text("secret_key", credentials.secretKey) + secrets.text("session_token", credentials.sessionToken)
        members.append(.init("addressing", .string(addressing.rawValue)))
        switch encryption {
        case .storeKeys: members.append(.init("encryption", .string("AES256")))
        case .keyService(let keyID):
            members.append(.init("encryption", .string("aws:kms")))
            if let keyID { members.append(.init("encryption_key_id", .string(keyID))) }
        case nil: break
        }
        if !tags.isEmpty { members.append(.init("tags", .object(tags.map { .init($0.name, .string($0.value)) }))) }
        if let lock { members.append(.init("lock", lock.json)) }
        if let storageClass { members.append(.init("storage_class", .string(storageClass))) }
        return members
    }
}

extension S3Destination.Lock {
    fileprivate var json: JSONText {
        let time: JSONText.Member =
            switch retention {
            case .until(let moment): .init("retain_until", .string(moment.iso8601))
            case .days(let days): .init("days", .integer(Int64(days)))
            }
        return .object([.init("mode", .string(mode.rawValue)), time])
    }
}
