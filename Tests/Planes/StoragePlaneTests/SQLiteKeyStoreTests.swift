import Bridge
import BridgeModel
import Foundation
import StoragePlane
import Testing

@Suite struct SQLiteKeyStoreTests {
    private let folder: DataFolder
    private let store: SQLiteKeyStore
    private let account = AccountRow(id: AccountID("acme"), name: "Acme", createdAt: Rows.start)

    init() throws {
        folder = try DataFolder()
        store = SQLiteKeyStore(try StorageDatabase(dataFolder: folder.path))
    }

    private func key(_ id: String, digest: UInt8, account: String = "acme", at offset: Int = 0) -> MasterKeyRow {
        MasterKeyRow(
            id: id, account: AccountID(account), dialect: "eyeson", name: "demo", digest: [UInt8](repeating: digest, count: 32),
            createdAt: Rows.start.advanced(by: .seconds(offset)))
    }

    @Test func accountsComeBackAsTheyWere() async throws {
        var row = account
        try await store.commit([.account(row)])
        #expect(try await store.account(row.id) == row)
        row.suspendedAt = Rows.start
        try await store.commit([.account(row), .account(AccountRow(id: AccountID("older"), name: "", createdAt: WallTime(nanoseconds: 0)))])
        #expect(try await store.account(row.id) == row)
        #expect(try await store.accounts().map(\.id.rawValue) == ["older", "acme"])
        #expect(try await store.account(AccountID("nobody")) == nil)
    }

    @Test func masterKeysAreFoundByDigestAndDialect() async throws {
        var row = key("k1", digest: 1)
        try await store.commit([.account(account), .masterKey(row)])
        #expect(try await store.masterKey(digest: row.digest, dialect: "eyeson") == row)
        #expect(try await store.masterKey(digest: row.digest, dialect: "vxg") == nil)
        #expect(try await store.masterKey(digest: Array(row.digest.dropLast()), dialect: "eyeson") == nil)
        #expect(try await store.masterKey(digest: [], dialect: "eyeson") == nil)
        row.revokedAt = Rows.start
        try await store.commit([.masterKey(row)])
        #expect(try await store.masterKey(digest: row.digest, dialect: "eyeson") == row)
    }

    @Test func masterKeysAreListedByAccount() async throws {
        let other = AccountRow(id: AccountID("other"), name: "Other", createdAt: Rows.start)
        let keys = [key("b", digest: 2, at: 2), key("a", digest: 1, at: 1), key("c", digest: 3, account: "other")]
        try await store.commit([.account(account), .account(other)] + keys.map { .masterKey($0) })
        #expect(try await store.masterKeys(of: nil).map(\.id) == ["c", "a", "b"])
        #expect(try await store.masterKeys(of: AccountID("acme")).map(\.id) == ["a", "b"])
        #expect(try await store.masterKeys(of: AccountID("nobody")).isEmpty)
    }

    @Test func aKeyNeedsItsAccount() async throws {
        let error = await #expect(throws: BridgeError.self) { try await store.commit([.masterKey(key("k1", digest: 1))]) }
        #expect(error?.code == .notFound)
    }

    @Test func aKeyNeedsANewDigestOfTheRightLength() async throws {
        try await store.commit([.account(account), .masterKey(key("k1", digest: 1))])
        var short = key("k3", digest: 3)
        short.digest.removeLast()
        for bad in [key("k2", digest: 1), short] {
            let error = await #expect(throws: BridgeError.self) { try await store.commit([.masterKey(bad)]) }
            #expect(error?.code == .invalidField)
        }
        #expect(try await store.masterKeys(of: nil).count == 1)
    }

    @Test func signingKeysComeNewestFirstAndSealed() async throws {
        let secret = Array("a signing key that is a secret".utf8)
        let old = SigningKeyRow(id: "t1", secret: Redacted(secret), createdAt: Rows.start, retiredAt: Rows.start)
        let new = SigningKeyRow(id: "t2", secret: Redacted([0, 1, 255]), createdAt: Rows.start.advanced(by: .seconds(1)))
        try await store.commit([.signingKey(old), .signingKey(new)])
        #expect(try await store.signingKeys() == [new, old])
        #expect(try folder.contents().range(of: Data(secret)) == nil)
    }

    @Test func revocationsLastUntilTheyArePruned() async throws {
        let end = Rows.start.advanced(by: .seconds(60))
        try await store.commit([.revocation(tokenID: "j1", until: end)])
        try await store.commit([.revocation(tokenID: "j1", until: Rows.start)])
        #expect(try await revocationEnd("j1") == end)
        #expect(try await revocationEnd("j2") == nil)
        try await store.commit([.pruneRevocations(before: end)])
        #expect(try await revocationEnd("j1") == end)
        try await store.commit([.pruneRevocations(before: end.advanced(by: .nanoseconds(1)))])
        #expect(try await revocationEnd("j1") == nil)
    }

    private func revocationEnd(_ tokenID: String) async throws -> WallTime? {
        try await store.standing(of: TokenReference(signingKey: "", tokenID: tokenID, account: AccountID(""))).revocationEnd
    }

    @Test func aTokensStandingIsWhatItNamesAndNoMore() async throws {
        let keys = ["s1", "s2"].map { SigningKeyRow(id: $0, secret: Redacted(Array("secret of \($0)".utf8)), createdAt: Rows.start) }
        try await store.commit([.account(account), .revocation(tokenID: "j1", until: Rows.start)] + keys.map { .signingKey($0) })
        let known = try await store.standing(of: TokenReference(signingKey: "s2", tokenID: "j1", account: account.id))
        #expect(known == TokenStanding(signingKey: keys[1], revocationEnd: Rows.start, account: account))
        let unknown = try await store.standing(of: TokenReference(signingKey: "s3", tokenID: "j2", account: AccountID("nobody")))
        #expect(unknown == TokenStanding(signingKey: nil, revocationEnd: nil, account: nil))
    }

    /// The other database stands for another process: SQLite tells its connections apart, not its processes.
    @Test func theRevisionChangesWithEachCommitOfThisOrAnotherProcess() async throws {
        let other = SQLiteKeyStore(try StorageDatabase(dataFolder: folder.path))
        var seen = try store.revision()
        #expect(try store.revision() == seen, "nothing was committed")
        for writer in [store, other, store] {
            try await writer.commit([.revocation(tokenID: "j", until: Rows.start)])
            let next = try store.revision()
            #expect(next != seen)
            seen = next
        }
        _ = try await other.accounts()
        #expect(try store.revision() == seen, "a read is no commit")
    }

    @Test func aCommitIsAllOrNothing() async throws {
        await #expect(throws: BridgeError.self) {
            try await store.commit([.account(account), .masterKey(key("k1", digest: 1, account: "nobody"))])
        }
        #expect(try await store.accounts().isEmpty)
    }
}
