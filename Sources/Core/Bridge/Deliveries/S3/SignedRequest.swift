package import BridgeModel

/// A request to S3 as Signature Version 4 sees it (Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header"): pure text;
/// hashing and HMAC are the caller's.
package struct CanonicalRequest: Sendable, Equatable {
    /// A name and its value.
    package struct Field: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var method: String
    /// Percent-encoded once, as it is requested; begins with a slash.
    package var path: String
    /// Not encoded.
    package var query: [Field]
    /// Those that are signed; names in lower case.
    package var headers: [Field]
    /// SHA-256 of the body in lower-case hexadecimal, or `UNSIGNED-PAYLOAD`.
    package var payloadHash: String

    package init(method: String, path: String, query: [Field] = [], headers: [Field], payloadHash: String) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.payloadHash = payloadHash
    }

    /// What is hashed for the string to sign.
    package var text: String {
        let fields = sortedHeaders.map { "\($0.name):\(Self.trimmed($0.value))\n" }.joined()
        return [method, path, queryText, fields, signedHeaders, payloadHash].joined(separator: "\n")
    }

    /// Names of the signed headers, for the canonical request and the `Authorization` header.
    package var signedHeaders: String { sortedHeaders.map(\.name).joined(separator: ";") }

    /// The query as it is requested: encoded and sorted, so that the signature and the wire have one form.
    package var queryText: String {
        query.map { (PercentEncoding.encode($0.name), PercentEncoding.encode($0.value)) }
            .sorted { $0.0 == $1.0 ? $0.1 < $1.1 : $0.0 < $1.0 }
            .map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    private var sortedHeaders: [Field] { headers.sorted { $0.name < $1.name } }

    /// Without spaces at the ends, and with one space where there are several.
    private static func trimmed(_ value: String) -> String {
        value.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
    }
}

/// Day, region and service that a signature is good for.
package struct SigningScope: Sendable, Equatable {
    /// The name of the algorithm.
    package static let algorithm = "AWS4-HMAC-SHA256"

    /// `yyyymmddThhmmssZ`.
    package let timestamp: String
    package let region: String
    /// `s3` for all stores.
    package let service: String

    package init(at moment: WallTime, region: String, service: String = "s3") {
        timestamp = moment.iso8601.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
        self.region = region
        self.service = service
    }

    /// `yyyymmdd`.
    package var day: String { String(timestamp.prefix(8)) }

    /// As it stands in the string to sign and beside the access key.
    package var text: String { "\(day)/\(region)/\(service)/aws4_request" }

    /// What the signing key signs; `hash` is the canonical request's SHA-256 in hexadecimal.
    package func stringToSign(_ hash: String) -> String {
        [Self.algorithm, timestamp, text, hash].joined(separator: "\n")
    }

    /// The messages of the chain of HMACs that makes the signing key, the first one under `AWS4` and the secret key.
    package var keyChain: [String] { [day, region, service, "aws4_request"] }
}

/// Percent-encoding as S3 signs it: all but the unreserved characters of RFC 3986 section 2.3.
package enum PercentEncoding {
    private static let digits = Array("0123456789ABCDEF".unicodeScalars)

    /// Encodes the text's UTF-8; a path keeps its slashes.
    package static func encode(_ text: String, keepingSlashes: Bool = false) -> String {
        var encoded = String.UnicodeScalarView()
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                encoded.append(Unicode.Scalar(byte))
            case UInt8(ascii: "/") where keepingSlashes:
                encoded.append("/")
            default:
                encoded.append("%")
                encoded.append(digits[Int(byte >> 4)])
                encoded.append(digits[Int(byte & 0xF)])
            }
        }
        return String(encoded)
    }
}
