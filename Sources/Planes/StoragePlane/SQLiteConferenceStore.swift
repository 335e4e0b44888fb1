package import Bridge
package import BridgeModel
internal import GRDB
package import Logging

/// Conferences elsewhere in SQLite, their targets sealed.
package struct SQLiteConferenceStore: ConferenceStore {
    private static let table = "conferences"
    /// Whatever the address rules are now: what was accepted once is held against them when it is connected to.
    private static let rules = AddressRules(allowPrivate: true)

    private let database: StorageDatabase
    private let logger: Logger

    /// Shares the database with the ledger. `logger` hears of rows that cannot be read.
    package init(_ database: StorageDatabase, logger: Logger) {
        self.database = database
        self.logger = logger
    }

    /// One that this version cannot read is left out: the others hold all the same.
    package func conferences() async throws(BridgeError) -> [ConferenceRow] {
        let (box, logger) = (database.box, logger)
        return try await database.read { connection in
            try Row.fetchAll(connection, sql: "SELECT * FROM conferences ORDER BY created_at, id").compactMap { row in
                let columns = ColumnReader(row: row, table: Self.table)
                if let conference = try? Self.read(columns, box) { return conference }
                logger.error("a conference cannot be read; join it again", metadata: ["conference": "\(columns.optionalText("id") ?? "?")"])
                return nil
            }
        }
    }

    package func save(_ row: ConferenceRow) async throws(BridgeError) {
        let box = database.box
        try await database.write { connection in
            let id = row.id.rawValue
            let target = SecretBox.Place(table: Self.table, column: "sealed_target", row: id)
            let resource = SecretBox.Place(table: Self.table, column: "sealed_resource", row: id)
            try ColumnValues([
                "id": id, "stream": row.stream.rawValue, "kind": row.target.kind.rawValue,
                "sealed_target": try box.seal(row.target.order, for: target), "created_at": row.createdAt.nanoseconds,
                "sealed_resource": try box.seal(row.resource, for: resource), "end_code": row.end?.code.rawValue,
                "end_message": row.end?.message,
            ]).upsert(into: Self.table, connection)
        }
    }

    package func remove(_ id: ConferenceID) async throws(BridgeError) {
        try await database.write { connection in
            try connection.execute(sql: "DELETE FROM conferences WHERE id = ?", arguments: [id.rawValue])
        }
    }

    private static func read(_ columns: ColumnReader, _ box: SecretBox) throws -> ConferenceRow {
        let kind: ConferenceTarget.Kind = try columns.value("kind")
        let secret = try columns.secretBytes("sealed_target", box)
        let target = try ConferenceTarget(kind, reading: JSONValue.read(secret), rules: rules)
        var row = ConferenceRow(
            id: ConferenceID(try columns.text("id")), stream: StreamID(try columns.text("stream")), target: target,
            createdAt: try columns.moment("created_at"))
        row.resource = try columns.secret("sealed_resource", box)
        if let code: BridgeError.Code = try columns.optionalValue("end_code") {
            row.end = BridgeError(code, columns.optionalText("end_message") ?? "")
        }
        return row
    }
}
