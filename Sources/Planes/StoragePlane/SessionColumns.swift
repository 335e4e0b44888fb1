internal import Bridge
internal import BridgeModel
internal import GRDB

extension SessionContext {
    /// The columns shared by `sessions` and `recordings`; the session's own id stands in another column in each.
    var columns: ColumnValues {
        ColumnValues([
            "account": account.rawValue, "client": client.rawValue, "stream": stream.rawValue, "direction": direction.rawValue,
        ])
    }

    init(session: String, _ columns: ColumnReader) throws {
        self.init(
            session: SessionID(session), account: AccountID(try columns.text("account")), client: ClientID(try columns.text("client")),
            stream: StreamID(try columns.text("stream")), direction: try columns.value("direction"))
    }
}

extension SessionRow {
    static let table = "sessions"

    func write(_ database: Database, _ box: SecretBox) throws {
        let id = context.session.rawValue
        var values = ColumnValues([
            "id": id, "state": state.rawValue, "sealed_webhook_url": try box.seal(webhookURL, for: Self.webhookPlace(id)),
            "created_at": createdAt.nanoseconds, "ended_at": endedAt?.nanoseconds, "cause": cause?.rawValue,
        ])
        values.append(context.columns)
        try values.upsert(into: Self.table, database)
    }

    init(_ row: Row, _ box: SecretBox) throws {
        let columns = ColumnReader(row: row, table: Self.table)
        let id = try columns.text("id")
        self.init(
            context: try SessionContext(session: id, columns), state: try columns.value("state"),
            webhookURL: try box.openText(columns.optionalBlob("sealed_webhook_url"), for: Self.webhookPlace(id)),
            createdAt: try columns.moment("created_at"))
        endedAt = columns.optionalMoment("ended_at")
        cause = try columns.optionalValue("cause")
    }

    private static func webhookPlace(_ id: String) -> SecretBox.Place {
        SecretBox.Place(table: table, column: "sealed_webhook_url", row: id)
    }
}
