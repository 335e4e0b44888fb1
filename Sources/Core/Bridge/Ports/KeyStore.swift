package import BridgeModel

/// An owner of keys, sessions and recordings.
package struct AccountRow: Sendable, Equatable {
    /// The `api_id` of the Eyeson dialect.
    package var id: AccountID
    /// What the operator calls it; free text for people.
    package var name: String
    /// When it was made.
    package var createdAt: WallTime
    /// Since when the operator has disabled it; nil while it may be used.
    package var suspendedAt: WallTime?

    /// A live account unless `suspendedAt` is given.
    package init(id: AccountID, name: String, createdAt: WallTime, suspendedAt: WallTime? = nil) {
        self.id = id
        self.name = name
        self.createdAt = createdAt
        self.suspendedAt = suspendedAt
    }
}

/// A long-lived key of an account. The key itself is shown once, when it is made, and never stored.
package struct MasterKeyRow: Sendable, Equatable {
    /// Names the key in lists and when it is revoked; no secret.
    package var id: String
    /// Whose key it is.
    package var account: AccountID
    /// The dialect that it opens, for instance `eyeson`; a key of another dialect is refused.
    package var dialect: String
    /// What the operator calls it; free text for people.
    package var name: String
    /// SHA-256 of the key's UTF-8 text, 32 bytes. A plain hash is enough, because keys are random and long.
    package var digest: [UInt8]
    /// When it was made.
    package var createdAt: WallTime
    /// Since when it opens nothing; nil while it is live.
    package var revokedAt: WallTime?

    /// A live key.
    package init(
        id: String, account: AccountID, dialect: String, name: String, digest: [UInt8], createdAt: WallTime
    ) {
        self.id = id
        self.account = account
        self.dialect = dialect
        self.name = name
        self.digest = digest
        self.createdAt = createdAt
    }
}

/// A key that signs tokens.
package struct SigningKeyRow: Sendable, Equatable {
    /// The token header's `kid`.
    package var id: String
    /// The HMAC key's bytes; encrypted at rest.
    package var secret: Redacted<[UInt8]>
    /// When it was made.
    package var createdAt: WallTime
    /// Since when it signs nothing new, though it still verifies; nil for the current key.
    package var retiredAt: WallTime?

    /// The current key unless `retiredAt` is given.
    package init(id: String, secret: Redacted<[UInt8]>, createdAt: WallTime, retiredAt: WallTime? = nil) {
        self.id = id
        self.secret = secret
        self.createdAt = createdAt
        self.retiredAt = retiredAt
    }
}

/// What a token says of itself, by which the store is asked about it. Nobody has verified it.
package struct TokenReference: Sendable, Equatable {
    /// The header's `kid`: which key is said to have signed it.
    package var signingKey: String
    /// The claim `jti`.
    package var tokenID: String
    /// The claim `api_id`.
    package var account: AccountID

    package init(signingKey: String, tokenID: String, account: AccountID) {
        self.signingKey = signingKey
        self.tokenID = tokenID
        self.account = account
    }
}

/// What the store knows of the things that a token names.
package struct TokenStanding: Sendable, Equatable {
    /// The key of this name, also when it is retired; nil when there is none.
    package var signingKey: SigningKeyRow?
    /// When the token's revocation ends; nil when it is not on the list.
    package var revocationEnd: WallTime?
    /// The account of this name, also when it is suspended; nil when there is none.
    package var account: AccountRow?

    package init(signingKey: SigningKeyRow?, revocationEnd: WallTime?, account: AccountRow?) {
        self.signingKey = signingKey
        self.revocationEnd = revocationEnd
        self.account = account
    }
}

/// One row of the key store to write.
package enum KeyChange: Sendable, Equatable {
    case account(AccountRow)
    case masterKey(MasterKeyRow)
    case signingKey(SigningKeyRow)
    /// Puts a token (`jti`) on the revocation list until it would have expired anyway; a later moment replaces an earlier one.
    case revocation(tokenID: String, until: WallTime)
    /// Forgets revocations that ended before this moment.
    case pruneRevocations(before: WallTime)
}

/// What a store's rows were at one moment: another value after each commit, whoever made it.
package struct KeyStoreRevision: Sendable, Equatable {
    private let number: Int64

    package init(_ number: Int64) { self.number = number }
}

/// The durable store of accounts, keys and revoked tokens. Each call is one transaction; throws `unavailable`, `storage_full` or `internal`.
/// Implemented by StoragePlane.
package protocol KeyStore: Sendable {
    /// Applies all changes in order and in one transaction: rows are inserted or replaced whole. Returns when it is durable. A key of an
    /// account that does not exist is `not_found`; a digest that another key has is `invalid_field`.
    func commit(_ changes: [KeyChange]) async throws(BridgeError)
    func account(_ id: AccountID) async throws(BridgeError) -> AccountRow?
    /// All accounts, oldest first.
    func accounts() async throws(BridgeError) -> [AccountRow]
    /// The key with this SHA-256 digest and dialect, revoked ones included: the caller looks at `revokedAt`.
    func masterKey(digest: [UInt8], dialect: String) async throws(BridgeError) -> MasterKeyRow?
    /// All keys, oldest first, revoked ones included; of one account, or of all when nil.
    func masterKeys(of account: AccountID?) async throws(BridgeError) -> [MasterKeyRow]
    /// All signing keys, newest first, retired ones included.
    func signingKeys() async throws(BridgeError) -> [SigningKeyRow]
    /// Of the newest commit, also of another process: what was read when it was the same still holds. Reads no row. Commits that concern other things than
    /// keys may change it too.
    func revision() async throws(BridgeError) -> KeyStoreRevision
    /// What is on record about a token, all of one moment.
    func standing(of token: TokenReference) async throws(BridgeError) -> TokenStanding
}
