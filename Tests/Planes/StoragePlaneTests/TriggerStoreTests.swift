import Bridge
import BridgeModel
import GRDB
import Logging
import Testing

@testable import StoragePlane

/// The policies and the events of streams in SQLite.
struct TriggerStoreTests {
    private let logger = Logger(label: "test")

    private func event(_ number: Int, stream: String = "front", recording: String? = nil) throws -> StreamEvent {
        let report = try #require(StreamEventReport(type: "motion", note: "'; DROP TABLE stream_events; --"))
        return StreamEvent(
            id: "e\(number)", stream: StreamID(stream), report: report, at: WallTime(milliseconds: Int64(number / 2) * 1000),
            recording: recording.map { RecordingID($0) })
    }

    @Test func policiesSurviveARestart() async throws {
        let folder = try DataFolder()
        let window = try #require(WeeklySchedule.Window("daily 22:00-06:00"))
        let night = RecordingPolicy(.schedule(WeeklySchedule(timeZone: "Europe/Berlin", windows: [window])))
        do {
            let store = SQLiteTriggerStore(try StorageDatabase(dataFolder: folder.path), logger: logger)
            #expect(try await store.policies() == [:])
            try await store.save(RecordingPolicy(.always), for: StreamID("front"))
            try await store.save(RecordingPolicy(.event, preRoll: .seconds(3)), for: StreamID("front"))
            try await store.save(night, for: StreamID("'; --"))
            try await store.save(RecordingPolicy(.always), for: StreamID("gone"))
            try await store.save(nil, for: StreamID("gone"))
            try await store.save(nil, for: StreamID("never there"))
        }
        let store = SQLiteTriggerStore(try StorageDatabase(dataFolder: folder.path), logger: logger)
        #expect(
            try await store.policies() == [StreamID("front"): RecordingPolicy(.event, preRoll: .seconds(3)), StreamID("'; --"): night])
    }

    @Test func aPolicyOfANewerVersionHindersNoOther() async throws {
        let folder = try DataFolder()
        let database = try StorageDatabase(dataFolder: folder.path)
        let store = SQLiteTriggerStore(database, logger: logger)
        try await store.save(RecordingPolicy(.always), for: StreamID("front"))
        for (stream, policy) in [("a", "{"), ("b", #"{"trigger":"dreams"}"#)] {
            try await database.write {
                try $0.execute(sql: "INSERT INTO recording_policies VALUES (?, ?)", arguments: [stream, policy])
            }
        }
        #expect(try await store.policies() == [StreamID("front"): RecordingPolicy(.always)])
    }

    @Test func eventsAreFoundByStreamRecordingAndTimeInPages() async throws {
        let folder = try DataFolder()
        let database = try StorageDatabase(dataFolder: folder.path)
        let (store, ledger) = (SQLiteTriggerStore(database, logger: logger), SQLiteLedger(database, logger: logger))
        for number in 0..<6 { try await ledger.commit([.streamEvent(try event(number, recording: number > 3 ? "r" : nil))]) }
        try await ledger.commit([.streamEvent(try event(6, stream: "back"))])
        func find(_ query: StreamEventQuery) async throws -> [String] { try await store.streamEvents(query).map(\.id) }
        #expect(try await store.streamEvents(StreamEventQuery(recording: RecordingID("r"), limit: 1)) == [try event(4, recording: "r")])
        #expect(try await find(StreamEventQuery(stream: StreamID("front"), limit: 4)) == ["e0", "e1", "e2", "e3"])
        #expect(try await find(StreamEventQuery(stream: StreamID("front"), after: "e2", limit: 9)) == ["e3", "e4", "e5"])
        #expect(try await find(StreamEventQuery(stream: StreamID("front"), after: "none", limit: 9)) == [])
        let (from, to) = (WallTime(milliseconds: 1000), WallTime(milliseconds: 2000))
        #expect(try await find(StreamEventQuery(stream: StreamID("front"), from: from, to: to, limit: 9)) == ["e2", "e3"])
        #expect(try await find(StreamEventQuery(recording: RecordingID("r"), limit: 9)) == ["e4", "e5"])
    }

    /// Events of ten seconds after the beginning of a recording in this state of things, then pruned; how many are left.
    private func eventsLeft(
        before limit: Int = 1000, namesRecording: Bool = false, at moment: Int = 10, _ prepare: (SQLiteLedger) async throws -> Void
    ) async throws -> Int {
        let folder = try DataFolder()
        let database = try StorageDatabase(dataFolder: folder.path)
        let ledger = SQLiteLedger(database, logger: logger)
        let report = try #require(StreamEventReport(type: "motion", note: ""))
        let event = StreamEvent(
            id: "e", stream: StreamID("camera"), report: report, at: Rows.start.advanced(by: .seconds(moment)),
            recording: namesRecording ? RecordingID("r1") : nil)
        try await ledger.commit([.streamEvent(event)])
        try await prepare(ledger)
        let removed = try await ledger.pruneStreamEvents(before: Rows.start.advanced(by: .seconds(limit)))
        let store = SQLiteTriggerStore(database, logger: logger)
        let left = try await store.streamEvents(StreamEventQuery(stream: StreamID("camera"), limit: 9))
        #expect(removed + left.count == 1)
        return left.count
    }

    private func store(_ state: RecordingState, _ segment: SegmentState = .removed, in ledger: SQLiteLedger) async throws {
        var row = Rows.recording("r1", state: state)
        if !state.isRunning { row.stoppedAt = Rows.start.advanced(by: .seconds(60)) }
        var file = SegmentRow(
            recording: row.id, number: 1, stream: StreamID("camera"), container: .webm, file: "r1.webm", state: segment)
        file.sizeBytes = 10
        try await ledger.commit([.recording(row), .segment(file)])
    }

    @Test func anOldEventGoesWithoutARecording() async throws {
        #expect(try await eventsLeft { _ in } == 0)
        #expect(try await eventsLeft(before: 10) { _ in } == 1)
    }

    @Test func anEventStaysAsLongAsItsRecordingOrOneOfItsTime() async throws {
        for state in [RecordingState.ready, .failed] {
            #expect(try await eventsLeft { try await store(state, .ready, in: $0) } == 1, "\(state): its file is here")
            #expect(try await eventsLeft { try await store(state, in: $0) } == 0, "\(state): its file has gone")
        }
        for state in [RecordingState.armed, .gap, .closing, .uploading, .delivered] {
            #expect(try await eventsLeft { try await store(state, in: $0) } == 1, "\(state)")
        }
        #expect(try await eventsLeft(at: 61) { try await store(.ready, .ready, in: $0) } == 0, "it came after the recording")
        #expect(try await eventsLeft(at: -1) { try await store(.ready, .ready, in: $0) } == 0, "it came before the recording")
        #expect(try await eventsLeft(namesRecording: true, at: -1) { try await store(.ready, .ready, in: $0) } == 1, "it began it")
    }

    @Test func aHoldKeepsEventsAndARemovalAtTheDestinationLetsThemGo() async throws {
        let hold = RecordingHold(reason: "case 7", by: .commandLine, placedAt: Rows.start)
        let here = DeletionOrder(by: .retention, cause: "age", includesDestination: false)
        let everywhere = DeletionOrder(by: .retention, cause: "age", includesDestination: true)
        #expect(
            try await eventsLeft {
                try await store(.ready, in: $0)
                try await $0.commit([.hold(RecordingID("r1"), hold)])
            } == 1)
        for (order, count) in [(here, 1), (everywhere, 0)] {
            let done = Deletion(order, at: Rows.start).filesRemoved(at: Rows.start).attempted(.stored, .delivered, at: Rows.start)
            #expect(
                try await eventsLeft {
                    try await store(.delivered, in: $0)
                    try await $0.commit([.deletion(RecordingID("r1"), done)])
                } == count)
        }
    }
}
