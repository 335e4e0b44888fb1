package import Bridge
package import BridgeModel
internal import Foundation
internal import GRDB
internal import Logging

extension SQLiteLedger: WebhookQueue {
    package func dueWebhooks(
        at now: WallTime, limit: Int, excluding: WebhookExclusions
    ) async throws(BridgeError) -> [DeliveryRow] {
        let box = database.box
        let arguments = try Self.arguments([now.nanoseconds, max(0, limit)], excluding)
        let rows = try await database.read { connection in
            try Row.fetchAll(
                connection.cachedStatement(sql: "SELECT * FROM webhooks \(Self.ready) AND due_at <= ?1 ORDER BY due_at, number LIMIT ?2"),
                arguments: arguments
            ).map { row in (id: row["id"] as String, webhook: try? DeliveryRow(webhook: row, box)) }
        }
        let unreadable = rows.filter { $0.webhook == nil }.map(\.id)
        if !unreadable.isEmpty { try await giveUpWebhooks(unreadable) }
        return rows.compactMap(\.webhook)
    }

    package func nextWebhookDue(excluding: WebhookExclusions) async throws(BridgeError) -> WallTime? {
        let arguments = try Self.arguments([Int64.min, 1], excluding)
        return try await database.read { connection in
            try Int64.fetchOne(
                connection.cachedStatement(sql: "SELECT due_at FROM webhooks \(Self.ready) AND due_at >= ?1 ORDER BY due_at LIMIT ?2"),
                arguments: arguments)
        }.map(WallTime.init(nanoseconds:))
    }

    /// Two arguments of the query, then what is excluded. The ids travel as JSON values: their number is not limited by SQLite's count of parameters.
    private static func arguments(_ two: StatementArguments, _ excluding: WebhookExclusions) throws(BridgeError) -> StatementArguments {
        two + [
            try jsonArray(excluding.webhooks.map(\.rawValue)), try jsonArray(excluding.receivers.map(\.rawValue)),
            try jsonArray(excluding.hosts.map(\.rawValue)),
        ]
    }

    private static let ready = """
        WHERE state = 'pending' AND waits = 0 AND id NOT IN (SELECT value FROM json_each(?3))
        AND receiver NOT IN (SELECT value FROM json_each(?4)) AND host NOT IN (SELECT value FROM json_each(?5))
        """

    /// One damaged row must hold up neither the outbox nor its session: it is set aside as dead, for the operator to see.
    private func giveUpWebhooks(_ ids: [String]) async throws(BridgeError) {
        for id in ids { logger.error("a webhook cannot be read and is given up", metadata: ["delivery": "\(id)"]) }
        try await database.write { connection in
            for id in ids {
                try connection.execute(
                    sql: "UPDATE webhooks SET state = 'dead', last_error = ? WHERE id = ?",
                    arguments: ["the row cannot be read: restore the database from a backup", id])
                try Self.releaseNext(behind: id, connection)
            }
        }
    }

    private static func releaseNext(behind id: String, _ connection: Database) throws {
        let row = try Row.fetchOne(
            connection.cachedStatement(sql: "SELECT id, session, receiver FROM webhooks WHERE id = ? AND terms = 'events'"), arguments: [id]
        )
        guard let row else { return }
        let columns = ColumnReader(row: row, table: DeliveryRow.webhookTable)
        try DeliveryRow.releaseNext(session: try columns.text("session"), receiver: try columns.text("receiver"), connection)
    }

    package func settle(_ delivery: DeliveryRow, _ attempt: AttemptRecord) async throws(BridgeError) {
        let box = database.box
        try await database.write { connection in
            try delivery.write(connection, box)
            try attempt.append(to: delivery.id, connection)
            if delivery.state != .pending { try Self.releaseNext(behind: delivery.id.rawValue, connection) }
        }
    }

    package func webhookFigures() async throws(BridgeError) -> WebhookFigures {
        try await database.read { connection in
            let count = { state in
                try Int.fetchOne(
                    connection.cachedStatement(sql: "SELECT count(*) FROM webhooks WHERE state = ?"), arguments: [state]) ?? 0
            }
            return WebhookFigures(pending: try count("pending"), dead: try count("dead"))
        }
    }
}

// MARK: The operator's view

extension SQLiteLedger: DeliveryArchive {
    package func webhooks(in state: DeliveryRow.State?, limit: Int, after: DeliveryID?) async throws(BridgeError) -> [DeliveryRow] {
        let box = database.box
        let sql = """
            SELECT * FROM webhooks WHERE (?1 IS NULL OR state = ?1)
            AND (?2 IS NULL OR number < (SELECT number FROM webhooks WHERE id = ?2)) ORDER BY number DESC LIMIT ?3
            """
        return try await database.read { connection in
            try Row.fetchAll(connection, sql: sql, arguments: [state?.rawValue, after?.rawValue, max(0, limit)])
                .map { try DeliveryRow(webhook: $0, box) }
        }
    }

    package func webhook(_ id: DeliveryID) async throws(BridgeError) -> DeliveryRow? {
        let box = database.box
        return try await database.read { connection in
            try Row.fetchOne(connection, sql: "SELECT * FROM webhooks WHERE id = ?", arguments: [id.rawValue])
                .map { try DeliveryRow(webhook: $0, box) }
        }
    }

    package func attempts(of id: DeliveryID) async throws(BridgeError) -> [AttemptRecord] {
        let sql = """
            SELECT webhook_attempts.* FROM webhook_attempts JOIN webhooks ON webhooks.number = webhook WHERE webhooks.id = ?
            ORDER BY attempt
            """
        return try await database.read { connection in
            try Row.fetchAll(connection, sql: sql, arguments: [id.rawValue]).map { try AttemptRecord($0) }
        }
    }

    package func revive(_ id: DeliveryID, at now: WallTime) async throws(BridgeError) -> DeliveryRow? {
        _ = try await revive("id = ?2 AND state <> 'pending'", now, id.rawValue)
        return try await webhook(id)
    }

    package func reviveDead(at now: WallTime) async throws(BridgeError) -> Int {
        try await revive("state = 'dead'", now, nil)
    }

    /// Each waits behind whatever of its session is pending; where nothing is, the first of those that were revived goes on.
    private func revive(_ condition: String, _ now: WallTime, _ id: String?) async throws(BridgeError) -> Int {
        try await database.write { connection in
            let rows = try Row.fetchAll(
                connection, sql: "SELECT id, session, receiver FROM webhooks WHERE ?1 IS NOT NULL AND \(condition) ORDER BY number",
                arguments: id.map { [now.nanoseconds, $0] } ?? [now.nanoseconds])
            for row in rows { try Self.revive(ColumnReader(row: row, table: DeliveryRow.webhookTable), now, connection) }
            return rows.count
        }
    }

    private static func revive(_ columns: ColumnReader, _ now: WallTime, _ connection: Database) throws {
        let (session, receiver) = (try columns.text("session"), try columns.text("receiver"))
        try connection.cachedStatement(
            sql: """
                UPDATE webhooks SET state = 'pending', attempts = 0, due_at = ?1, waits = terms = 'events' AND EXISTS (
                    SELECT 1 FROM webhooks AS other WHERE other.session = ?2 AND other.receiver = ?3 AND other.state = 'pending'
                    AND other.terms = 'events' AND other.waits = 0)
                WHERE id = ?4
                """
        ).execute(arguments: [now.nanoseconds, session, receiver, try columns.text("id")])
    }
}
