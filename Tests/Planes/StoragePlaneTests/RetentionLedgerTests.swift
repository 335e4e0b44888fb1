import Bridge
import BridgeModel
import GRDB
import Testing

@testable import StoragePlane

/// Holds, removals, rules and the audit log in SQLite.
struct RetentionLedgerTests {
    private let folder: DataFolder
    private let database: StorageDatabase
    private let ledger: SQLiteLedger
    private let order = DeletionOrder(by: .retention, cause: "count", includesDestination: true)

    init() throws {
        folder = try DataFolder()
        database = try StorageDatabase(dataFolder: folder.path)
        ledger = SQLiteLedger(database, logger: .silent)
    }

    private func segment(_ recording: String, _ state: SegmentState, bytes: Int64 = 10, _ number: Int = 1) -> SegmentRow {
        var row = SegmentRow(
            recording: RecordingID(recording), number: number, stream: StreamID("camera"), container: .webm,
            file: SegmentRow.fileName(of: RecordingID(recording), number: number, container: .webm), state: state)
        row.sizeBytes = bytes
        return row
    }

    @Test func aHoldAndARemovalOutliveTheRowsOfOthers() async throws {
        let hold = RecordingHold(reason: "case 7; ü'", by: AuditActor(rawValue: "operator:acme/desk"), placedAt: Rows.start)
        var deletion = Deletion(order, at: Rows.start)
        (deletion.attempts, deletion.lastStatus, deletion.lastError) = (3, 403, "locked")
        var row = Rows.fullRecording()
        try await ledger.commit([.recording(row), .hold(row.id, hold), .deletion(row.id, deletion)])
        // A recorder and an uploader know neither, and write their row whole.
        row.state = .delivered
        try await ledger.commit([.recording(row)])
        (row.hold, row.deletion) = (hold, deletion)
        #expect(try await ledger.recording(row.id) == row)
        #expect(try await ledger.recentRecordings(limit: 1, after: nil) == [row])
        try await ledger.commit([.hold(row.id, nil), .deletion(row.id, deletion.attempted(.stored, .delivered, at: Rows.start))])
        let later = try #require(try await ledger.recording(row.id))
        #expect(later.hold == nil && later.deletion?.step == .done && later.deletion?.endedAt == Rows.start)
    }

    @Test func dueRemovalsComeInTheirOrder() async throws {
        for (id, offset) in [("a", 5), ("b", 1), ("c", 9)] {
            var deletion = Deletion(order, at: Rows.start)
            deletion.dueAt = Rows.start.advanced(by: .seconds(offset))
            try await ledger.commit([.recording(Rows.recording(id, state: .delivered)), .deletion(RecordingID(id), deletion)])
        }
        let ended = Deletion(DeletionOrder(by: .quota, cause: "", includesDestination: false), at: Rows.start).filesRemoved(at: Rows.start)
        try await ledger.commit([.recording(Rows.recording("d", state: .ready)), .deletion(RecordingID("d"), ended)])
        #expect(try await ledger.dueDeletions(at: Rows.start.advanced(by: .seconds(5)), limit: 9).map(\.id.rawValue) == ["b", "a"])
        #expect(try await ledger.dueDeletions(at: Rows.start.advanced(by: .seconds(5)), limit: 1).count == 1)
        #expect(try await ledger.nextDeletionDue() == Rows.start.advanced(by: .seconds(1)))
    }

    @Test func theAuditLogIsAppendedToAndNothingElse() async throws {
        let row = Rows.recording()
        let drafts = [AuditAction.hold, .release, .delete].map { AuditDraft($0, by: .commandLine, of: row, detail: "ü", at: Rows.start) }
        let other = AuditDraft(.deleted, by: .quota, of: Rows.recording("r2"), outcome: .failed, at: Rows.start)
        try await ledger.commit((drafts + [other]).map { .audit($0) })
        let all = try await ledger.audit(after: 0, limit: 10, recording: nil)
        #expect(all.map(\.sequence) == [1, 2, 3, 4] && all.map(\.draft) == drafts + [other])
        #expect(try await ledger.audit(after: 1, limit: 1, recording: nil).map(\.sequence) == [2])
        #expect(try await ledger.audit(after: 0, limit: 10, recording: RecordingID("r2")).map(\.sequence) == [4])
        for sql in ["DELETE FROM audit", "UPDATE audit SET actor = 'nobody'", "DELETE FROM audit WHERE sequence = 1"] {
            await #expect(throws: BridgeError.self) { try await database.write { try $0.execute(sql: sql) } }
        }
        #expect(try await ledger.audit(after: 0, limit: 10, recording: nil).count == 4)
    }

    @Test func aStreamHasARuleOfItsOwnUntilItIsTakenAway() async throws {
        let stream = StreamID("gate 3; ü'")
        #expect(try await ledger.retentionRule(of: stream) == nil)
        var rule = RetentionRule(age: .seconds(86_400), count: 7)
        try await ledger.setRetentionRule(rule, of: stream)
        rule.bytes = 1 << 40
        (rule.includesDestination, rule.includesUndelivered) = (true, true)
        try await ledger.setRetentionRule(rule, of: stream)
        #expect(try await ledger.retentionRule(of: stream) == rule)
        #expect(try await ledger.retentionRules() == [stream: rule])
        try await ledger.setRetentionRule(nil, of: stream)
        #expect(try await ledger.retentionRules().isEmpty)
    }

    @Test func whatIsLeftOfAStreamIsFound() async throws {
        let rows = ["full", "empty", "away", "going", "gone"].map {
            Rows.recording($0, state: .delivered, destination: .folder(path: "/srv"))
        }
        let segments = [
            segment("full", .delivered), segment("full", .failed, bytes: 5, 2), segment("full", .removed, bytes: 100, 3),
            segment("empty", .delivered, bytes: 0), segment("away", .removed), segment("going", .delivered), segment("gone", .removed),
        ]
        try await ledger.commit(rows.map { .recording($0) } + segments.map { .segment($0) })
        let done = Deletion(order, at: Rows.start).filesRemoved(at: Rows.start).attempted(.stored, .delivered, at: Rows.start)
        try await ledger.commit([.deletion(RecordingID("going"), Deletion(order, at: Rows.start)), .deletion(RecordingID("gone"), done)])
        let here = try await ledger.remaining(of: StreamID("camera"), delivered: false)
        #expect(here.map(\.row.id.rawValue) == ["full"] && here.map(\.localBytes) == [15])
        let everywhere = try await ledger.remaining(of: StreamID("camera"), delivered: true)
        #expect(Set(everywhere.map(\.row.id.rawValue)) == ["full", "empty", "away"])
        #expect(try await ledger.remaining(of: StreamID("other"), delivered: true).isEmpty)
        #expect(try await ledger.recordedStreams() == [StreamID("camera")])
    }

    @Test func whereADeliveredFileIsStaysKnownUntilItIsRemoved() async throws {
        let folder = Destination.folder(path: "/srv")
        var (delivered, dead) = (Rows.upload("u1", of: "r1", to: folder), Rows.upload("u2", of: "r1", to: .folder(path: "/other")))
        (delivered.state, dead.state) = (.delivered, .dead)
        try await ledger.commit([.recording(Rows.recording("r1", state: .delivered)), .delivery(delivered), .delivery(dead)])
        let much = Rows.start.advanced(by: .seconds(1000))
        #expect(try await ledger.pruneDeliveries(before: much) == 1)
        #expect(try await ledger.deliveredCopies(of: RecordingID("r1")) == [DeliveredCopy(file: "r1.webm", destination: folder)])
        let done = Deletion(order, at: Rows.start).filesRemoved(at: Rows.start).attempted(.stored, .delivered, at: Rows.start)
        try await ledger.commit([.deletion(RecordingID("r1"), done)])
        #expect(try await ledger.pruneDeliveries(before: much) == 1)
    }
}
