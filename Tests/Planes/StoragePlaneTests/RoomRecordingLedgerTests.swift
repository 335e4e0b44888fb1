import Bridge
import BridgeModel
import Testing

@testable import StoragePlane

/// Recordings of rooms in SQLite: found by room and time, and given up when nothing speaks for them.
struct RoomRecordingLedgerTests {
    private let folder: DataFolder
    private let ledger: SQLiteLedger
    private static let part = RoomRecordingRow.Part(
        recording: RecordingID("r1"), stream: StreamID("room-a-1"), isShared: false, isDrawnOn: true)
    private static let shared = RoomRecordingRow.Part(
        recording: RecordingID("r2"), stream: StreamID("gate"), isShared: true, isDrawnOn: false)

    init() throws {
        folder = try DataFolder()
        ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: .silent)
    }

    /// Began so many hours after the others, and was over an hour later.
    private func row(_ id: String, room: String = "standup", hours: Int = 0, parts: [RoomRecordingRow.Part] = []) -> RoomRecordingRow {
        var row = RoomRecordingRow(
            id: RoomRecordingID(id), room: RoomID(room), account: AccountID("acme"), startedAt: Self.time(hours))
        row.endedAt = Self.time(hours + 1)
        (row.isReady, row.parts) = (true, parts)
        return row
    }

    private static func time(_ hours: Int) -> WallTime { Rows.start.advanced(by: .seconds(3600 * hours)) }

    private func find(limit: Int = 10, _ change: (inout RoomRecordingQuery) -> Void = { _ in }) async throws -> [String] {
        var query = RoomRecordingQuery(limit: limit)
        change(&query)
        return try await ledger.roomRecordings(query).map(\.id.rawValue)
    }

    @Test func whatIsWrittenIsReadAndWrittenOver() async throws {
        var full = row("a", parts: [Self.part, Self.shared])
        (full.pictures, full.host) = (["p2", "p1"], RecordingID("r1"))
        full.removal = DeletionOrder(by: .retention, cause: "age", includesDestination: true)
        try await ledger.commit([.roomRecording(full)])
        #expect(try await ledger.roomRecording(full.id) == full)
        #expect(try await ledger.roomPictures() == ["p1", "p2"])
        (full.parts, full.pictures, full.host, full.removal, full.endedAt, full.isReady) = ([Self.shared], [], nil, nil, nil, false)
        try await ledger.commit([.roomRecording(full)])
        #expect(try await ledger.roomRecording(full.id) == full)
        #expect(try await ledger.roomRecordingIDs() == [full.id: false])
        try await ledger.commit([.roomRecordingGone(full.id)])
        #expect(try await ledger.roomRecording(full.id) == nil)
        #expect(try await ledger.roomPictures().isEmpty)
    }

    @Test func recordingsOfRoomsAreFoundByRoomAndTime() async throws {
        var running = row("c", hours: 4)
        running.endedAt = nil
        try await ledger.commit([row("a"), row("b", room: "night", hours: 2), running].map { .roomRecording($0) })
        #expect(try await find() == ["c", "b", "a"])
        #expect(try await find { $0.room = RoomID("night") } == ["b"])
        #expect(try await find { $0.from = Self.time(1) } == ["c", "b"], "it was over then")
        #expect(try await find { $0.from = Self.time(99) } == ["c"], "it runs")
        #expect(try await find { $0.to = Self.time(2) } == ["a"])
        #expect(try await find { ($0.from, $0.to) = (Self.time(2), Self.time(3)) } == ["b"])
        #expect(try await find(limit: 1) == ["c"])
        #expect(try await find(limit: 1) { $0.after = RoomRecordingID("c") } == ["b"])
        #expect(try await find { $0.after = RoomRecordingID("a") } == [])
        #expect(try await find { $0.after = RoomRecordingID("nobody") } == [])
        #expect(try await find { $0.room = RoomID("' OR 1 --") } == [])
    }

    @Test func onlyThoseThatAreDrawnOnAreLookedAtForAStreamsBoards() async throws {
        for number in 0..<3 {
            try await ledger.commit([.roomRecording(row("d\(number)", hours: number, parts: [Self.part, Self.shared]))])
        }
        #expect(try await ledger.roomRecordings(drawnOn: StreamID("room-a-1"), limit: 2).map(\.rawValue) == ["d2", "d1"])
        #expect(try await ledger.roomRecordings(drawnOn: StreamID("gate"), limit: 9).isEmpty)
    }

    // MARK: - What goes

    private func segment(_ recording: String, _ state: SegmentState) -> SegmentRow {
        let id = RecordingID(recording)
        return SegmentRow(
            recording: id, number: 1, stream: StreamID("camera"), container: .webm,
            file: SegmentRow.fileName(of: id, number: 1, container: .webm), state: state)
    }

    private func upload(_ file: String, _ state: DeliveryRow.State) -> LedgerChange {
        .delivery(
            DeliveryRow(
                id: DeliveryID("u-\(file)"), work: .upload(recording: RecordingID("r1"), file: file, destination: .folder(path: "/a")),
                account: AccountID("acme"), session: SessionID("s1"), state: state, dueAt: Rows.start, createdAt: Rows.start))
    }

    private func gone(age hours: Int? = nil) async throws -> [String] {
        try await ledger.removeRoomRecordings(endedBefore: hours.map(Self.time), at: Self.time(500), limit: 10).map(\.id.rawValue)
    }

    private static let ordered = Deletion(DeletionOrder(by: .commandLine, cause: "ordered", includesDestination: false), at: Rows.start)

    @Test func aRoomGoesWithItsLastRecordingAndNotBefore() async throws {
        var room = row("a", parts: [Self.part, Self.shared])
        room.pictures = ["p"]
        try await ledger.commit([
            .roomRecording(room), .recording(Rows.recording("r1", state: .ready)), .segment(segment("r1", .removed)),
            .recording(Rows.recording("r2", state: .ready)), .segment(segment("r2", .ready)),
            .deletion(RecordingID("r1"), Self.ordered),
        ])
        #expect(try await gone() == [], "one is left")
        #expect(try await gone(age: 400) == [], "age takes nothing from a recording that is there")
        let hold = RecordingHold(reason: "case 7", by: .commandLine, placedAt: Rows.start)
        try await ledger.commit([
            .segment(segment("r2", .removed)), .deletion(RecordingID("r2"), Self.ordered), .hold(RecordingID("r2"), hold),
        ])
        #expect(try await gone(age: 400) == [], "one is held")
        try await ledger.commit([.hold(RecordingID("r2"), nil)])
        #expect(try await gone() == ["a"])
        let decided = try #require(try await ledger.roomRecording(room.id))
        #expect(decided.removal == DeletionOrder(by: .retention, cause: "recordings", includesDestination: false))
        #expect(try await gone() == ["a"], "its removal goes on")
        let lines = try await ledger.audit(after: 0, limit: 9, recording: RecordingID("a"))
        #expect(lines.map(\.draft.action) == [.delete] && lines.map(\.draft.stream.rawValue) == ["standup"])
    }

    /// Each state of the uploads of manifest and picture, where the recording's own file has left the bridge after its delivery.
    @Test(arguments: [
        (DeliveryRow.State.delivered, DeliveryRow.State.delivered, true, true), (.pending, .delivered, false, false),
        (.delivered, .pending, false, false), (.delivered, .dead, false, true), (.dead, .dead, false, true),
    ])
    func whatWasDeliveredNeedsNoPlaceHere(
        manifest: DeliveryRow.State, picture: DeliveryRow.State, goes: Bool, goesWithAge: Bool
    ) async throws {
        var room = row("a", parts: [Self.part])
        (room.pictures, room.host) = (["p"], RecordingID("r1"))
        try await ledger.commit([
            .roomRecording(room), .recording(Rows.recording("r1", state: .delivered)), .segment(segment("r1", .delivered)),
            upload("r1.webm", .delivered), upload("r1.room.json", manifest), upload("r1.room-p.jpg", picture),
        ])
        #expect(try await gone(age: 400) == [], "its file is here yet")
        try await ledger.commit([.segment(segment("r1", .removed))])
        #expect(try await gone() == (goes ? ["a"] : []))
        #expect(try await gone(age: 1) == (goes ? ["a"] : []), "it ended later")
        #expect(try await gone(age: 400) == (goesWithAge ? ["a"] : []))
    }

    @Test func whereThereNeverWasAFileAgeDecides() async throws {
        var running = row("running")
        (running.isReady, running.endedAt) = (false, nil)
        try await ledger.commit([
            .roomRecording(row("empty")), .roomRecording(row("failed", parts: [Self.part])), .roomRecording(running),
            .recording(Rows.recording("r1", state: .failed)),
        ])
        #expect(try await gone() == [])
        #expect(try await gone(age: 1) == [])
        #expect(try await Set(gone(age: 2)) == ["empty", "failed"])
    }

    @Test func aRecordingThatRunsKeepsItsRoom() async throws {
        try await ledger.commit([
            .roomRecording(row("a", parts: [Self.part])), .recording(Rows.recording("r1", state: .uploading)),
            .segment(segment("r1", .removed)),
        ])
        #expect(try await gone(age: 400) == [])
    }
}
