import Bridge
import BridgeModel
import Logging
import Testing

@testable import StoragePlane

/// Segments in SQLite.
struct SegmentLedgerTests {
    private func segment(_ number: Int, recording: String = "r1", stream: String = "front", from: Int64? = nil, seconds: Int64 = 10)
        -> SegmentRow
    {
        var row = SegmentRow(
            recording: RecordingID(recording), number: number, stream: StreamID(stream), container: .webm,
            file: SegmentRow.fileName(of: RecordingID(recording), number: number, container: .webm))
        row.startedAt = from.map { WallTime(milliseconds: $0 * 1000) }
        row.duration = .seconds(seconds)
        return row
    }

    @Test func aSegmentComesBackAsItWasWritten() async throws {
        let folder = try DataFolder()
        let ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: Logger(label: "test"))
        var row = segment(2, from: 100)
        row.state = .failed
        row.sizeBytes = 12_345
        row.sha256 = String(repeating: "ab", count: 32)
        row.gaps = [
            RecordingGap(offset: .milliseconds(1500), length: .seconds(3), cause: .source),
            RecordingGap(offset: .seconds(8), length: .milliseconds(1), cause: .recorder),
        ]
        row.failure = BridgeError(.storageFull, "the disk is full")
        try await ledger.commit([.recording(Rows.recording("r1")), .segment(segment(1)), .segment(row)])
        #expect(try await ledger.segments(of: RecordingID("r1")) == [segment(1), row])
        row.state = .delivered
        row.failure = nil
        try await ledger.commit([.segment(row)])
        #expect(try await ledger.segments(of: RecordingID("r1")) == [segment(1), row], "the same segment is replaced")
    }

    @Test func aSegmentWithoutItsRecordingIsRefused() async throws {
        let folder = try DataFolder()
        let ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: Logger(label: "test"))
        await #expect(throws: BridgeError.self) { try await ledger.commit([.segment(segment(1))]) }
    }

    @Test func aTimeFindsWhatOverlapsIt() async throws {
        let folder = try DataFolder()
        let ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: Logger(label: "test"))
        var growing = segment(3, from: 120, seconds: 1)
        growing.state = .recording
        let complete = [segment(1, from: 100), segment(2, from: 110)].map { row in
            var row = row
            row.state = .ready
            return row
        }
        let others = [segment(1, recording: "r2", stream: "back", from: 100), segment(4)]
        try await ledger.commit(
            [.recording(Rows.recording("r1")), .recording(Rows.recording("r2"))]
                + (complete + [growing] + others).map { .segment($0) })
        func found(_ from: Int64, _ to: Int64, limit: Int = 10) async throws -> [Int] {
            try await ledger.segments(
                of: StreamID("front"), from: WallTime(milliseconds: from * 1000), to: WallTime(milliseconds: to * 1000), limit: limit
            ).map(\.number)
        }
        #expect(try await found(0, 1000) == [1, 2, 3])
        #expect(try await found(0, 1000, limit: 2) == [1, 2])
        #expect(try await found(105, 110) == [1])
        #expect(try await found(110, 111) == [2], "the end is not part of a segment")
        #expect(try await found(500, 600) == [3], "what is being written has no end yet")
        #expect(try await found(0, 100) == [])
    }

    @Test func aStateFindsItsSegmentsOldestFirst() async throws {
        let folder = try DataFolder()
        let ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: Logger(label: "test"))
        var rows = [segment(1, from: 300), segment(2, from: 100), segment(3, from: 200)]
        for index in rows.indices { rows[index].state = .delivered }
        try await ledger.commit([.recording(Rows.recording("r1")), .segment(segment(4, from: 1))] + rows.map { .segment($0) })
        #expect(try await ledger.segments(in: [.delivered], limit: 2).map(\.number) == [2, 3])
        #expect(try await ledger.segments(in: [], limit: 2).isEmpty)
    }
}
