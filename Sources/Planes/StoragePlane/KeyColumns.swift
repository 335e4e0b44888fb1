internal import Bridge
internal import BridgeModel
internal import Foundation
internal import GRDB

extension AccountRow {
    static let table = "accounts"

    func write(_ database: Database) throws {
        try ColumnValues([
            "id": id.rawValue, "name": name, "created_at": createdAt.nanoseconds, "suspended_at": suspendedAt?.nanoseconds,
        ]).upsert(into: Self.table, database)
    }

    init(_ row: Row) throws {
        let columns = ColumnReader(row: row, table: Self.table)
        self.init(
            id: AccountID(try columns.text("id")), name: try columns.text("name"), createdAt: try columns.moment("created_at"),
            suspendedAt: columns.optionalMoment("suspended_at"))
    }
}

extension MasterKeyRow {
    static let table = "master_keys"

    func write(_ database: Database) throws {
        let accounts = try Int.fetchOne(database, sql: "SELECT count(*) FROM accounts WHERE id = ?", arguments: [account.rawValue])
        guard accounts == 1 else {
            throw BridgeError(.notFound, "there is no account \(account) for the key \(name): create the account first")
        }
        let twin = try String.fetchOne(
            database, sql: "SELECT id FROM master_keys WHERE digest = ? AND id <> ?", arguments: [Data(digest), id])
        guard twin == nil, digest.count == 32 else {
            throw BridgeError(.invalidField, "the key \(name) is not new, or its digest is not a SHA-256: make another key")
        }
        try ColumnValues([
            "id": id, "account": account.rawValue, "dialect": dialect, "name": name, "digest": Data(digest),
            "created_at": createdAt.nanoseconds, "revoked_at": revokedAt?.nanoseconds,
        ]).upsert(into: Self.table, database)
    }

    init(_ row: Row) throws {
        let columns = ColumnReader(row: row, table: Self.table)
        self.init(
            id: try columns.text("id"), account: AccountID(try columns.text("account")), dialect: try columns.text("dialect"),
            name: try columns.text("name"), digest: [UInt8](try columns.blob("digest")), createdAt: try columns.moment("created_at"))
        revokedAt = columns.optionalMoment("revoked_at")
    }
}

extension SigningKeyRow {
    static let table = "signing_keys"

    func write(_ database: Database, _ box: SecretBox) throws {
        try ColumnValues([
            "id": id, "sealed_secret": try box.seal(secret.revealed, for: Self.secretPlace(id)), "created_at": createdAt.nanoseconds,
            "retired_at": retiredAt?.nanoseconds,
        ]).upsert(into: Self.table, database)
    }

    init(_ row: Row, _ box: SecretBox) throws {
        let columns = ColumnReader(row: row, table: Self.table)
        let id = try columns.text("id")
        self.init(
            id: id, secret: Redacted(try box.open(try columns.blob("sealed_secret"), for: Self.secretPlace(id))),
            createdAt: try columns.moment("created_at"), retiredAt: columns.optionalMoment("retired_at"))
    }

    private static func secretPlace(_ id: String) -> SecretBox.Place {
        SecretBox.Place(table: table, column: "sealed_secret", row: id)
    }
}
