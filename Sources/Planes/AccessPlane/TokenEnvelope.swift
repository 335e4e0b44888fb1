internal import Bridge
import FoundationEssentials

/// What can be said about a token before any key is used: its three segments, its header (RFC 7519 section 7.2), and what it says of itself.
///
/// JWTKit neither compares the header's `alg` with the key's algorithm nor refuses an unknown `kid`, so both are done here.
struct TokenEnvelope: Equatable {
    /// Names the key that is said to have signed it.
    let keyID: String
    /// The claims `jti` and `api_id`, which nobody has verified: good for asking the store, and for nothing else.
    let claimed: Claimed

    /// The only algorithm that this bridge signs with and accepts (RFC 8725 section 3.1).
    static let algorithm = "HS256"
    /// Far above any token of ours, which have some 500 bytes.
    static let longestToken = 4096

    /// Refuses what is not three canonical base64url segments under an HS256 header that names a key.
    init(_ token: String) throws(AccessError) {
        guard !token.isEmpty else { throw .missing }
        guard token.utf8.count <= Self.longestToken else { throw .invalid }
        let segments = token.split(separator: ".", omittingEmptySubsequences: false).map(Base64URL.decode)
        guard segments.count == 3, let header = segments[0], let payload = segments[1], let signature = segments[2], !signature.isEmpty,
            let fields = try? JSONDecoder().decode(Header.self, from: Data(header)), fields.isAcceptable,
            let claimed = try? JSONDecoder().decode(Claimed.self, from: Data(payload))
        else { throw .invalid }
        keyID = fields.kid
        self.claimed = claimed
    }

    struct Claimed: Decodable, Equatable {
        let tokenID: String
        let account: String

        private enum CodingKeys: String, CodingKey {
            case tokenID = "jti"
            case account = "api_id"
        }
    }

    private struct Header: Decodable {
        let alg: String
        let kid: String
        let typ: String?
        /// Extensions that a verifier must understand (RFC 7515 section 4.1.11); none is understood here.
        let crit: [String]?

        var isAcceptable: Bool { alg == TokenEnvelope.algorithm && crit == nil && (typ == nil || typ == "JWT") }
    }
}
