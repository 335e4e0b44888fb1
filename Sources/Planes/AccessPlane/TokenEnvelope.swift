internal import Bridge
import FoundationEssentials

/// What can be said about a token before any key is used: its three segments and its header (RFC 7519 section 7.2).
///
/// JWTKit neither compares the header's `alg` with the key's algorithm nor refuses an unknown `kid`, so both are done here.
struct TokenEnvelope: Equatable {
    /// Names the key that is said to have signed it.
    let keyID: String

    /// The only algorithm that this bridge signs with and accepts (RFC 8725 section 3.1).
    static let algorithm = "HS256"
    /// Far above any token of ours, which have some 500 bytes.
    static let longestToken = 4096

    /// Refuses what is not three canonical base64url segments under an HS256 header that names a key.
    init(_ token: String) throws(AccessError) {
        guard !token.isEmpty else { throw .missing }
        guard token.utf8.count <= Self.longestToken else { throw .invalid }
        let segments = token.split(separator: ".", omittingEmptySubsequences: false).map(Base64URL.decode)
        guard segments.count == 3, let header = segments[0], segments[1] != nil, let signature = segments[2], !signature.isEmpty,
            let fields = try? JSONDecoder().decode(Header.self, from: Data(header)), fields.isAcceptable
        else { throw .invalid }
        keyID = fields.kid
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
