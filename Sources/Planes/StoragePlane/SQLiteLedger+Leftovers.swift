package import Bridge
package import BridgeModel
internal import GRDB

extension SQLiteLedger: UploadLeftovers {
    package func strayUploads() async throws(BridgeError) -> [String] {
        try await database.read { connection in try String.fetchAll(connection.cachedStatement(sql: Self.strays)) }
    }

    package func leftovers(dueAt now: WallTime, limit: Int) async throws(BridgeError) -> [LeftoverUpload] {
        try await database.read { [box = database.box] connection in
            try Row.fetchAll(connection.cachedStatement(sql: Self.leftovers), arguments: [now.nanoseconds, limit])
                .map { try LeftoverUpload($0, box) }
        }
    }

    package func forget(_ leftover: LeftoverUpload) async throws(BridgeError) {
        try await database.write { connection in
            try connection.execute(sql: "DELETE FROM store_uploads WHERE id = ?", arguments: [leftover.upload.storeID])
        }
    }

    package func postpone(_ leftover: LeftoverUpload, until moment: WallTime) async throws(BridgeError) {
        try await database.write { connection in
            try connection.execute(
                sql: "UPDATE store_uploads SET attempts = attempts + 1, due_at = ? WHERE id = ?",
                arguments: [moment.nanoseconds, leftover.upload.storeID])
        }
    }

    /// An upload that was begun by an earlier attempt of a delivery, or while its recording ran, is gone on with as long as one of the two is there.
    private static let strays = """
        SELECT uploads.file FROM uploads
        JOIN store_uploads AS begun ON begun.location = uploads.location AND begun.upload_id = uploads.upload_id
        LEFT JOIN recordings ON recordings.id = begun.recording
        LEFT JOIN segments ON segments.recording = begun.recording AND segments.file = uploads.file
        WHERE NOT EXISTS (
                SELECT 1 FROM deliveries
                WHERE deliveries.recording = begun.recording AND deliveries.file = uploads.file AND deliveries.state = 'pending')
            AND (recordings.id IS NULL OR recordings.state IN ('ready', 'delivered', 'failed')
                OR segments.state IN ('ready', 'delivered', 'failed', 'removed'))
        """

    private static let leftovers = """
        SELECT * FROM store_uploads AS begun
        WHERE due_at <= ? AND NOT EXISTS (
            SELECT 1 FROM uploads WHERE uploads.location = begun.location AND uploads.upload_id = begun.upload_id)
        ORDER BY due_at LIMIT ?
        """
}

extension BegunUpload {
    fileprivate static let table = "store_uploads"

    /// Two stores may give the same id.
    fileprivate var storeID: String { "\(location) \(uploadID)" }

    /// Beside the row of the file, which another upload may take.
    func write(_ origin: UploadOrigin, _ connection: Database, _ box: SecretBox) throws {
        let sealed = try DestinationColumn.seal(DestinationChoice(origin.destination), table: Self.table, row: storeID, box)
        let values = ColumnValues([
            "id": storeID, "location": location, "upload_id": uploadID, "recording": origin.recording.rawValue, "object_key": origin.key,
            "attempts": 0, "due_at": 0, DestinationColumn.name: sealed,
        ])
        try values.upsert(into: Self.table, connection)
    }
}

extension LeftoverUpload {
    fileprivate init(_ row: Row, _ box: SecretBox) throws {
        let columns = ColumnReader(row: row, table: BegunUpload.table)
        self.init(
            upload: BegunUpload(location: try columns.text("location"), uploadID: try columns.text("upload_id")),
            origin: UploadOrigin(
                recording: RecordingID(try columns.text("recording")), destination: try DestinationColumn.open(columns, box).destination,
                key: try columns.text("object_key")),
            attempts: try columns.required(try columns.optionalCount("attempts")))
    }
}
