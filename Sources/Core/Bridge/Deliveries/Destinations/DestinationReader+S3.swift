import BridgeModel

/// What S3 asks of names (the Amazon S3 User Guide: bucket naming rules, object tags, Object Lock).
extension DestinationReader {
    private static let mostTags = 10
    private static let longestRetentionDays = 36_500

    func s3(_ value: JSONValue, path: String) throws(DestinationFault) -> S3Destination {
        var fields = try DestinationFields(value, path: path)
        let endpoint = try endpoint(&fields)
        let bucket = try bucket(&fields)
        let region = try fields.optionalText("region", longest: 64) ?? "us-east-1"
        guard region.utf8.allSatisfy({ $0.isBucketCharacter }) else { throw fields.fault("region", "give a name such as eu-central-1") }
        var store = S3Destination(
            endpoint: endpoint, region: region, bucket: bucket, key: try fields.template("key") ?? .standard,
            credentials: try credentials(&fields))
        store.addressing = try fields.word("addressing", S3Destination.Addressing.self) ?? .path
        guard store.addressing == .path || DeliveryURL.isName(hostOf: endpoint) else {
            throw fields.fault("addressing", "an endpoint that is an address has no host for each bucket; give path")
        }
        store.encryption = try encryption(&fields)
        store.tags = try tags(&fields)
        store.lock = try lock(&fields)
        store.storageClass = try fields.optionalText("storage_class", longest: 64)
        if let storageClass = store.storageClass, !storageClass.utf8.allSatisfy({ $0.isWordCharacter }) {
            throw fields.fault("storage_class", "give a name such as STANDARD_IA")
        }
        try fields.finish()
        return store
    }

    private func endpoint(_ fields: inout DestinationFields) throws(DestinationFault) -> String {
        let text = try fields.url("endpoint", rules).revealed
        guard let url = try? DeliveryURL(parsing: Redacted(text), rules: rules), url.target.revealed == "/", !text.contains("#") else {
            throw fields.fault("endpoint", "give scheme, host and port alone, such as https://s3.example.com", code: .invalidURL)
        }
        return url.origin
    }

    private func bucket(_ fields: inout DestinationFields) throws(DestinationFault) -> String {
        let bucket = try fields.text("bucket", longest: 63)
        let ends = [bucket.utf8.first, bucket.utf8.last].compactMap { $0 }
        guard bucket.utf8.count >= 3, bucket.utf8.allSatisfy({ $0.isBucketCharacter || $0 == UInt8(ascii: ".") }), !bucket.contains(".."),
            ends.allSatisfy({ $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: ".") })
        else {
            throw fields.fault("bucket", "give 3 to 63 lower-case letters, digits, hyphens and dots, a letter or digit at both ends")
        }
        return bucket
    }

    private func credentials(_ fields: inout DestinationFields) throws(DestinationFault) -> S3Destination.Credentials {
        let accessKey = try fields.text("access_key", longest: 256)
        guard accessKey.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ",") }) else {
            throw fields.fault("access_key", "give visible ASCII characters without slash and comma")
        }
        let secretKey = try fields.text("secret_key", longest: 256)
        let token = try fields.optionalText("session_token", longest: 4096)
        guard token?.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) != false else {
            throw fields.fault("session_token", "give visible ASCII characters")
        }
        return S3Destination.Credentials(accessKey: accessKey, secretKey: Redacted(secretKey), sessionToken: token.map { Redacted($0) })
    }

    private func encryption(_ fields: inout DestinationFields) throws(DestinationFault) -> S3Destination.Encryption? {
        let kind = try fields.optionalText("encryption")
        let keyID = try fields.optionalText("encryption_key_id", longest: 2048)
        guard keyID?.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) != false else {
            throw fields.fault("encryption_key_id", "give visible ASCII characters")
        }
        switch (kind, keyID) {
        case (nil, nil): return nil
        case ("AES256", nil): return .storeKeys
        case ("aws:kms", _): return .keyService(keyID: keyID)
        case (nil, _?), ("AES256", _?): throw fields.fault("encryption_key_id", "a key goes with aws:kms alone")
        default: throw fields.fault("encryption", "give AES256 or aws:kms")
        }
    }

    private func tags(_ fields: inout DestinationFields) throws(DestinationFault) -> [S3Destination.Tag] {
        guard let value = fields.value("tags") else { return [] }
        guard case .object(let members) = value, members.count <= Self.mostTags else {
            throw fields.fault("tags", "give an object of at most \(Self.mostTags) names and values")
        }
        var tags: [S3Destination.Tag] = []
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            guard let text = value.string, (1...128).contains(name.unicodeScalars.count), text.unicodeScalars.count <= 256,
                (name + text).unicodeScalars.allSatisfy(\.isTagCharacter)
            else {
                throw fields.fault("tags", "a name has 1 to 128 and a value at most 256 letters, digits, spaces and + - = . _ : / @")
            }
            tags.append(S3Destination.Tag(name, text))
        }
        return tags
    }

    private func lock(_ fields: inout DestinationFields) throws(DestinationFault) -> S3Destination.Lock? {
        guard let value = fields.value("lock") else { return nil }
        var lock = try DestinationFields(value, path: fields.name("lock"))
        guard let mode = try lock.word("mode", S3Destination.Lock.Mode.self) else { throw lock.fault("mode", "it is missing") }
        let until = try lock.optionalText("retain_until", longest: 24)
        let days = lock.value("days")
        try lock.finish()
        switch (until, days) {
        case (let text?, nil):
            guard let moment = WallTime(dateTime: text) else {
                throw lock.fault("retain_until", "give a moment such as 2031-05-01T00:00:00Z")
            }
            return S3Destination.Lock(mode, .until(moment))
        case (nil, let value?):
            guard let days = value.integer, (1...Self.longestRetentionDays).contains(days) else {
                throw lock.fault("days", "give 1 to \(Self.longestRetentionDays)")
            }
            return S3Destination.Lock(mode, .days(days))
        default: throw fields.fault("lock", "give either days or retain_until")
        }
    }
}

extension DeliveryURL {
    fileprivate static func isName(hostOf endpoint: String) -> Bool {
        (try? DeliveryURL(parsing: Redacted(endpoint), rules: AddressRules(allowPrivate: true)))?.address == nil
    }
}

extension Unicode.Scalar {
    fileprivate var isTagCharacter: Bool {
        " +-=._:/@".unicodeScalars.contains(self) || properties.isAlphabetic || properties.generalCategory == .decimalNumber
    }
}

extension UInt8 {
    /// Lower-case letters, digits and the hyphen.
    fileprivate var isBucketCharacter: Bool {
        switch self {
        case 0x30...0x39, 0x61...0x7A, UInt8(ascii: "-"): true
        default: false
        }
    }

    fileprivate var isWordCharacter: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
