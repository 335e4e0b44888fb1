internal import Bridge
internal import BridgeModel
internal import GRDB

extension RoomRecordingRow {
    private static let table = "room_recordings"

    func write(_ database: Database) throws {
        try ColumnValues([
            "id": id.rawValue, "room": room.rawValue, "account": account.rawValue, "started_at": startedAt.nanoseconds,
            "ended_at": endedAt?.nanoseconds, "is_ready": isReady, "host": host?.rawValue, "removal_actor": removal?.by.rawValue,
            "removal_cause": removal?.cause, "removal_destination": removal?.includesDestination,
        ]).upsert(into: Self.table, database)
        for table in ["room_recording_parts", "room_recording_pictures"] {
            try database.cachedStatement(sql: "DELETE FROM \(table) WHERE room_recording = ?").execute(arguments: [id.rawValue])
        }
        for (place, part) in parts.enumerated() {
            try database.cachedStatement(sql: "INSERT INTO room_recording_parts VALUES (?, ?, ?, ?, ?, ?)").execute(arguments: [
                id.rawValue, part.recording.rawValue, part.stream.rawValue, part.isShared, part.isDrawnOn, place,
            ])
        }
        for (place, picture) in pictures.enumerated() {
            try database.cachedStatement(sql: "INSERT INTO room_recording_pictures VALUES (?, ?, ?)").execute(arguments: [
                id.rawValue, picture, place,
            ])
        }
    }

    static func remove(_ id: RoomRecordingID, _ database: Database) throws {
        try database.cachedStatement(sql: "DELETE FROM room_recordings WHERE id = ?").execute(arguments: [id.rawValue])
    }

    /// With its parts and pictures.
    init(_ row: Row, _ database: Database) throws {
        let columns = ColumnReader(row: row, table: Self.table)
        self.init(
            id: RoomRecordingID(try columns.text("id")), room: RoomID(try columns.text("room")),
            account: AccountID(try columns.text("account")), startedAt: try columns.moment("started_at"))
        endedAt = columns.optionalMoment("ended_at")
        isReady = try columns.integer("is_ready") != 0
        host = columns.optionalText("host").map { RecordingID($0) }
        if let actor = columns.optionalText("removal_actor") {
            removal = DeletionOrder(
                by: AuditActor(rawValue: actor), cause: try columns.text("removal_cause"),
                includesDestination: try columns.integer("removal_destination") != 0)
        }
        let ordered = "WHERE room_recording = ? ORDER BY place"
        parts = try Row.fetchAll(
            database.cachedStatement(sql: "SELECT * FROM room_recording_parts \(ordered)"), arguments: [id.rawValue]
        ).map { row in
            let columns = ColumnReader(row: row, table: "room_recording_parts")
            return Part(
                recording: RecordingID(try columns.text("recording")), stream: StreamID(try columns.text("stream")),
                isShared: try columns.integer("is_shared") != 0, isDrawnOn: try columns.integer("is_drawn_on") != 0)
        }
        pictures = try String.fetchAll(
            database.cachedStatement(sql: "SELECT id FROM room_recording_pictures \(ordered)"), arguments: [id.rawValue])
    }
}
