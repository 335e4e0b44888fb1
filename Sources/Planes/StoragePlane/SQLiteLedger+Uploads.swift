package import Bridge
package import BridgeModel
internal import GRDB

extension SQLiteLedger: UploadLedger {
    package func dueUploads(at now: WallTime, limit: Int, excluding: Set<DeliveryID>) async throws(BridgeError) -> [DeliveryRow] {
        try await due("upload", at: now, limit: limit, excluding: excluding)
    }

    package func begunUpload(of file: String) async throws(BridgeError) -> BegunUpload? {
        try await database.read { connection in
            try Row.fetchOne(connection.cachedStatement(sql: "SELECT * FROM uploads WHERE file = ?"), arguments: [file]).map { row in
                let columns = ColumnReader(row: row, table: "uploads")
                return BegunUpload(location: try columns.text("location"), uploadID: try columns.text("upload_id"))
            }
        }
    }

    package func begin(_ upload: BegunUpload, from origin: UploadOrigin?, of file: String) async throws(BridgeError) {
        try await database.write { [box = database.box] connection in
            try connection.execute(sql: "DELETE FROM uploads WHERE file = ?", arguments: [file])
            try connection.execute(
                sql: "INSERT INTO uploads (file, location, upload_id) VALUES (?, ?, ?)",
                arguments: [file, upload.location, upload.uploadID])
            if let origin { try upload.write(origin, connection, box) }
        }
    }

    package func sentParts(of file: String) async throws(BridgeError) -> [SentPart] {
        try await database.read { connection in
            try Row.fetchAll(
                connection.cachedStatement(sql: "SELECT * FROM upload_parts WHERE file = ? ORDER BY number"), arguments: [file]
            ).map { row in
                let columns = ColumnReader(row: row, table: "upload_parts")
                let number = try columns.required(try columns.optionalCount("number"))
                let part = StoredPart(number: number, entityTag: try columns.text("entity_tag"), size: try columns.integer("size"))
                return SentPart(part, md5: try columns.text("md5"))
            }
        }
    }

    package func sent(_ part: SentPart, of file: String) async throws(BridgeError) {
        try await database.write { connection in
            try connection.execute(
                sql: "INSERT OR REPLACE INTO upload_parts (file, number, entity_tag, size, md5) VALUES (?, ?, ?, ?, ?)",
                arguments: [file, part.part.number, part.part.entityTag, part.part.size, part.md5])
        }
    }

    package func forgetUpload(of file: String) async throws(BridgeError) {
        try await database.write { connection in
            try connection.execute(
                sql: """
                    DELETE FROM store_uploads WHERE EXISTS (
                        SELECT 1 FROM uploads
                        WHERE file = ? AND uploads.location = store_uploads.location AND uploads.upload_id = store_uploads.upload_id)
                    """, arguments: [file])
            try connection.execute(sql: "DELETE FROM uploads WHERE file = ?", arguments: [file])
        }
    }

    package func leaveUpload(of file: String) async throws(BridgeError) {
        try await database.write { connection in
            try connection.execute(sql: "DELETE FROM uploads WHERE file = ?", arguments: [file])
        }
    }
}
