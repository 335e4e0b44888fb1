package import Bridge
package import BridgeModel
internal import GRDB

/// The named destinations in SQLite, their descriptions sealed.
package final class SQLiteDestinationStore: DestinationStore {
    private static let table = "destinations"
    private static let column = "sealed_choice"

    private let database: StorageDatabase

    /// Shares the database with the ledger.
    package init(_ database: StorageDatabase) {
        self.database = database
    }

    package func destinations() async throws(BridgeError) -> [NamedDestination] {
        let box = database.box
        return try await database.read { connection in
            try Row.fetchAll(connection.cachedStatement(sql: "SELECT * FROM destinations ORDER BY id")).map { try Self.read($0, box) }
        }
    }

    package func destination(_ name: DestinationName) async throws(BridgeError) -> NamedDestination? {
        let box = database.box
        return try await database.read { connection in
            try Row.fetchOne(connection.cachedStatement(sql: "SELECT * FROM destinations WHERE id = ?"), arguments: [name.rawValue])
                .map { try Self.read($0, box) }
        }
    }

    package func save(_ destination: NamedDestination) async throws(BridgeError) {
        let box = database.box
        try await database.write { connection in
            let id = destination.name.rawValue
            let sealed = try DestinationColumn.seal(destination.choice, table: Self.table, column: Self.column, row: id, box)
            let values = ColumnValues(["id": id, Self.column: sealed, "changed_at": destination.changedAt.nanoseconds])
            try values.upsert(into: Self.table, connection)
        }
    }

    package func remove(_ name: DestinationName) async throws(BridgeError) -> Bool {
        let removed: Bool? = try await database.write { connection in
            let users = try Int.fetchOne(
                connection, sql: "SELECT count(*) FROM destination_assignments WHERE destination = ?", arguments: [name.rawValue])
            guard users == 0 else { return nil }
            try connection.execute(sql: "DELETE FROM destinations WHERE id = ?", arguments: [name.rawValue])
            return connection.changesCount > 0
        }
        guard let removed else {
            throw BridgeError(.limitReached, "The destination \(name) is assigned to accounts or streams; assign them another one first.")
        }
        return removed
    }

    package func assign(_ name: DestinationName?, to scope: DestinationScope) async throws(BridgeError) {
        let (kind, subject) = scope.columns
        let isKnown = try await database.write { connection in
            guard let name else {
                try connection.execute(
                    sql: "DELETE FROM destination_assignments WHERE scope = ? AND subject = ?", arguments: [kind, subject])
                return true
            }
            let known = try Int.fetchOne(connection, sql: "SELECT count(*) FROM destinations WHERE id = ?", arguments: [name.rawValue])
            guard known == 1 else { return false }
            try connection.execute(
                sql: "INSERT OR REPLACE INTO destination_assignments (scope, subject, destination) VALUES (?, ?, ?)",
                arguments: [kind, subject, name.rawValue])
            return true
        }
        guard isKnown else { throw BridgeError(.notFound, "There is no destination of this name.") }
    }

    package func assigned(to scope: DestinationScope) async throws(BridgeError) -> DestinationName? {
        let (kind, subject) = scope.columns
        let name = try await database.read { connection in
            try String.fetchOne(
                connection.cachedStatement(sql: "SELECT destination FROM destination_assignments WHERE scope = ? AND subject = ?"),
                arguments: [kind, subject])
        }
        return name.flatMap { DestinationName($0) }
    }

    private static func read(_ row: Row, _ box: SecretBox) throws -> NamedDestination {
        let columns = ColumnReader(row: row, table: table)
        return NamedDestination(
            name: try columns.required(DestinationName(try columns.text("id"))),
            choice: try DestinationColumn.open(columns, column: column, box), changedAt: try columns.moment("changed_at"))
    }
}

extension DestinationScope {
    fileprivate var columns: (scope: String, subject: String) {
        switch self {
        case .account(let account): ("account", account.rawValue)
        case .stream(let stream): ("stream", stream.rawValue)
        }
    }
}
