internal import Bridge
internal import BridgeModel
internal import Crypto
import FoundationEssentials
import Synchronization

/// A token whose signature was found right, with what the store had on record then: the key that was used, its revocation and its account.
struct VerifiedToken: Sendable {
    let reference: TokenReference
    let claims: TokenClaims
    let standing: TokenStanding
    /// Of the store, from before `standing` was read.
    let revision: KeyStoreRevision
}

/// Tokens whose signatures were found right, so that a page that a thousand people open at once, and each request of a session, costs no more than a look.
///
/// A signature cannot become wrong while its key stays, and what was on record holds as long as the store has the same revision: time is judged at each
/// call. Tokens are kept as digests. Safe from any thread.
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
