package import Bridge
package import BridgeModel
internal import GRDB

extension SQLiteLedger: EventLog {
    package func events(after: Int64, limit: Int, session: SessionID?) async throws(BridgeError) -> EventPage {
        let limit = max(0, min(limit, Self.longestPage))
        let condition = session == nil ? "sequence > ?1" : "sequence > ?1 AND session = ?3"
        // One more than asked tells whether more follow.
        let arguments: StatementArguments = session.map { [after, limit + 1, $0.rawValue] } ?? [after, limit + 1]
        return try await database.read { connection in
            let rows = try Row.fetchAll(
                connection.cachedStatement(sql: "SELECT * FROM events WHERE \(condition) ORDER BY sequence LIMIT ?2"), arguments: arguments
            ).map { try EventRow($0) }
            let oldest = try Int64.fetchOne(connection.cachedStatement(sql: "SELECT min(sequence) FROM events"))
            return EventPage(events: Array(rows.prefix(limit)), hasMore: rows.count > limit, oldest: oldest)
        }
    }

    /// What is read at once, whatever is asked.
    private static let longestPage = 10_000

    package func openFacts() async throws(BridgeError) -> [OpenFact] {
        try await database.read { connection in
            try Row.fetchAll(connection, sql: "SELECT * FROM open_facts ORDER BY since, subject").map { try OpenFact($0) }
        }
    }

    /// Removes events from before this moment, of sessions that are over and have had none since; a session's events go together, so that their
    /// numbers have no holes. Returns how many.
    package func pruneEvents(before: WallTime) async throws(BridgeError) -> Int {
        try await database.write { connection in
            try connection.execute(
                sql: """
                    DELETE FROM events WHERE created_at < ?1 AND (session IS NULL OR (
                        NOT EXISTS (SELECT 1 FROM events AS newer WHERE newer.session = events.session AND newer.created_at >= ?1)
                        AND NOT EXISTS (SELECT 1 FROM open_facts WHERE open_facts.session = events.session)))
                    """,
                arguments: [before.nanoseconds])
            return connection.changesCount
        }
    }

    /// Removes what was reported of streams (`StreamEvent`) before this moment, with what it belongs to: an event stays as long as there is something
    /// of a recording that it began or prolonged, or that ran when it happened. Returns how many.
    package func pruneStreamEvents(before: WallTime) async throws(BridgeError) -> Int {
        try await database.write { connection in
            try connection.execute(
                sql: """
                    DELETE FROM stream_events WHERE at < ?1
                        AND NOT EXISTS (SELECT 1 FROM recordings WHERE id = stream_events.recording AND \(Self.isThere))
                        AND NOT EXISTS (
                            SELECT 1 FROM recordings WHERE recordings.stream = stream_events.stream AND started_at <= stream_events.at
                                AND coalesce(stopped_at, stream_events.at) >= stream_events.at AND \(Self.isThere))
                    """,
                arguments: [before.nanoseconds])
            return connection.changesCount
        }
    }

    /// Of a recording's row: it is held or not over, files of it are here, or its destination may have them.
    private static let isThere = """
        (hold_placed_at IS NOT NULL OR recordings.state NOT IN ('ready', 'delivered', 'failed')
            OR recordings.state = 'delivered' AND NOT coalesce(deletion_step = 'done' AND deletion_destination, 0)
            OR EXISTS (SELECT 1 FROM segments WHERE segments.recording = recordings.id AND segments.state <> 'removed' AND size_bytes > 0))
        """
}
