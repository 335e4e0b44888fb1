internal import Bridge
internal import BridgeModel
internal import Foundation
internal import GRDB

extension DeliveryRow {
    static let webhookTable = "webhooks"

    /// Inserts the webhook behind those of its session and receiver, or writes what an attempt changes of it.
    func writeWebhook(to url: Redacted<String>, _ body: String, _ database: Database, _ box: SecretBox) throws {
        let receiver = WebhookReceiver(of: url, box)
        let sealed = try box.seal(url, for: Self.urlPlace(id.rawValue))
        let statement = try database.cachedStatement(
            sql: """
                INSERT INTO webhooks (id, terms, event, account, session, receiver, host, sealed_url, body, state, attempts, due_at, created_at,
                    last_status, last_error, waits)
                VALUES (:id, :terms, :event, :account, :session, :receiver, :host, :url, :body, :state, :attempts, :due, :created, :status, :error,
                    :terms = 'events' AND EXISTS (
                        SELECT 1 FROM webhooks
                        WHERE session = :session AND receiver = :receiver AND state = 'pending' AND terms = 'events'))
                ON CONFLICT (id) DO UPDATE SET state = excluded.state, attempts = excluded.attempts, due_at = excluded.due_at,
                    last_status = excluded.last_status, last_error = excluded.last_error
                """)
        try statement.execute(arguments: [
            "id": id.rawValue, "terms": terms.rawValue, "event": event?.rawValue, "account": account.rawValue,
            "session": session.rawValue, "receiver": receiver.id.rawValue, "host": receiver.host.rawValue, "url": sealed, "body": body,
            "state": state.rawValue, "attempts": attempts,
            "due": dueAt.nanoseconds, "created": createdAt.nanoseconds, "status": lastStatus, "error": lastError,
        ])
    }

    /// Makes the first of those due that waited behind a webhook which has ended.
    static func releaseNext(session: String, receiver: String, _ database: Database) throws {
        try database.cachedStatement(
            sql: """
                UPDATE webhooks SET waits = 0 WHERE number = (
                    SELECT number FROM webhooks
                    WHERE session = ? AND receiver = ? AND state = 'pending' AND terms = 'events' ORDER BY number LIMIT 1)
                """
        ).execute(arguments: [session, receiver])
    }

    /// A row of `webhooks`.
    init(webhook row: Row, _ box: SecretBox) throws {
        // The name of the former table, for which its URL is sealed.
        let columns = ColumnReader(row: row, table: Self.table)
        let url = try columns.required(try columns.secret("sealed_url", box))
        self.init(
            id: DeliveryID(try columns.text("id")), work: .webhook(url: url, body: try columns.text("body")),
            account: AccountID(try columns.text("account")), session: SessionID(try columns.text("session")),
            state: try columns.value("state"), attempts: try columns.required(try columns.optionalCount("attempts")),
            dueAt: try columns.moment("due_at"), createdAt: try columns.moment("created_at"))
        lastStatus = try columns.optionalCount("last_status")
        lastError = columns.optionalText("last_error")
        terms = try columns.value("terms")
        event = columns.optionalText("event").map { EventID($0) }
        receiver = WebhookReceiver(id: ReceiverID(try columns.text("receiver")), host: ReceiverHostID(try columns.text("host")))
    }
}

extension WebhookReceiver {
    /// What is no URL is nobody's host but its own.
    fileprivate init(of url: Redacted<String>, _ box: SecretBox) {
        let origin = (try? DeliveryURL(parsing: url, rules: AddressRules(allowPrivate: true)))?.origin
        self.init(
            id: ReceiverID(box.fingerprint(of: url)), host: ReceiverHostID(box.fingerprint(of: Redacted(origin ?? url.revealed))))
    }
}

extension AttemptRecord {
    static let table = "webhook_attempts"

    /// Appends the line to the log of a webhook.
    func append(to webhook: DeliveryID, _ database: Database) throws {
        let headers = String(decoding: try JSONEncoder().encode(requestHeaders), as: UTF8.self)
        try database.cachedStatement(
            sql: """
                INSERT INTO webhook_attempts (
                    webhook, attempt, began_at, duration_nanoseconds, status, error, request_headers, reply)
                SELECT number, 1 + coalesce((SELECT max(attempt) FROM webhook_attempts WHERE webhook = number), 0), ?, ?, ?, ?, ?, ?
                FROM webhooks WHERE id = ?
                """
        ).execute(arguments: [
            beganAt.nanoseconds, duration.wholeNanoseconds, status, error, headers, reply.replacing("\0", with: "\u{FFFD}"),
            webhook.rawValue,
        ])
    }

    init(_ row: Row) throws {
        let columns = ColumnReader(row: row, table: Self.table)
        let headers = Data(try columns.text("request_headers").utf8)
        self.init(
            number: try columns.required(try columns.optionalCount("attempt")), beganAt: try columns.moment("began_at"),
            duration: .nanoseconds(try columns.integer("duration_nanoseconds")),
            status: try columns.required(try columns.optionalCount("status")), error: columns.optionalText("error"),
            requestHeaders: try JSONDecoder().decode([Header].self, from: headers), reply: try columns.text("reply"))
    }
}
