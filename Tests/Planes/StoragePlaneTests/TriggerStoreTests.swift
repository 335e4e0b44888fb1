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
}
