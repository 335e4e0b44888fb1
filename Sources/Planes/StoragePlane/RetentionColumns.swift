internal import Bridge
internal import BridgeModel
internal import GRDB

extension RecordingHold {
    static func write(_ hold: RecordingHold?, of recording: RecordingID, _ database: Database) throws {
        try database.cachedStatement(sql: "UPDATE recordings SET hold_reason = ?, hold_actor = ?, hold_placed_at = ? WHERE id = ?")
            .execute(arguments: [hold?.reason, hold?.by.rawValue, hold?.placedAt.nanoseconds, recording.rawValue])
    }

    /// nil without a hold.
    init?(_ columns: ColumnReader) throws {
        guard let placedAt = columns.optionalMoment("hold_placed_at") else { return nil }
        self.init(
            reason: try columns.text("hold_reason"), by: AuditActor(rawValue: try columns.text("hold_actor")), placedAt: placedAt)
    }
}

extension Deletion {
    func write(of recording: RecordingID, _ database: Database) throws {
        try database.cachedStatement(
            sql: """
                UPDATE recordings SET deletion_step = ?, deletion_actor = ?, deletion_cause = ?, deletion_destination = ?,
                    deletion_ordered_at = ?, deletion_attempts = ?, deletion_due_at = ?, deletion_ended_at = ?, deletion_status = ?,
                    deletion_error = ?
                WHERE id = ?
                """
        ).execute(arguments: [
            step.rawValue, by.rawValue, cause, includesDestination, orderedAt.nanoseconds, attempts, dueAt.nanoseconds,
            endedAt?.nanoseconds, lastStatus, lastError, recording.rawValue,
        ])
    }

    /// nil where nothing was to be removed.
    init?(_ columns: ColumnReader) throws {
        guard let step: Step = try columns.optionalValue("deletion_step") else { return nil }
        let order = DeletionOrder(
            by: AuditActor(rawValue: try columns.text("deletion_actor")), cause: try columns.text("deletion_cause"),
            includesDestination: try columns.integer("deletion_destination") != 0)
        self.init(
            step: step, order: order, orderedAt: try columns.moment("deletion_ordered_at"), dueAt: try columns.moment("deletion_due_at"))
        attempts = try columns.required(try columns.optionalCount("deletion_attempts"))
        endedAt = columns.optionalMoment("deletion_ended_at")
        lastStatus = try columns.optionalCount("deletion_status")
        lastError = columns.optionalText("deletion_error")
    }
}

extension RetentionRule {
    init(_ row: Row) throws {
        let columns = ColumnReader(row: row, table: "retention_rules")
        self.init(
            age: columns.optionalInteger("age").map { .nanoseconds($0) }, bytes: columns.optionalInteger("bytes"),
            count: try columns.optionalCount("count"))
        includesDestination = try columns.integer("destination") != 0
        includesUndelivered = try columns.integer("undelivered") != 0
    }

    func columns(of stream: StreamID) -> ColumnValues {
        ColumnValues([
            "stream": stream.rawValue, "age": age?.wholeNanoseconds, "bytes": bytes, "count": count, "destination": includesDestination,
            "undelivered": includesUndelivered,
        ])
    }
}

extension AuditDraft {
    func append(_ database: Database) throws {
        try database.cachedStatement(
            sql: "INSERT INTO audit (at, actor, action, recording, stream, outcome, detail) VALUES (?, ?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            at.nanoseconds, actor.rawValue, action.rawValue, recording.rawValue, stream.rawValue, outcome.rawValue, detail,
        ])
    }
}

extension AuditEntry {
    init(_ row: Row) throws {
        let columns = ColumnReader(row: row, table: "audit")
        let draft = AuditDraft(
            try columns.value("action"), by: AuditActor(rawValue: try columns.text("actor")),
            recording: RecordingID(try columns.text("recording")), stream: StreamID(try columns.text("stream")),
            outcome: try columns.value("outcome"), detail: try columns.text("detail"), at: try columns.moment("at"))
        self.init(sequence: try columns.integer("sequence"), draft)
    }
}
