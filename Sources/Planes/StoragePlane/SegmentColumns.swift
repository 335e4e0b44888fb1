internal import Bridge
internal import BridgeModel
internal import Foundation
internal import GRDB

extension SegmentRow {
    static let table = "segments"

    private func gapsText() throws -> String { String(decoding: try JSONEncoder().encode(gaps.map(StoredGap.init)), as: UTF8.self) }

    /// What has grown, as long as it is being recorded: a word that comes late never takes anything back.
    func writeProgress(_ database: Database) throws {
        try database.cachedStatement(
            sql: """
                UPDATE segments SET duration = ?, size_bytes = ?, ends_at = ?, gaps = ?
                WHERE recording = ? AND number = ? AND state = 'recording' AND size_bytes <= ?
                """
        ).execute(arguments: [
            duration.wholeNanoseconds, sizeBytes, endsAt?.nanoseconds, try gapsText(), recording.rawValue, number, sizeBytes,
        ])
    }

    func write(_ database: Database) throws {
        try ColumnValues([
            "recording": recording.rawValue, "number": number, "stream": stream.rawValue, "state": state.rawValue,
            "container": container.rawValue, "file": file, "started_at": startedAt?.nanoseconds, "ends_at": endsAt?.nanoseconds,
            "duration": duration.wholeNanoseconds, "size_bytes": sizeBytes, "sha256": sha256, "gaps": try gapsText(),
            "failure_code": failure?.code.rawValue, "failure_message": failure?.message,
        ]).upsert(into: Self.table, key: "recording, number", database)
    }

    init(_ row: Row) throws {
        let columns = ColumnReader(row: row, table: Self.table)
        self.init(
            recording: RecordingID(try columns.text("recording")), number: try columns.required(try columns.optionalCount("number")),
            stream: StreamID(try columns.text("stream")), container: try columns.value("container"), file: try columns.text("file"),
            state: try columns.value("state"))
        startedAt = columns.optionalMoment("started_at")
        duration = .nanoseconds(try columns.integer("duration"))
        sizeBytes = try columns.integer("size_bytes")
        sha256 = columns.optionalText("sha256")
        let stored = try? JSONDecoder().decode([StoredGap].self, from: Data(try columns.text("gaps").utf8))
        gaps = try columns.required(stored).map(\.gap)
        let code: BridgeError.Code? = try columns.optionalValue("failure_code")
        failure = code.map { BridgeError($0, columns.optionalText("failure_message") ?? "") }
    }

    /// A gap as the column has it: nanoseconds.
    private struct StoredGap: Codable {
        var offset: Int64
        var length: Int64
        var cause: RecordingGap.Cause

        init(_ gap: RecordingGap) {
            (offset, length, cause) = (gap.offset.wholeNanoseconds, gap.length.wholeNanoseconds, gap.cause)
        }

        var gap: RecordingGap { RecordingGap(offset: .nanoseconds(offset), length: .nanoseconds(length), cause: cause) }
    }
}
