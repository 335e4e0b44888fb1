package import Bridge
package import BridgeModel
internal import GRDB

extension SQLiteLedger: SegmentLedger {
    package func segments(of recording: RecordingID) async throws(BridgeError) -> [SegmentRow] {
        try await segments("WHERE recording = ? ORDER BY number", [recording.rawValue])
    }

    package func segments(of stream: StreamID, from: WallTime, to: WallTime, limit: Int) async throws(BridgeError) -> [SegmentRow] {
        try await segments(
            """
            WHERE stream = ? AND started_at < ? AND (ends_at > ? OR state IN ('recording', 'closing'))
            ORDER BY started_at, recording, number LIMIT ?
            """, [stream.rawValue, to.nanoseconds, from.nanoseconds, max(0, limit)])
    }

    package func segments(in states: Set<SegmentState>, limit: Int) async throws(BridgeError) -> [SegmentRow] {
        try await segments(
            "WHERE state IN (\(Self.places(states.count))) ORDER BY started_at, recording, number LIMIT ?",
            StatementArguments(states.map(\.rawValue)) + [max(0, limit)])
    }

    @discardableResult
    package func settle(
        _ recording: RecordingID, _ decide: @escaping @Sendable (RecordingRow, [SegmentRow]) -> [LedgerChange]
    ) async throws(BridgeError) -> [LedgerChange] {
        let box = database.box
        return try await database.write { connection in
            let sql = "SELECT * FROM recordings WHERE id = ?"
            guard let row = try Row.fetchOne(connection, sql: sql, arguments: [recording.rawValue]) else { return [] }
            let segments = try Row.fetchAll(
                connection, sql: "SELECT * FROM segments WHERE recording = ? ORDER BY number", arguments: [recording.rawValue])
            let changes = decide(try RecordingRow(row, box), try segments.map { try SegmentRow($0) })
            try Self.write(changes, connection, box)
            return changes
        }
    }

    private func segments(_ clause: String, _ arguments: StatementArguments) async throws(BridgeError) -> [SegmentRow] {
        try await database.read { connection in
            try Row.fetchAll(connection, sql: "SELECT * FROM segments \(clause)", arguments: arguments).map { try SegmentRow($0) }
        }
    }
}
