package import Bridge
package import BridgeModel
internal import GRDB
internal import Playback

/// The clips in SQLite.
package struct SQLiteClips: ClipLedger {
    private let database: StorageDatabase

    /// Shares the database with the ledger.
    package init(_ database: StorageDatabase) { self.database = database }

    package func add(_ clip: Clip) async throws(BridgeError) {
        try await database.write { connection in
            try ColumnValues([
                "id": clip.id.rawValue, "account": clip.account.rawValue, "stream": clip.stream.rawValue,
                "begins_at": clip.range.from.nanoseconds, "ends_at": clip.range.to.nanoseconds, "title": clip.title,
                "container": clip.container.rawValue, "size_bytes": clip.sizeBytes, "created_at": clip.createdAt.nanoseconds,
            ]).upsert(into: "clips", connection)
            for tag in clip.tags {
                try connection.execute(
                    sql: "INSERT OR IGNORE INTO clip_tags (clip, tag) VALUES (?, ?)", arguments: [clip.id.rawValue, tag])
            }
        }
    }

    package func clips(_ query: ClipQuery) async throws(BridgeError) -> [Clip] {
        var conditions = ["1"]
        var arguments = StatementArguments()
        func require(_ condition: String, _ value: (any DatabaseValueConvertible)?) {
            guard let value else { return }
            conditions.append(condition)
            arguments += [value]
        }
        require("stream = ?", query.stream?.rawValue)
        require("id IN (SELECT clip FROM clip_tags WHERE tag = ?)", query.tag)
        require("ends_at > ?", query.from?.nanoseconds)
        require("begins_at < ?", query.to?.nanoseconds)
        require("(created_at, id) < (SELECT created_at, id FROM clips WHERE id = ?)", query.after?.rawValue)
        let filter = conditions.joined(separator: " AND ")
        return try await clips("WHERE \(filter) ORDER BY created_at DESC, id DESC LIMIT ?", arguments + [max(0, query.limit)])
    }

    package func clip(_ id: ClipID) async throws(BridgeError) -> Clip? {
        try await clips("WHERE id = ?", [id.rawValue]).first
    }

    package func removeClip(_ id: ClipID) async throws(BridgeError) -> Bool {
        try await database.write { connection in
            try connection.execute(sql: "DELETE FROM clips WHERE id = ?", arguments: [id.rawValue])
            return connection.changesCount > 0
        }
    }

    private func clips(_ clause: String, _ arguments: StatementArguments) async throws(BridgeError) -> [Clip] {
        try await database.read { connection in
            try Row.fetchAll(connection, sql: "SELECT * FROM clips \(clause)", arguments: arguments).map { row in
                let id: String = try ColumnReader(row: row, table: "clips").text("id")
                let tags = try String.fetchAll(connection, sql: "SELECT tag FROM clip_tags WHERE clip = ? ORDER BY tag", arguments: [id])
                return try Clip(row, tags: tags)
            }
        }
    }
}

extension Clip {
    fileprivate init(_ row: Row, tags: [String]) throws {
        let columns = ColumnReader(row: row, table: "clips")
        let range = try PlaybackRange(
            from: try columns.moment("begins_at"), to: try columns.moment("ends_at"), longest: .nanoseconds(Int64.max))
        let order = ClipOrder(stream: StreamID(try columns.text("stream")), range: range, title: try columns.text("title"), tags: tags)
        self.init(
            id: ClipID(try columns.text("id")), account: AccountID(try columns.text("account")), order: order,
            container: try columns.value("container"), sizeBytes: try columns.integer("size_bytes"),
            createdAt: try columns.moment("created_at"))
    }
}
