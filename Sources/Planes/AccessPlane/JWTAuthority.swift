package import Bridge
package import BridgeModel
internal import Crypto
import FoundationEssentials
internal import JWTKit

/// The bridge's token authority: JSON Web Tokens signed with HS256 keys of the key store.
///
/// Each call asks the store whether anything was committed, so that what another process changes (`viaduct keys revoke`) counts at once. As long as nothing
/// was, what was read of keys, accounts and revocations still holds, and is not read again.
package struct JWTAuthority: TokenAuthority {
    private let store: any KeyStore
    private let now: @Sendable () -> WallTime
    private let verified = VerifiedTokens()

    /// - Parameters:
    ///   - store: accounts, keys and the revocation list.
    ///   - now: the wall clock.
    package init(store: any KeyStore, now: @escaping @Sendable () -> WallTime) {
        self.store = store
        self.now = now
    }

    /// Checks in this order: form, header, signature, claims, time, revocation, account. An account that is gone makes the token invalid.
    package func verify(_ token: Redacted<String>) async throws(AccessError) -> Grant {
        try await judge(token).grant(at: now())
    }

    /// Everything but the claims and the time, which differ by what the token is for.
    private func judge(_ token: Redacted<String>) async throws(AccessError) -> VerifiedToken {
        let known = verified[token]
        let reference: TokenReference
        if let known { reference = known.reference } else { reference = TokenReference(try TokenEnvelope(token.revealed)) }
        // Before any row is read: what is committed meanwhile counts at the next call at the latest.
        let revision = try await askStore { () throws(BridgeError) in try await store.revision() }
        if let known, known.revision == revision { return known }
        let standing = try await askStore { () throws(BridgeError) in try await store.standing(of: reference) }
        guard let key = standing.signingKey else { throw .invalid }
        let claims: TokenClaims
        if let known = known?.claims(under: key) { claims = known } else { claims = try await verify(token, of: reference, under: key) }
        let judged = VerifiedToken(reference: reference, claims: claims, standing: standing, revision: revision)
        verified.remember(judged, of: token)
        return judged
    }

    /// The claims, when the key signed them and they are what the store was asked about.
    private func verify(
        _ token: Redacted<String>, of reference: TokenReference, under key: SigningKeyRow
    ) async throws(AccessError) -> TokenClaims {
        let collection = try await key.collection()
        guard let claims = try? await collection.verify(token.revealed, as: TokenClaims.self), claims.tokenID == reference.tokenID,
            claims.apiID == reference.account.rawValue
        else { throw .invalid }
        return claims
    }

    /// The first call on a new store makes the first signing key. Throws `invalid` when the request contradicts itself.
    package func issue(_ request: GrantRequest) async throws(AccessError) -> Redacted<String> {
        try await sign(TokenClaims(request, tokenID: Secrets.tokenID(), now: now()))
    }

    private func sign(_ claims: TokenClaims) async throws(AccessError) -> Redacted<String> {
        let key = try await currentSigningKey()
        let collection = try await key.collection()
        do {
            return Redacted(try await collection.sign(claims, kid: JWKIdentifier(string: key.id)))
        } catch {
            throw .unavailable
        }
    }

    /// A suspended account throws `suspended`, so that its owner is told apart from somebody with a wrong key.
    package func account(masterKey: Redacted<String>, dialect: String) async throws(AccessError) -> AccountID? {
        guard let digest = MasterKey.digest(of: masterKey) else { return nil }
        let row = try await askStore { () throws(BridgeError) in try await store.masterKey(digest: Array(digest), dialect: dialect) }
        // The store finds by digest, of which timing tells nothing useful; what decides is this comparison, which takes the same time always.
        guard let row, digest == row.digest, row.dialect == dialect, row.revokedAt == nil else { return nil }
        let account = try await askStore { () throws(BridgeError) in try await store.account(row.account) }
        guard let account else { return nil }
        guard account.suspendedAt == nil else { throw .suspended }
        return account.id
    }

    /// Forgets, on the same occasion, revocations of tokens that have expired meanwhile.
    package func revoke(tokenID: String, until: WallTime) async throws(AccessError) {
        // A token is taken a little longer than it says, so its revocation is kept that much longer.
        let forgotten = now().advanced(by: .seconds(-TokenClaims.expiryLeeway))
        try await askStore { () throws(BridgeError) in
            try await store.commit([.revocation(tokenID: tokenID, until: until), .pruneRevocations(before: forgotten)])
        }
    }

    /// The newest key that is not retired; the first call ever makes one.
    private func currentSigningKey() async throws(AccessError) -> SigningKeyRow {
        try await askStore { () throws(BridgeError) in
            if let current = try await store.signingKeys().first(where: { $0.retiredAt == nil }) { return current }
            return try await AccountKeys(store: store, now: now).rotateSigningKey()
        }
    }

    private func askStore<Value>(_ body: () async throws(BridgeError) -> Value) async throws(AccessError) -> Value {
        do throws(BridgeError) {
            return try await body()
        } catch {
            throw .unavailable
        }
    }
}

extension JWTAuthority: RoomLinks {
    package func makeLink(_ order: RoomLinkOrder) async throws(AccessError) -> RoomLink {
        let time = now()
        let claims = try TokenClaims(order, tokenID: Secrets.tokenID(), now: time)
        return RoomLink(token: try await sign(claims), grant: try claims.roomGrant(at: time))
    }

    package func grant(of token: Redacted<String>) async throws(AccessError) -> RoomGrant {
        try await judge(token).roomGrant(at: now())
    }

    package func revokeLink(_ id: String) async throws(AccessError) {
        try await revoke(tokenID: id, until: now().advanced(by: RoomLinkOrder.longestLifetime))
    }
}

extension TokenReference {
    fileprivate init(_ envelope: TokenEnvelope) {
        self.init(
            signingKey: envelope.keyID, tokenID: envelope.claimed.tokenID, account: AccountID(envelope.claimed.account))
    }
}

extension VerifiedToken {
    /// nil when the key has become another one.
    fileprivate func claims(under key: SigningKeyRow) -> TokenClaims? { key.secret == standing.signingKey?.secret ? claims : nil }

    /// What the token allows at this moment, by what was on record at its revision.
    fileprivate func grant(at time: WallTime) throws(AccessError) -> Grant {
        let grant = try claims.grant(at: time)
        try checkStanding()
        return grant
    }

    /// The same, of a link to a room.
    fileprivate func roomGrant(at time: WallTime) throws(AccessError) -> RoomGrant {
        let grant = try claims.roomGrant(at: time)
        try checkStanding()
        return grant
    }

    private func checkStanding() throws(AccessError) {
        guard standing.revocationEnd == nil else { throw .revoked }
        guard let account = standing.account else { throw .invalid }
        guard account.suspendedAt == nil else { throw .suspended }
    }
}

extension SigningKeyRow {
    /// A collection of this key alone: JWTKit falls back to another key where a `kid` is unknown, and here is no other.
    fileprivate func collection() async throws(AccessError) -> JWTKeyCollection {
        // RFC 7518 section 3.2: the key is at least as long as the hash.
        guard secret.revealed.count >= Secrets.keyByteCount else { throw .unavailable }
        return await JWTKeyCollection().add(hmac: HMACKey(from: secret.revealed), digestAlgorithm: .sha256, kid: JWKIdentifier(string: id))
    }
}
