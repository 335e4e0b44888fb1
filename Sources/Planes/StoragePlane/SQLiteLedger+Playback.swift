package import Bridge
package import BridgeModel
internal import GRDB

extension SQLiteLedger: RecordingLibrary {
    package func recordings(
        of stream: StreamID, from: WallTime, to: WallTime, after last: RecordingRow?, limit: Int
    ) async throws(BridgeError) -> [RecordingRow] {
        let box = database.box
        let (moment, id) = (last?.startedAt.nanoseconds ?? .min, last?.id.rawValue ?? "")
        return try await database.read { connection in
            try Row.fetchAll(
                connection.cachedStatement(
                    sql: """
                        SELECT * FROM recordings
                        WHERE stream = ? AND started_at < ? AND (started_at, id) > (?, ?) AND (stopped_at IS NULL OR stopped_at > ?)
                        ORDER BY started_at, id LIMIT ?
                        """),
                arguments: [stream.rawValue, to.nanoseconds, moment, id, from.nanoseconds, max(0, limit)]
            ).map { try RecordingRow($0, box) }
        }
    }
}
