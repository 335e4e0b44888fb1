package import Bridge
package import BridgeModel
internal import Foundation
internal import GRDB

/// The key store in SQLite. Master keys are there as digests only; signing keys are sealed.
package final class SQLiteKeyStore: KeyStore {
    private let database: StorageDatabase

    /// Shares the database with the ledger.
    package init(_ database: StorageDatabase) {
        self.database = database
    }

    package func commit(_ changes: [KeyChange]) async throws(BridgeError) {
        let box = database.box
        try await database.write { connection in
            for change in changes { try change.apply(connection, box) }
        }
    }

    package func account(_ id: AccountID) async throws(BridgeError) -> AccountRow? {
        try await database.read { try AccountRow.fetch(id, $0) }
    }

    package func accounts() async throws(BridgeError) -> [AccountRow] {
        try await database.read { connection in
            try Row.fetchAll(connection.cachedStatement(sql: "SELECT * FROM accounts ORDER BY created_at, id")).map(AccountRow.init)
        }
    }

    package func masterKey(digest: [UInt8], dialect: String) async throws(BridgeError) -> MasterKeyRow? {
        try await database.read { connection in
            try Row.fetchOne(
                connection.cachedStatement(sql: "SELECT * FROM master_keys WHERE digest = ? AND dialect = ?"),
                arguments: [Data(digest), dialect]
            ).map(MasterKeyRow.init)
        }
    }

    package func masterKeys(of account: AccountID?) async throws(BridgeError) -> [MasterKeyRow] {
        try await database.read { connection in
            try Row.fetchAll(
                connection.cachedStatement(sql: "SELECT * FROM master_keys WHERE ?1 IS NULL OR account = ?1 ORDER BY created_at, id"),
                arguments: [account?.rawValue]
            ).map(MasterKeyRow.init)
        }
    }

    package func signingKeys() async throws(BridgeError) -> [SigningKeyRow] {
        let box = database.box
        return try await database.read { connection in
            try Row.fetchAll(connection.cachedStatement(sql: "SELECT * FROM signing_keys ORDER BY created_at DESC, id DESC"))
                .map { try SigningKeyRow($0, box) }
        }
    }

    package func revision() throws(BridgeError) -> KeyStoreRevision { KeyStoreRevision(try database.revision()) }

    package func standing(of token: TokenReference) async throws(BridgeError) -> TokenStanding {
        let box = database.box
        return try await database.read { connection in
            let key = try Row.fetchOne(
                connection.cachedStatement(sql: "SELECT * FROM signing_keys WHERE id = ?"), arguments: [token.signingKey])
            let revocation = try Int64.fetchOne(
                connection.cachedStatement(sql: "SELECT ends_at FROM revocations WHERE token_id = ?"), arguments: [token.tokenID])
            return TokenStanding(
                signingKey: try key.map { try SigningKeyRow($0, box) }, revocationEnd: revocation.map(WallTime.init(nanoseconds:)),
                account: try AccountRow.fetch(token.account, connection))
        }
    }
}

extension AccountRow {
    fileprivate static func fetch(_ id: AccountID, _ connection: Database) throws -> AccountRow? {
        try Row.fetchOne(connection.cachedStatement(sql: "SELECT * FROM accounts WHERE id = ?"), arguments: [id.rawValue])
            .map(AccountRow.init)
    }
}

extension KeyChange {
    func apply(_ database: Database, _ box: SecretBox) throws {
        switch self {
        case .account(let row): try row.write(database)
        case .masterKey(let row): try row.write(database)
        case .signingKey(let row): try row.write(database, box)
        case .revocation(let tokenID, let until):
            try database.execute(
                sql: """
                    INSERT INTO revocations (token_id, ends_at) VALUES (?, ?)
                    ON CONFLICT (token_id) DO UPDATE SET ends_at = max(ends_at, excluded.ends_at)
                    """,
                arguments: [tokenID, until.nanoseconds])
        case .pruneRevocations(let before):
            try database.execute(sql: "DELETE FROM revocations WHERE ends_at < ?", arguments: [before.nanoseconds])
        }
    }
}
