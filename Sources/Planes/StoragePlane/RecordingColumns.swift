internal import Bridge
internal import BridgeModel
internal import GRDB

extension RecordingRow {
    static let table = "recordings"

    func write(_ database: Database, _ box: SecretBox) throws {
        var values = ColumnValues([
            "id": id.rawValue, "session": context.session.rawValue, "state": state.rawValue, "container": container.rawValue, "file": file,
            "sealed_destination": try DestinationColumn.seal(choice, table: Self.table, row: id.rawValue, box),
            "sealed_webhook_url": try box.seal(webhookURL, for: Self.place("sealed_webhook_url", id.rawValue)),
        ])
        values.append(context.columns)
        values.append(progressColumns)
        try values.upsert(into: Self.table, database)
    }

    private var progressColumns: ColumnValues {
        ColumnValues([
            "started_at": startedAt.nanoseconds, "first_frame_written_at": firstFrameWrittenAt?.nanoseconds,
            "first_frame_captured_at": firstFrameCapturedAt?.nanoseconds, "stopped_at": stoppedAt?.nanoseconds,
            "duration_milliseconds": durationMilliseconds, "size_bytes": sizeBytes, "failure_code": failure?.code.rawValue,
            "failure_message": failure?.message, "upload_status": uploadStatus,
        ])
    }

    init(_ row: Row, _ box: SecretBox) throws {
        let columns = ColumnReader(row: row, table: Self.table)
        let id = try columns.text("id")
        let choice = try DestinationColumn.open(columns, box)
        self.init(
            id: RecordingID(id), context: try SessionContext(session: try columns.text("session"), columns),
            state: try columns.value("state"),
            container: try columns.value("container"), file: try columns.text("file"),
            destination: choice.destination,
            webhookURL: try columns.secret("sealed_webhook_url", box),
            startedAt: try columns.moment("started_at"))
        self.choice = choice
        firstFrameWrittenAt = columns.optionalMoment("first_frame_written_at")
        firstFrameCapturedAt = columns.optionalMoment("first_frame_captured_at")
        stoppedAt = columns.optionalMoment("stopped_at")
        durationMilliseconds = columns.optionalInteger("duration_milliseconds")
        sizeBytes = columns.optionalInteger("size_bytes")
        let code: BridgeError.Code? = try columns.optionalValue("failure_code")
        failure = code.map { BridgeError($0, columns.optionalText("failure_message") ?? "") }
        uploadStatus = try columns.optionalCount("upload_status")
        hold = try RecordingHold(columns)
        deletion = try Deletion(columns)
    }

    private static func place(_ column: String, _ id: String) -> SecretBox.Place {
        SecretBox.Place(table: table, column: column, row: id)
    }
}
