package import Bridge
package import BridgeModel
internal import GRDB
package import Logging

/// The policies and the events of streams in SQLite.
package struct SQLiteTriggerStore: RecordingPolicyStore, StreamEventArchive {
    private let database: StorageDatabase
    private let logger: Logger

    /// Shares the database with the ledger. `logger` hears of policies that cannot be read.
    package init(_ database: StorageDatabase, logger: Logger) {
        self.database = database
        self.logger = logger
    }

    /// One that this version cannot read is left out: the others hold all the same.
    package func policies() async throws(BridgeError) -> [StreamID: RecordingPolicy] {
        let rows = try await database.read { connection in
            try Row.fetchAll(connection, sql: "SELECT * FROM recording_policies").map { row in
                let columns = ColumnReader(row: row, table: "recording_policies")
                return (stream: try columns.text("stream"), policy: try columns.text("policy"))
            }
        }
        var policies: [StreamID: RecordingPolicy] = [:]
        for row in rows {
            guard let value = try? JSONValue.read(Array(row.policy.utf8)), let policy = try? RecordingPolicy(reading: value) else {
                logger.error("a recording policy cannot be read and does not hold; set it again", metadata: ["stream": "\(row.stream)"])
                continue
            }
            policies[StreamID(row.stream)] = policy
        }
        return policies
    }

    package func save(_ policy: RecordingPolicy?, for stream: StreamID) async throws(BridgeError) {
        try await database.write { connection in
            guard let policy else {
                try connection.execute(sql: "DELETE FROM recording_policies WHERE stream = ?", arguments: [stream.rawValue])
                return
            }
            try ColumnValues(["stream": stream.rawValue, "policy": policy.json.text])
                .upsert(into: "recording_policies", key: "stream", connection)
        }
    }

    package func streamEvents(_ query: StreamEventQuery) async throws(BridgeError) -> [StreamEvent] {
        var conditions = ["1"]
        var arguments = StatementArguments()
        func require(_ condition: String, _ value: (any DatabaseValueConvertible)?) {
            guard let value else { return }
            conditions.append(condition)
            arguments += [value]
        }
        require("stream = ?", query.stream?.rawValue)
        require("recording = ?", query.recording?.rawValue)
        require("at >= ?", query.from?.nanoseconds)
        require("at < ?", query.to?.nanoseconds)
        require("(at, id) > (SELECT at, id FROM stream_events WHERE id = ?)", query.after)
        let sql = "SELECT * FROM stream_events WHERE \(conditions.joined(separator: " AND ")) ORDER BY at, id LIMIT ?"
        let all = arguments + [max(0, query.limit)]
        return try await database.read { connection in
            try Row.fetchAll(connection, sql: sql, arguments: all).map { try StreamEvent(ColumnReader(row: $0, table: "stream_events")) }
        }
    }
}

extension StreamEvent {
    fileprivate init(_ columns: ColumnReader) throws {
        let report = try columns.required(StreamEventReport(type: try columns.text("type"), note: try columns.text("note")))
        self.init(
            id: try columns.text("id"), stream: StreamID(try columns.text("stream")), report: report, at: try columns.moment("at"),
            recording: columns.optionalText("recording").map { RecordingID($0) })
    }

    func write(_ connection: Database) throws {
        try ColumnValues([
            "id": id, "stream": stream.rawValue, "type": report.type, "note": report.note, "at": at.nanoseconds,
            "recording": recording?.rawValue,
        ]).upsert(into: "stream_events", connection)
    }
}
