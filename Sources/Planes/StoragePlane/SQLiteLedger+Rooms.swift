package import Bridge
package import BridgeModel
internal import GRDB

extension SQLiteLedger: RoomRecordingLedger {
    package func roomRecordings(_ query: RoomRecordingQuery) async throws(BridgeError) -> [RoomRecordingRow] {
        var conditions = ["1"]
        var arguments = StatementArguments()
        func require(_ condition: String, _ value: (any DatabaseValueConvertible)?) {
            guard let value else { return }
            conditions.append(condition)
            arguments += [value]
        }
        require("room = ?", query.room?.rawValue)
        require("(ended_at IS NULL OR ended_at > ?)", query.from?.nanoseconds)
        require("started_at < ?", query.to?.nanoseconds)
        require("(started_at, id) < (SELECT started_at, id FROM room_recordings WHERE id = ?)", query.after?.rawValue)
        let filter = conditions.joined(separator: " AND ")
        return try await roomRecordings("WHERE \(filter) ORDER BY started_at DESC, id DESC LIMIT ?", arguments + [max(0, query.limit)])
    }

    package func roomRecording(_ id: RoomRecordingID) async throws(BridgeError) -> RoomRecordingRow? {
        try await roomRecordings("WHERE id = ?", [id.rawValue]).first
    }

    package func roomRecordings(drawnOn stream: StreamID, limit: Int) async throws(BridgeError) -> [RoomRecordingID] {
        try await database.read { connection in
            try String.fetchAll(
                connection.cachedStatement(
                    sql: """
                        SELECT id FROM room_recordings
                        WHERE id IN (SELECT room_recording FROM room_recording_parts WHERE stream = ? AND is_drawn_on)
                        ORDER BY started_at DESC, id DESC LIMIT ?
                        """), arguments: [stream.rawValue, max(0, limit)])
        }.map { RoomRecordingID($0) }
    }

    package func roomRecordingIDs() async throws(BridgeError) -> [RoomRecordingID: Bool] {
        try await database.read { connection in
            let rows = try Row.fetchAll(connection, sql: "SELECT id, is_ready FROM room_recordings")
            return Dictionary(rows.map { (RoomRecordingID($0["id"]), $0["is_ready"] as Bool) }, uniquingKeysWith: { $1 })
        }
    }

    package func roomPictures() async throws(BridgeError) -> Set<String> {
        try await database.read { connection in try String.fetchSet(connection, sql: "SELECT id FROM room_recording_pictures") }
    }

    package func removeRoomRecordings(
        endedBefore age: WallTime?, at now: WallTime, limit: Int
    ) async throws(BridgeError) -> [RoomRecordingRow] {
        let limit = max(0, limit)
        return try await database.write { connection in
            let going = try Row.fetchAll(
                connection.cachedStatement(sql: Self.going), arguments: [age?.nanoseconds ?? .min, limit]
            ).map { try RoomRecordingRow($0, connection) }
            for var row in going {
                let isOld = age.map { row.endedAt ?? now < $0 } ?? false
                row.removal = DeletionOrder(by: .retention, cause: isOld ? "age" : "recordings", includesDestination: false)
                try row.write(connection)
                try row.audit(.delete, by: .retention, detail: isOld ? "age" : "its recordings are gone", at: now).append(connection)
            }
            return try Row.fetchAll(
                connection.cachedStatement(
                    sql: "SELECT * FROM room_recordings WHERE removal_actor IS NOT NULL ORDER BY started_at, id LIMIT ?"),
                arguments: [limit]
            ).map { try RoomRecordingRow($0, connection) }
        }
    }

    private static let final = RecordingState.allCases.filter(\.isFinal).map { "'\($0.rawValue)'" }.joined(separator: ", ")

    /// `?1`: what ended before goes in any case where nothing speaks for it; `?2`: how many. Of no part something is left, held, or on its way; and either
    /// all that had files were removed, or what belongs to the room is at its destination: the manifest and each picture.
    private static let going = """
        SELECT * FROM room_recordings AS room WHERE is_ready AND removal_actor IS NULL
            AND NOT EXISTS (
                SELECT 1 FROM room_recording_parts AS part JOIN recordings ON recordings.id = part.recording
                WHERE part.room_recording = room.id AND (
                    hold_reason IS NOT NULL OR state NOT IN (\(final))
                    OR EXISTS (SELECT 1 FROM segments WHERE recording = recordings.id AND segments.state <> 'removed')
                    OR EXISTS (SELECT 1 FROM deliveries WHERE recording = recordings.id AND deliveries.state = 'pending')))
            AND (ended_at < ?1
                OR EXISTS (
                    SELECT 1 FROM room_recording_parts AS part JOIN segments ON segments.recording = part.recording
                    WHERE part.room_recording = room.id)
                AND (NOT EXISTS (
                        SELECT 1 FROM room_recording_parts AS part JOIN recordings ON recordings.id = part.recording
                        WHERE part.room_recording = room.id AND deletion_step IS NULL
                            AND EXISTS (SELECT 1 FROM segments WHERE recording = recordings.id))
                    OR host IS NOT NULL AND (
                        SELECT count(DISTINCT file) FROM deliveries
                        WHERE recording = room.host AND state = 'delivered' AND substr(file, 1, length(room.host) + 5) = room.host || '.room'
                    ) > (SELECT count(*) FROM room_recording_pictures WHERE room_recording = room.id)))
        ORDER BY started_at, id LIMIT ?2
        """

    private func roomRecordings(_ clause: String, _ arguments: StatementArguments) async throws(BridgeError) -> [RoomRecordingRow] {
        try await database.read { connection in
            try Row.fetchAll(connection, sql: "SELECT * FROM room_recordings \(clause)", arguments: arguments).map {
                try RoomRecordingRow($0, connection)
            }
        }
    }
}
