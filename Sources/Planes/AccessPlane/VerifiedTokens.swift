internal import Bridge
internal import BridgeModel
internal import Crypto
import FoundationEssentials
import Synchronization

/// A token whose signature was found right, under the key that was used.
struct VerifiedToken: Sendable {
    let reference: TokenReference
    let secret: Redacted<[UInt8]>
    let claims: TokenClaims
}

/// Signatures that were found right, so that a page that a thousand people open at once, and each request of a session, costs no more than a look.
///
/// Only the signature is remembered, which cannot become wrong while its key stays: time, revocation and account are judged at each call. Tokens are
/// kept as digests. Safe from any thread.
final class VerifiedTokens: Sendable {
    /// Then all are forgotten, which costs each of them one more verification. Only who has a token of ours gets in here.
    static let capacity = 1024

    private let tokens = Mutex<[SHA256Digest: VerifiedToken]>([:])

    /// How many are remembered.
    var count: Int { tokens.withLock(\.count) }

    subscript(_ token: Redacted<String>) -> VerifiedToken? {
        let digest = Self.digest(token)
        return tokens.withLock { $0[digest] }
    }

    func remember(_ verified: VerifiedToken, of token: Redacted<String>) {
        let digest = Self.digest(token)
        tokens.withLock { tokens in
            if tokens.count >= Self.capacity { tokens.removeAll() }
            tokens[digest] = verified
        }
    }

    private static func digest(_ token: Redacted<String>) -> SHA256Digest { SHA256.hash(data: Data(token.revealed.utf8)) }
}
