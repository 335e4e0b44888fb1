internal import Bridge
internal import BridgeModel
internal import GRDB

extension DeliveryRow {
    static let table = "deliveries"

    func write(_ database: Database, _ box: SecretBox) throws {
        if case .webhook(let url, let body) = work { return try writeWebhook(to: url, body, database, box) }
        var values = ColumnValues([
            "id": id.rawValue, "account": account.rawValue, "session": session.rawValue, "state": state.rawValue, "attempts": attempts,
            "due_at": dueAt.nanoseconds, "created_at": createdAt.nanoseconds, "last_status": lastStatus, "last_error": lastError,
        ])
        values.append(try workColumns(box))
        try values.upsert(into: Self.table, database)
    }

    private func workColumns(_ box: SecretBox) throws -> ColumnValues {
        switch work {
        case .upload(let recording, let file, let destination):
            let sealed = try DestinationColumn.seal(DestinationChoice(destination), table: Self.table, row: id.rawValue, box)
            return ColumnValues(["work": "upload", "recording": recording.rawValue, "file": file, DestinationColumn.name: sealed])
        case .webhook: return ColumnValues([:])
        }
    }

    init(_ row: Row, _ box: SecretBox) throws {
        let columns = ColumnReader(row: row, table: Self.table)
        self.init(
            id: DeliveryID(try columns.text("id")), work: try Self.work(columns, box), account: AccountID(try columns.text("account")),
            session: SessionID(try columns.text("session")), state: try columns.value("state"),
            attempts: try columns.required(try columns.optionalCount("attempts")), dueAt: try columns.moment("due_at"),
            createdAt: try columns.moment("created_at"))
        lastStatus = try columns.optionalCount("last_status")
        lastError = columns.optionalText("last_error")
    }

    private static func work(_ columns: ColumnReader, _ box: SecretBox) throws -> Work {
        switch try columns.text("work") {
        case "upload":
            return .upload(
                recording: RecordingID(try columns.text("recording")), file: try columns.text("file"),
                destination: try DestinationColumn.open(columns, box).destination)
        default:
            throw StorageFault.UnreadableRow(table: table, row: try columns.text("id"))
        }
    }

    /// Webhooks too are sealed for this place, where they lived once.
    static func urlPlace(_ id: String) -> SecretBox.Place {
        SecretBox.Place(table: table, column: "sealed_url", row: id)
    }
}
