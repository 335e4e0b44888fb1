package import Bridge
package import BridgeModel
internal import Foundation
internal import GRDB
package import Logging

/// The ledger in SQLite. Commits are serialised by the database's one writer, and each is on disk when it returns; reads see the last commit.
package final class SQLiteLedger: Ledger {
    let database: StorageDatabase
    let logger: Logger

    /// Shares the database with the key store. `logger` hears of rows that cannot be read.
    package init(_ database: StorageDatabase, logger: Logger) {
        self.database = database
        self.logger = logger
    }

    package func commit(_ changes: [LedgerChange]) async throws(BridgeError) {
        let box = database.box
        try await database.write { connection in try Self.write(changes, connection, box) }
    }

    static func write(_ changes: [LedgerChange], _ connection: Database, _ box: SecretBox) throws {
        for change in changes {
            switch change {
            case .session(let row): try row.write(connection, box)
            case .recording(let row): try row.write(connection, box)
            case .segment(let row): try row.write(connection)
            case .progress(let row): try row.writeProgress(connection)
            case .digest(let recording, let number, let sha256):
                try connection.execute(
                    sql: "UPDATE segments SET sha256 = ? WHERE recording = ? AND number = ?",
                    arguments: [sha256, recording.rawValue, number])
            case .delivery(let row): try row.write(connection, box)
            case .streamEvent(let event): try event.write(connection)
            case .event(let draft, let receiver): try EventTable(connection, box).write(draft, receiver: receiver)
            case .hold(let recording, let hold): try RecordingHold.write(hold, of: recording, connection)
            case .deletion(let recording, let deletion): try deletion.write(of: recording, connection)
            case .audit(let draft): try draft.append(connection)
            case .roomRecording(let row): try row.write(connection)
            case .roomRecordingGone(let id): try RoomRecordingRow.remove(id, connection)
            }
        }
    }

    /// Another number after each commit, be it of this process or of another.
    package func revision() throws(BridgeError) -> Int64 { try database.revision() }

    package func recording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow? {
        try await recordings("WHERE id = ?", [id.rawValue]).first
    }

    package func recordings(in states: Set<RecordingState>) async throws(BridgeError) -> [RecordingRow] {
        try await recordings(
            "WHERE state IN (\(Self.places(states.count))) ORDER BY started_at, id", StatementArguments(states.map(\.rawValue)))
    }

    package func recentRecordings(limit: Int, after: RecordingID?) async throws(BridgeError) -> [RecordingRow] {
        let newestFirst = "ORDER BY started_at DESC, id DESC LIMIT ?"
        guard let after else { return try await recordings(newestFirst, [max(0, limit)]) }
        return try await recordings(
            "WHERE (started_at, id) < (SELECT started_at, id FROM recordings WHERE id = ?) " + newestFirst, [after.rawValue, max(0, limit)])
    }

    package func session(_ id: SessionID) async throws(BridgeError) -> SessionRow? {
        try await sessions("WHERE id = ?", [id.rawValue]).first
    }

    package func sessions(in states: Set<SessionRow.State>) async throws(BridgeError) -> [SessionRow] {
        try await sessions(
            "WHERE state IN (\(Self.places(states.count))) ORDER BY created_at, id", StatementArguments(states.map(\.rawValue)))
    }

    /// Pending rows of a kind of work that are due.
    func due(_ work: String, at now: WallTime, limit: Int, excluding: Set<DeliveryID>) async throws(BridgeError) -> [DeliveryRow] {
        let box = database.box
        // The ids travel as one JSON value: their number is not limited by SQLite's count of parameters.
        let arguments: StatementArguments = [work, now.nanoseconds, try Self.jsonArray(excluding.map(\.rawValue)), max(0, limit)]
        let rows = try await database.read { connection in
            try Row.fetchAll(
                connection.cachedStatement(
                    sql: """
                        SELECT * FROM deliveries
                        WHERE state = 'pending' AND work = ? AND due_at <= ? AND id NOT IN (SELECT value FROM json_each(?))
                        ORDER BY due_at, id LIMIT ?
                        """),
                arguments: arguments
            ).map { row in (id: row["id"] as String, delivery: try? DeliveryRow(row, box)) }
        }
        let unreadable = rows.filter { $0.delivery == nil }.map(\.id)
        if !unreadable.isEmpty { try await giveUp(unreadable) }
        return rows.compactMap(\.delivery)
    }

    /// One damaged row must not hold up the whole outbox: it is set aside as dead, for the operator to see.
    private func giveUp(_ unreadable: [String]) async throws(BridgeError) {
        for id in unreadable { logger.error("a delivery cannot be read and is given up", metadata: ["delivery": "\(id)"]) }
        let ids = try Self.jsonArray(unreadable)
        try await database.write { connection in
            try connection.execute(
                sql: "UPDATE deliveries SET state = 'dead', last_error = ? WHERE id IN (SELECT value FROM json_each(?))",
                arguments: ["the row cannot be read: restore the database from a backup", ids])
        }
    }

    package func nextDeliveryDue() async throws(BridgeError) -> WallTime? {
        try await database.read { connection in
            let uploads = try Int64.fetchOne(connection.cachedStatement(sql: "SELECT min(due_at) FROM deliveries WHERE state = 'pending'"))
            let webhooks = try Int64.fetchOne(
                connection.cachedStatement(sql: "SELECT min(due_at) FROM webhooks WHERE state = 'pending' AND waits = 0"))
            return [uploads, webhooks].compactMap { $0 }.min()
        }.map(WallTime.init(nanoseconds:))
    }

    /// One row of the outbox, in any state; nil when there is none.
    package func delivery(_ id: DeliveryID) async throws(BridgeError) -> DeliveryRow? {
        if let upload = try await deliveries("WHERE id = ?", [id.rawValue]).first { return upload }
        return try await webhook(id)
    }

    /// Removes deliveries that ended (`delivered` or `dead`) and were last due before this moment, webhooks with their log; returns how many. An upload
    /// that was delivered stays as long as its object may: it says where that is.
    package func pruneDeliveries(before: WallTime) async throws(BridgeError) -> Int {
        let ended = [
            "deliveries": """
            state = 'dead' OR state = 'delivered' AND NOT EXISTS (
                SELECT 1 FROM recordings WHERE id = deliveries.recording AND NOT coalesce(deletion_step = 'done' AND deletion_destination, 0))
            """,
            "webhooks": "state <> 'pending'",
        ]
        return try await database.write { connection in
            try ended.reduce(0) { count, table in
                try connection.execute(
                    sql: "DELETE FROM \(table.key) WHERE (\(table.value)) AND due_at < ?", arguments: [before.nanoseconds])
                return count + connection.changesCount
            }
        }
    }
}

extension SQLiteLedger {
    private func recordings(_ clause: String, _ arguments: StatementArguments) async throws(BridgeError) -> [RecordingRow] {
        let box = database.box
        return try await database.read { connection in
            try Row.fetchAll(connection, sql: "SELECT * FROM recordings \(clause)", arguments: arguments).map { try RecordingRow($0, box) }
        }
    }

    private func sessions(_ clause: String, _ arguments: StatementArguments) async throws(BridgeError) -> [SessionRow] {
        let box = database.box
        return try await database.read { connection in
            try Row.fetchAll(connection, sql: "SELECT * FROM sessions \(clause)", arguments: arguments).map { try SessionRow($0, box) }
        }
    }

    private func deliveries(_ clause: String, _ arguments: StatementArguments) async throws(BridgeError) -> [DeliveryRow] {
        let box = database.box
        return try await database.read { connection in
            try Row.fetchAll(connection, sql: "SELECT * FROM deliveries \(clause)", arguments: arguments).map { try DeliveryRow($0, box) }
        }
    }

    static func jsonArray(_ ids: [String]) throws(BridgeError) -> String {
        do {
            return String(decoding: try JSONEncoder().encode(ids), as: UTF8.self)
        } catch {
            throw BridgeError(.internal, "the ids of the deliveries under way cannot be written as JSON: report this as a bug")
        }
    }

    static func places(_ count: Int) -> String {
        Array(repeating: "?", count: count).joined(separator: ", ")
    }
}
