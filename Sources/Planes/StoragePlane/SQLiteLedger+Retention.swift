package import Bridge
package import BridgeModel
internal import GRDB

extension SQLiteLedger: RetentionLedger {
    package func retentionRules() async throws(BridgeError) -> [StreamID: RetentionRule] {
        try await database.read { connection in
            let rows = try Row.fetchAll(connection, sql: "SELECT * FROM retention_rules")
            return Dictionary(try rows.map { (StreamID($0["stream"]), try RetentionRule($0)) }, uniquingKeysWith: { $1 })
        }
    }

    package func retentionRule(of stream: StreamID) async throws(BridgeError) -> RetentionRule? {
        try await database.read { connection in
            try Row.fetchOne(
                connection.cachedStatement(sql: "SELECT * FROM retention_rules WHERE stream = ?"), arguments: [stream.rawValue]
            ).map { try RetentionRule($0) }
        }
    }

    package func setRetentionRule(_ rule: RetentionRule?, of stream: StreamID) async throws(BridgeError) {
        try await database.write { connection in
            if let rule { return try rule.columns(of: stream).upsert(into: "retention_rules", key: "stream", connection) }
            try connection.execute(sql: "DELETE FROM retention_rules WHERE stream = ?", arguments: [stream.rawValue])
        }
    }

    package func recordedStreams() async throws(BridgeError) -> [StreamID] {
        try await database.read { connection in
            try String.fetchAll(
                connection,
                sql: "SELECT DISTINCT stream FROM recordings WHERE deletion_step IS NULL OR NOT deletion_destination ORDER BY stream"
            ).map { StreamID($0) }
        }
    }

    package func remaining(of stream: StreamID, delivered: Bool) async throws(BridgeError) -> [(row: RecordingRow, localBytes: Int64)] {
        let box = database.box
        return try await database.read { connection in
            try Row.fetchAll(
                connection.cachedStatement(
                    sql: """
                        SELECT recordings.*, files.bytes AS local_bytes FROM recordings LEFT JOIN (
                            SELECT recording, sum(size_bytes) AS bytes FROM segments
                            WHERE stream = ?1 AND state <> 'removed' GROUP BY recording
                        ) AS files ON files.recording = recordings.id
                        WHERE stream = ?1 AND (deletion_step IS NULL OR deletion_step = 'done') AND (files.bytes > 0
                            OR (?2 AND state = 'delivered' AND NOT coalesce(deletion_destination, 0)))
                        """),
                arguments: [stream.rawValue, delivered]
            ).map { row in (try RecordingRow(row, box), row["local_bytes"] ?? 0) }
        }
    }
}

extension SQLiteLedger: DeletionLedger {
    package func dueDeletions(at now: WallTime, limit: Int) async throws(BridgeError) -> [RecordingRow] {
        let box = database.box
        return try await database.read { connection in
            try Row.fetchAll(
                connection.cachedStatement(
                    sql: """
                        SELECT * FROM recordings WHERE deletion_step IN ('files', 'destination') AND deletion_due_at <= ?
                        ORDER BY deletion_due_at, id LIMIT ?
                        """), arguments: [now.nanoseconds, max(0, limit)]
            ).map { try RecordingRow($0, box) }
        }
    }

    package func nextDeletionDue() async throws(BridgeError) -> WallTime? {
        try await database.read { connection in
            try Int64.fetchOne(
                connection.cachedStatement(
                    sql: "SELECT min(deletion_due_at) FROM recordings WHERE deletion_step IN ('files', 'destination')"))
        }.map(WallTime.init(nanoseconds:))
    }

    package func deliveredCopies(of recording: RecordingID) async throws(BridgeError) -> [DeliveredCopy] {
        let box = database.box
        return try await database.read { connection in
            try Row.fetchAll(
                connection.cachedStatement(
                    sql: "SELECT * FROM deliveries WHERE recording = ? AND work = 'upload' AND state = 'delivered' ORDER BY file, id"),
                arguments: [recording.rawValue]
            ).compactMap { row in
                guard case .upload(_, let file, let destination) = try DeliveryRow(row, box).work, SidecarName(file)?.part != .all else {
                    return nil
                }
                return DeliveredCopy(file: file, destination: destination)
            }
        }
    }
}

extension SQLiteLedger: AuditLog {
    package func audit(after: Int64, limit: Int, recording: RecordingID?) async throws(BridgeError) -> [AuditEntry] {
        let condition = recording == nil ? "sequence > ?1" : "sequence > ?1 AND recording = ?3"
        let arguments: StatementArguments = recording.map { [after, max(0, limit), $0.rawValue] } ?? [after, max(0, limit)]
        return try await database.read { connection in
            try Row.fetchAll(
                connection.cachedStatement(sql: "SELECT * FROM audit WHERE \(condition) ORDER BY sequence LIMIT ?2"), arguments: arguments
            ).map { try AuditEntry($0) }
        }
    }
}
