internal import Bridge
internal import BridgeModel
internal import GRDB

/// A destination in three columns, of which at most one besides the kind is filled.
struct DestinationColumns {
    var kind: String
    var folder: String?
    var url: Redacted<String>?

    init(_ destination: Destination) {
        switch destination {
        case .keep: kind = "keep"
        case .folder(let path): (kind, folder) = ("folder", path)
        case .put(let url): (kind, self.url) = ("put", url)
        }
    }

    init(kind: String, folder: String?, url: Redacted<String>?) {
        self.kind = kind
        self.folder = folder
        self.url = url
    }

    /// nil when the columns do not fit each other.
    var destination: Destination? {
        switch (kind, folder, url) {
        case ("keep", _, _): .keep
        case ("folder", .some(let path), _): .folder(path: path)
        case ("put", _, .some(let url)): .put(url: url)
        default: nil
        }
    }
}

extension RecordingRow {
    static let table = "recordings"

    func write(_ database: Database, _ box: SecretBox) throws {
        let target = DestinationColumns(destination)
        var values = ColumnValues([
            "id": id.rawValue, "session": context.session.rawValue, "state": state.rawValue, "container": container.rawValue, "file": file,
            "destination": target.kind, "destination_folder": target.folder,
            "sealed_destination_url": try box.seal(target.url, for: Self.place("sealed_destination_url", id.rawValue)),
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
        let target = DestinationColumns(
            kind: try columns.text("destination"), folder: columns.optionalText("destination_folder"),
            url: try box.openText(columns.optionalBlob("sealed_destination_url"), for: Self.place("sealed_destination_url", id)))
        self.init(
            id: RecordingID(id), context: try SessionContext(session: try columns.text("session"), columns),
            state: try columns.value("state"),
            container: try columns.value("container"), file: try columns.text("file"),
            destination: try columns.required(target.destination),
            webhookURL: try box.openText(columns.optionalBlob("sealed_webhook_url"), for: Self.place("sealed_webhook_url", id)),
            startedAt: try columns.moment("started_at"))
        firstFrameWrittenAt = columns.optionalMoment("first_frame_written_at")
        firstFrameCapturedAt = columns.optionalMoment("first_frame_captured_at")
        stoppedAt = columns.optionalMoment("stopped_at")
        durationMilliseconds = columns.optionalInteger("duration_milliseconds")
        sizeBytes = columns.optionalInteger("size_bytes")
        let code: BridgeError.Code? = try columns.optionalValue("failure_code")
        failure = code.map { BridgeError($0, columns.optionalText("failure_message") ?? "") }
        uploadStatus = try columns.optionalCount("upload_status")
    }

    private static func place(_ column: String, _ id: String) -> SecretBox.Place {
        SecretBox.Place(table: table, column: column, row: id)
    }
}
