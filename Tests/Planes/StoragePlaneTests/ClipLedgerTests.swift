import Bridge
import BridgeModel
import Logging
import Playback
import Testing

@testable import StoragePlane

/// Clips in SQLite, and recordings by stream and time.
struct ClipLedgerTests {
    private func clip(_ number: Int, stream: String = "front", tags: [String] = []) throws -> Clip {
        let begin = WallTime(milliseconds: Int64(number) * 100_000)
        let range = try PlaybackRange(from: begin, to: begin.advanced(by: .seconds(10)), longest: .seconds(60))
        let order = ClipOrder(stream: StreamID(stream), range: range, title: "'; DROP TABLE clips; --", tags: tags)
        return Clip(
            id: ClipID("c\(number)"), account: AccountID("acme"), order: order, container: .mp4, sizeBytes: 7,
            createdAt: WallTime(milliseconds: Int64(number)))
    }

    private func find(_ clips: SQLiteClips, limit: Int = 10, _ change: (inout ClipQuery) -> Void = { _ in }) async throws -> [String] {
        var query = ClipQuery(limit: limit)
        change(&query)
        return try await clips.clips(query).map(\.id.rawValue)
    }

    @Test func clipsAreFoundByTagStreamAndTime() async throws {
        let folder = try DataFolder()
        let clips = SQLiteClips(try StorageDatabase(dataFolder: folder.path))
        try await clips.add(try clip(1, tags: ["gate", "night"]))
        try await clips.add(try clip(2, stream: "back", tags: ["gate"]))
        try await clips.add(try clip(3))
        #expect(try await clips.clip(ClipID("c1")) == clip(1, tags: ["night", "gate"]))
        #expect(try await find(clips) == ["c3", "c2", "c1"])
        #expect(try await find(clips) { $0.tag = "gate" } == ["c2", "c1"])
        #expect(try await find(clips) { $0.stream = StreamID("front") } == ["c3", "c1"])
        #expect(try await find(clips) { ($0.tag, $0.stream) = ("gate", StreamID("front")) } == ["c1"])
        #expect(try await find(clips) { $0.tag = "' OR 1 --" } == [])
        #expect(try await find(clips) { $0.from = WallTime(milliseconds: 205_000) } == ["c3", "c2"])
        #expect(try await find(clips) { $0.from = WallTime(milliseconds: 210_000) } == ["c3"])
        #expect(try await find(clips) { $0.to = WallTime(milliseconds: 200_000) } == ["c1"])
        #expect(try await find(clips, limit: 1) { $0.after = ClipID("c3") } == ["c2"])
    }

    @Test func aRemovedClipTakesItsTagsAlong() async throws {
        let folder = try DataFolder()
        let database = try StorageDatabase(dataFolder: folder.path)
        let clips = SQLiteClips(database)
        try await clips.add(try clip(1, tags: ["gate"]))
        #expect(try await clips.removeClip(ClipID("c1")))
        #expect(try await clips.removeClip(ClipID("c1")) == false)
        try await clips.add(try clip(1))
        #expect(try await find(clips) { $0.tag = "gate" } == [], "the tags of a removed clip came back")
    }

    @Test func recordingsAreFoundByStreamAndTime() async throws {
        let folder = try DataFolder()
        let ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: Logger(label: "test"))
        var over = Rows.recording("over")
        over.stoppedAt = over.startedAt.advanced(by: .seconds(60))
        var running = Rows.recording("running")
        running.startedAt = over.startedAt.advanced(by: .seconds(100))
        try await ledger.commit([.recording(over), .recording(running)])
        let find = { (stream: StreamID, from: Int, to: Int) in
            try await ledger.recordings(
                of: stream, from: over.startedAt.advanced(by: .seconds(from)), to: over.startedAt.advanced(by: .seconds(to)), after: nil,
                limit: 9
            ).map(\.id.rawValue)
        }
        #expect(try await find(over.context.stream, 0, 50) == ["over"])
        #expect(try await find(over.context.stream, 60, 100) == [])
        #expect(try await find(over.context.stream, 30, 5000) == ["over", "running"])
        #expect(try await find(over.context.stream, 4000, 5000) == ["running"])
        #expect(try await find(StreamID("other"), 0, 5000) == [])
    }

    /// Also those that begin at the same moment.
    @Test func recordingsOfAStreamAreGivenPageByPage() async throws {
        let folder = try DataFolder()
        let ledger = SQLiteLedger(try StorageDatabase(dataFolder: folder.path), logger: Logger(label: "test"))
        var row = Rows.recording("r")
        let start = row.startedAt
        for number in 0..<7 {
            row.id = RecordingID("r\(number)")
            row.startedAt = start.advanced(by: .seconds(number / 3))
            try await ledger.commit([.recording(row)])
        }
        var found: [[String]] = []
        var last: RecordingRow?
        repeat {
            let page = try await ledger.recordings(
                of: row.context.stream, from: start, to: start.advanced(by: .seconds(60)), after: last, limit: 2)
            last = page.last
            found.append(page.map(\.id.rawValue))
        } while last != nil
        #expect(found == [["r0", "r1"], ["r2", "r3"], ["r4", "r5"], ["r6"], []])
    }
}
