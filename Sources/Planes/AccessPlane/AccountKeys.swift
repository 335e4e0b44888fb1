package import Bridge
package import BridgeModel

/// What the operator does with accounts and keys (`viaduct keys`). All of it is durable when the call returns; errors are the store's, and
/// those named at the calls.
package struct AccountKeys: Sendable {
    private let store: any KeyStore
    private let now: @Sendable () -> WallTime

    /// As many keys of an account and dialect live at once: an old and a new one while callers move.
    package static let liveKeysPerAccount = 2

    /// - Parameters:
    ///   - store: accounts and keys.
    ///   - now: the wall clock.
    package init(store: any KeyStore, now: @escaping @Sendable () -> WallTime) {
        self.store = store
        self.now = now
    }

    /// Makes a master key; its text is told here and never again.
    ///
    /// - Parameters:
    ///   - name: what the operator calls it.
    ///   - dialect: the API that it opens, for instance `eyeson`.
    ///   - account: whose key it is; nil: the account that is named after the key. It is made when there is none.
    /// - Throws: `invalid_field` for an account id that is not `[a-z0-9][a-z0-9-]{0,62}`; `limit_reached` when the account has two live keys.
    package func createMasterKey(name: String, dialect: String, account: AccountID? = nil) async throws(BridgeError) -> NewMasterKey {
        let account = account ?? AccountID(named: name)
        guard account.isWellFormed else {
            throw BridgeError(.invalidField, "An account id has 1 to 63 of a-z, 0-9 and '-', and does not begin with '-'.")
        }
        let live = try await store.masterKeys(of: account).filter { $0.revokedAt == nil && $0.dialect == dialect }
        guard live.count < Self.liveKeysPerAccount else {
            throw BridgeError(
                .limitReached,
                "The account '\(account)' has \(live.count) live keys (\(live.map(\.id).joined(separator: ", "))): revoke one first.")
        }
        let text = MasterKey.make()
        guard let digest = MasterKey.digest(of: text) else { throw BridgeError(.internal, "A new key could not be hashed.") }
        let row = MasterKeyRow(
            id: Secrets.rowID("key_"), account: account, dialect: dialect, name: name, digest: Array(digest), createdAt: now())
        var changes: [KeyChange] = [.masterKey(row)]
        if try await store.account(account) == nil {
            changes.insert(.account(AccountRow(id: account, name: name, createdAt: now())), at: 0)
        }
        try await store.commit(changes)
        return NewMasterKey(id: row.id, account: account, key: text)
    }

    /// Ends a key for good. Tokens that it has minted live on until they expire. Throws `not_found` for an unknown id; a second call changes nothing.
    package func revokeMasterKey(_ id: String) async throws(BridgeError) {
        guard var row = try await store.masterKeys(of: nil).first(where: { $0.id == id }) else {
            throw BridgeError(.notFound, "There is no key '\(id)': see 'viaduct keys list'.")
        }
        guard row.revokedAt == nil else { return }
        row.revokedAt = now()
        try await store.commit([.masterKey(row)])
    }

    /// Disables an account with all its keys and tokens, or enables it again. Throws `not_found` for an unknown one.
    package func setSuspended(_ suspended: Bool, account id: AccountID) async throws(BridgeError) {
        guard var row = try await store.account(id) else { throw BridgeError(.notFound, "There is no account '\(id)'.") }
        guard (row.suspendedAt != nil) != suspended else { return }
        row.suspendedAt = suspended ? now() : nil
        try await store.commit([.account(row)])
    }

    /// Makes an account if there is none of this id, so that native tokens have an owner.
    package func ensureAccount(_ id: AccountID) async throws(BridgeError) {
        guard try await store.account(id) == nil else { return }
        try await store.commit([.account(AccountRow(id: id, name: id.rawValue, createdAt: now()))])
    }

    /// Makes a new signing key and retires the ones before it, which still verify what they have signed.
    @discardableResult
    package func rotateSigningKey() async throws(BridgeError) -> SigningKeyRow {
        let moment = now()
        let fresh = SigningKeyRow(
            id: Secrets.rowID("sk_"), secret: Redacted(Secrets.random(Secrets.keyByteCount)), createdAt: moment)
        let retired = try await store.signingKeys().filter { $0.retiredAt == nil }.map { key in
            var key = key
            key.retiredAt = moment
            return KeyChange.signingKey(key)
        }
        try await store.commit([.signingKey(fresh)] + retired)
        return fresh
    }
}

/// A master key at the only moment that its text is known.
package struct NewMasterKey: Sendable, Equatable {
    /// Names it from now on.
    package var id: String
    /// Whose key it is.
    package var account: AccountID
    /// `vk_…`; show it once.
    package var key: Redacted<String>
}

extension AccountID {
    /// An id from free text: what may not stand in one becomes a dash.
    package init(named name: String) {
        let words = name.lowercased().split { !Self.allowed.contains($0) || $0 == "-" }
        let slug = words.joined(separator: "-").prefix(63)
        self.init(slug.isEmpty ? "account" : String(slug))
    }

    /// `[a-z0-9][a-z0-9-]{0,62}`.
    package var isWellFormed: Bool {
        (1...63).contains(rawValue.utf8.count) && !rawValue.hasPrefix("-") && rawValue.allSatisfy(Self.allowed.contains)
    }

    private static var allowed: Set<Character> { Set("abcdefghijklmnopqrstuvwxyz0123456789-") }
}
