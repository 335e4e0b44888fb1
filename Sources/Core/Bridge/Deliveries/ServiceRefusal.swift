/// Why a store would not take an object, as far as its answer says.
package enum ServiceRefusal: Sendable, Equatable {
    /// The key or password is wrong, or has no right to write.
    case credentials
    /// There is no such bucket, or no such collection.
    case missingContainer
    /// The clocks of bridge and store differ too much.
    case clockSkew
    /// Too many requests.
    case slowDown
    /// The bucket is in another region, or at another endpoint.
    case wrongRegion
    /// The store or the account is full.
    case full
    /// What arrived is not what was sent.
    case damaged
    /// The store has another size, or other bytes, than were sent although it reported success.
    case notWhole
    /// The multipart upload is not known any more.
    case lostUpload
    /// Encryption, lock, storage class or another wish is not possible there; the store's word for it.
    case impossibleWish(String)
    /// Anything else; the store's word for it, empty without one.
    case other(String)

    /// By the code of an S3 error document ("List of error codes"), and the status where there is none.
    package init(s3 code: String?, status: Int) {
        switch code {
        case "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "ExpiredToken", "InvalidToken", "AccountProblem",
            "NotSignedUp", "Forbidden":
            self = .credentials
        case "NoSuchBucket": self = .missingContainer
        case "RequestTimeTooSkewed", "RequestExpired": self = .clockSkew
        case "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "RequestLimitExceeded", "ServiceUnavailable":
            self = .slowDown
        case "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "Redirect":
            self = .wrongRegion
        case "QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "EntityTooLarge", "StorageQuotaExceeded": self = .full
        case "BadDigest", "XAmzContentSHA256Mismatch", "InvalidDigest", "IncompleteBody": self = .damaged
        case "NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall": self = .lostUpload
        case "InvalidRequest", "InvalidArgument", "InvalidStorageClass", "InvalidEncryptionAlgorithmError", "InvalidTag", "NotImplemented",
            "MalformedXML":
            self = .impossibleWish(code ?? "")
        case nil, .some: self = Self.refusal(status: status, code: code ?? "")
        }
    }

    /// By the status alone, as WebDAV servers answer.
    package init(status: Int) { self = Self.refusal(status: status, code: "") }

    private static func refusal(status: Int, code: String) -> ServiceRefusal {
        switch status {
        case 401, 403: code.hasPrefix("KMS") ? .impossibleWish(code) : .credentials
        case 301, 302, 307, 308: .wrongRegion
        case 404, 409: .missingContainer
        case 413, 507: .full
        case 429, 503: .slowDown
        case 501: .impossibleWish(code)
        default: code.hasPrefix("KMS") ? .impossibleWish(code) : .other(code)
        }
    }

    /// One sentence for people.
    package var description: String {
        switch self {
        case .credentials: "the destination refuses the access key, password or its rights: correct them, and let them write there"
        case .missingContainer: "the bucket or folder does not exist at the destination: create it, or correct its name"
        case .clockSkew: "the destination's clock and the bridge's differ too much: set the bridge's clock by NTP"
        case .slowDown: "the destination asks for fewer requests: it is tried again more slowly"
        case .wrongRegion: "the bucket is in another region or behind another endpoint: correct region and endpoint"
        case .full: "the destination is full or takes no file of this size: free space there, or raise its quota"
        case .damaged: "the destination received other bytes than were sent: check the network and proxies between"
        case .notWhole:
            "the destination reported success but has other bytes than were sent: check it, it is not to be trusted with recordings"
        case .lostUpload: "the destination has lost parts of the upload: it is begun anew"
        case .impossibleWish(let word):
            "the destination cannot do what is asked (\(word.isEmpty ? "not implemented" : word)): check encryption, tags, lock and storage class"
        case .other(let word): "the destination refused the upload\(word.isEmpty ? "" : " (\(word))"): look it up in its log"
        }
    }

    /// What the destination's owner can do before the next attempt is worth an attempt; a status that only says that the request was wrong is not.
    package func isWorthAnotherAttempt(status: Int) -> Bool {
        switch self {
        case .impossibleWish: false
        case .other: status == 0 || status == 408 || status == 429 || status >= 500 || (200...299).contains(status)
        case .credentials, .missingContainer, .clockSkew, .slowDown, .wrongRegion, .full, .damaged, .notWhole, .lostUpload: true
        }
    }
}
