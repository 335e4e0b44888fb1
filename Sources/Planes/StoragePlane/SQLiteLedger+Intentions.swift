package import Bridge
package import BridgeModel
internal import GRDB

extension SQLiteLedger: UploadIntentions {
    package func intend(_ intention: UploadIntention) async throws(BridgeError) {
        try await database.write { [box = database.box] connection in
            let destination = DestinationChoice(intention.origin.destination)
            let sealed = try DestinationColumn.seal(destination, table: UploadIntention.table, row: intention.id, box)
            let values = ColumnValues([
                "id": intention.id, "location": intention.location, "recording": intention.origin.recording.rawValue,
                "object_key": intention.origin.key, "asked_at": intention.since.nanoseconds, "attempts": intention.attempts, "due_at": 0,
                DestinationColumn.name: sealed,
            ])
            try values.upsert(into: UploadIntention.table, connection)
        }
    }

    package func forget(_ intention: UploadIntention) async throws(BridgeError) {
        try await database.write { connection in
            try connection.execute(sql: "DELETE FROM upload_intentions WHERE id = ?", arguments: [intention.id])
        }
    }

    package func intentions(before moment: WallTime, dueAt now: WallTime, limit: Int) async throws(BridgeError) -> [UploadIntention] {
        try await database.read { [box = database.box] connection in
            let sql = "SELECT * FROM upload_intentions WHERE asked_at < ? AND due_at <= ? ORDER BY asked_at LIMIT ?"
            return try Row.fetchAll(
                connection.cachedStatement(sql: sql), arguments: [moment.nanoseconds, now.nanoseconds, limit]
            ).map { try UploadIntention($0, box) }
        }
    }

    package func postpone(_ intention: UploadIntention, until moment: WallTime) async throws(BridgeError) {
        try await database.write { connection in
            try connection.execute(
                sql: "UPDATE upload_intentions SET attempts = attempts + 1, due_at = ? WHERE id = ?",
                arguments: [moment.nanoseconds, intention.id])
        }
    }

    package func knownUploads(at location: String, askedBefore moment: WallTime) async throws(BridgeError) -> Set<String>? {
        try await database.read { connection in
            let asked = try Int.fetchOne(
                connection.cachedStatement(sql: "SELECT 1 FROM upload_intentions WHERE location = ? AND asked_at >= ?"),
                arguments: [location, moment.nanoseconds])
            guard asked == nil else { return nil }
            let sql = "SELECT upload_id FROM store_uploads WHERE location = ?1 UNION SELECT upload_id FROM uploads WHERE location = ?1"
            return Set(try String.fetchAll(connection.cachedStatement(sql: sql), arguments: [location]))
        }
    }
}

extension UploadIntention {
    fileprivate static let table = "upload_intentions"

    fileprivate init(_ row: Row, _ box: SecretBox) throws {
        let columns = ColumnReader(row: row, table: Self.table)
        self.init(
            id: try columns.text("id"),
            origin: UploadOrigin(
                recording: RecordingID(try columns.text("recording")), destination: try DestinationColumn.open(columns, box).destination,
                key: try columns.text("object_key")),
            location: try columns.text("location"), since: try columns.moment("asked_at"),
            attempts: try columns.required(try columns.optionalCount("attempts")))
    }
}
