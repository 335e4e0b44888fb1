import Bridge
import BridgeModel

/// A key store in memory, with the rules that the contract gives.
actor MemoryKeyStore: KeyStore {
    private var accountRows: [AccountRow] = []
    private var keyRows: [MasterKeyRow] = []
    private var signingRows: [SigningKeyRow] = []
    private var revocations: [String: WallTime] = [:]
    private var failure: BridgeError?
    private var commits: Int64 = 0
    /// How often a standing was read.
    private(set) var standingsRead = 0

    /// From now on every call throws this.
    func fail(with error: BridgeError) { failure = error }

    var revokedTokenIDs: Set<String> { Set(revocations.keys) }

    func commit(_ changes: [KeyChange]) throws(BridgeError) {
        try check()
        commits += 1
        for change in changes {
            switch change {
            case .account(let row): accountRows = accountRows.filter { $0.id != row.id } + [row]
            case .masterKey(let row):
                guard accountRows.contains(where: { $0.id == row.account }) else { throw BridgeError(.notFound, "no such account") }
                keyRows = keyRows.filter { $0.id != row.id } + [row]
            case .signingKey(let row): signingRows = signingRows.filter { $0.id != row.id } + [row]
            case .revocation(let tokenID, let until): revocations[tokenID] = until
            case .pruneRevocations(let before): revocations = revocations.filter { $0.value >= before }
            }
        }
    }

    func account(_ id: AccountID) throws(BridgeError) -> AccountRow? {
        try check()
        return accountRows.first { $0.id == id }
    }

    func accounts() throws(BridgeError) -> [AccountRow] {
        try check()
        return accountRows
    }

    func masterKey(digest: [UInt8], dialect: String) throws(BridgeError) -> MasterKeyRow? {
        try check()
        return keyRows.first { $0.digest == digest && $0.dialect == dialect }
    }

    func masterKeys(of account: AccountID?) throws(BridgeError) -> [MasterKeyRow] {
        try check()
        return keyRows.filter { account == nil || $0.account == account }
    }

    func signingKeys() throws(BridgeError) -> [SigningKeyRow] {
        try check()
        return signingRows.sorted { $0.createdAt > $1.createdAt }
    }

    func revision() throws(BridgeError) -> KeyStoreRevision {
        try check()
        return KeyStoreRevision(commits)
    }

    func standing(of token: TokenReference) throws(BridgeError) -> TokenStanding {
        try check()
        standingsRead += 1
        return TokenStanding(
            signingKey: signingRows.first { $0.id == token.signingKey }, revocationEnd: revocations[token.tokenID],
            account: accountRows.first { $0.id == token.account })
    }

    private func check() throws(BridgeError) {
        if let failure { throw failure }
    }
}
