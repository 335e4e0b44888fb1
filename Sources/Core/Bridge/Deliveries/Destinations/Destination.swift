package import BridgeModel

/// Where a recording goes.
package enum Destination: Sendable, Equatable, Codable {
    /// Stays in the spool until it is fetched or removed.
    case keep
    /// A folder on the bridge's machine, absolute path; without a template the file keeps its name in the spool.
    case folder(path: String, key: KeyTemplate? = nil)
    /// One HTTP PUT of the whole file. The URL is a bearer secret: stored encrypted, logged as scheme and host only.
    case put(url: Redacted<String>)
    /// One request of the user's own making, with the whole file as its body.
    case http(HTTPDestination)
    /// An object of an S3 store, or of one that speaks as it does.
    case s3(S3Destination)
    /// A file of a WebDAV server (RFC 4918).
    case webdav(WebDAVDestination)

    /// For logs and people, without secrets: scheme, host and port, or a word.
    package var origin: String {
        switch self {
        case .keep: "spool"
        case .folder: "folder"
        case .put(let url): DeliveryURL.shownOrigin(of: url)
        case .http(let http): DeliveryURL.shownOrigin(of: http.url)
        case .s3(let store): DeliveryURL.shownOrigin(of: Redacted(store.endpoint))
        case .webdav(let server): DeliveryURL.shownOrigin(of: server.url)
        }
    }
}

/// A request that a user describes: PUT or POST, with headers of the user's choice.
package struct HTTPDestination: Sendable, Equatable, Codable {
    /// How the file is sent.
    package enum Method: String, Sendable, Codable, CaseIterable {
        case put = "PUT"
        case post = "POST"
    }

    /// A header; its value may be a secret, such as a token.
    package struct Header: Sendable, Equatable, Codable {
        /// A token of RFC 9110 section 5.6.2.
        package var name: String
        package var value: Redacted<String>

        package init(_ name: String, _ value: Redacted<String>) {
            self.name = name
            self.value = value
        }
    }

    /// One that ends with a slash gets the object's key.
    package var url: Redacted<String>
    package var method: Method
    package var headers: [Header]
    /// For a URL that ends with a slash; nil: the file's name in the spool.
    package var key: KeyTemplate?

    package init(url: Redacted<String>, method: Method = .put, headers: [Header] = [], key: KeyTemplate? = nil) {
        self.url = url
        self.method = method
        self.headers = headers
        self.key = key
    }
}

/// A bucket, who may write to it, and how objects are kept there.
package struct S3Destination: Sendable, Equatable, Codable {
    /// How a bucket stands in a URL.
    package enum Addressing: String, Sendable, Codable, CaseIterable {
        /// `https://host/bucket/key`.
        case path
        /// `https://bucket.host/key`.
        case host
    }

    /// Whose signature requests carry.
    package struct Credentials: Sendable, Equatable, Codable {
        package var accessKey: String
        package var secretKey: Redacted<String>
        /// Of temporary credentials.
        package var sessionToken: Redacted<String>?

        package init(accessKey: String, secretKey: Redacted<String>, sessionToken: Redacted<String>? = nil) {
            self.accessKey = accessKey
            self.secretKey = secretKey
            self.sessionToken = sessionToken
        }
    }

    /// Encryption by the store.
    package enum Encryption: Sendable, Equatable, Codable {
        /// With keys of the store: `AES256`.
        case storeKeys
        /// With a key of its key service, `aws:kms`; nil: the bucket's default key.
        case keyService(keyID: String?)
    }

    /// Object lock: nobody changes or removes the object before its time.
    package struct Lock: Sendable, Equatable, Codable {
        /// Who may lift it.
        package enum Mode: String, Sendable, Codable, CaseIterable {
            /// Those with a special permission.
            case governance = "GOVERNANCE"
            /// Nobody.
            case compliance = "COMPLIANCE"
        }

        /// How long it holds.
        package enum Retention: Sendable, Equatable, Codable {
            case until(WallTime)
            /// From the beginning of the recording.
            case days(Int)
        }

        package var mode: Mode
        package var retention: Retention

        package init(_ mode: Mode, _ retention: Retention) {
            self.mode = mode
            self.retention = retention
        }
    }

    /// A label of an object.
    package struct Tag: Sendable, Equatable, Codable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Scheme, host and port, for instance `https://s3.eu-central-1.amazonaws.com`.
    package var endpoint: String
    package var region: String
    package var bucket: String
    package var key: KeyTemplate
    package var credentials: Credentials
    package var addressing = Addressing.path
    package var encryption: Encryption?
    package var tags: [Tag] = []
    package var lock: Lock?
    /// As the store names it, for instance `STANDARD_IA`; nil: the bucket's own.
    package var storageClass: String?

    package init(endpoint: String, region: String, bucket: String, key: KeyTemplate = .standard, credentials: Credentials) {
        self.endpoint = endpoint
        self.region = region
        self.bucket = bucket
        self.key = key
        self.credentials = credentials
    }
}

/// A collection of a WebDAV server, and who may write to it.
package struct WebDAVDestination: Sendable, Equatable, Codable {
    /// How the bridge shows who it is.
    package enum Authentication: Sendable, Equatable, Codable {
        /// RFC 7617.
        case basic(user: String, password: Redacted<String>)
        /// RFC 6750.
        case bearer(Redacted<String>)
    }

    /// Of the collection, with or without a slash at its end.
    package var url: Redacted<String>
    package var authentication: Authentication?
    package var key: KeyTemplate

    package init(url: Redacted<String>, authentication: Authentication? = nil, key: KeyTemplate = .standard) {
        self.url = url
        self.authentication = authentication
        self.key = key
    }
}

/// How long a file stays on the bridge after its delivery.
package enum KeepLocal: Sendable, Equatable, Codable {
    /// Until somebody removes it.
    case always
    /// Not at all.
    case delete
    case time(Duration)
}

/// A destination with what belongs to its choice.
package struct DestinationChoice: Sendable, Equatable, Codable {
    package var destination: Destination
    /// Gets the recording when the first one has been given up.
    package var fallback: Destination?
    /// nil: `uploads.keep-delivered`.
    package var keepLocal: KeepLocal?
    /// What travels with each file, wherever that goes and has room for it; nil: `recording.sidecars`.
    package var sidecars: [Sidecar]?

    package init(_ destination: Destination, fallback: Destination? = nil, keepLocal: KeepLocal? = nil) {
        self.destination = destination
        self.fallback = fallback
        self.keepLocal = keepLocal
    }

    /// Nothing was chosen: the file stays on the bridge.
    package static let keep = DestinationChoice(.keep)
}

extension DeliveryURL {
    /// Scheme, host and port of any URL that could ever be delivered to, for logs and the API.
    package static func shownOrigin(of url: Redacted<String>) -> String {
        (try? DeliveryURL(parsing: url, rules: AddressRules(allowPrivate: true)).origin) ?? "unreadable URL"
    }
}
