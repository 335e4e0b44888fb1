import Bridge
import BridgeModel
import Foundation
import Matroska
import Playback
import PlaybackPlane
import Synchronization
import Testing

/// Recordings of many files, and of many hours.
@Suite struct LongRecordingTests {
    private func service(_ shelf: Shelf, now: Duration) -> PlaybackService {
        PlaybackService(
            recordings: shelf, files: shelf, rules: .init(fragment: .seconds(1), window: .seconds(60)),
            now: { Shelf.start.advanced(by: now) })
    }

    private func timeline(_ shelf: Shelf) async throws -> [TimelineItem] {
        let range = try PlaybackRange(from: Shelf.start, to: Shelf.start.advanced(by: .seconds(1_000_000)), longest: .seconds(1_000_000))
        return try await service(shelf, now: .seconds(1_000_000)).timeline(of: Shelf.stream, in: range, after: nil, limit: 1000).items
    }

    private func segment(_ number: Int, from start: Duration, _ length: Duration) -> SegmentRow {
        var row = SegmentRow(
            recording: RecordingID("r0"), number: number, stream: Shelf.stream, container: .matroska, file: "\(number)", state: .ready)
        row.startedAt = Shelf.start.advanced(by: start)
        row.duration = length
        return row
    }

    @Test func aTimelineOpensNoFileThatTheLedgerKnows() async throws {
        let shelf = try Shelf()
        shelf.add(try FileWriter(in: shelf))
        // None of these files is there: what is shown of them is the ledger's.
        let files = (0..<10_000).map { number in
            var segment = segment(number + 1, from: .seconds(number * 60), .seconds(60))
            if number == 5000 { segment.gaps = [RecordingGap(offset: .seconds(10), length: .seconds(20), cause: .source)] }
            return RecordedFile(path: "/nowhere/\(number).mkv", container: .matroska, startedAt: nil, isGrowing: false, segment: segment)
        }
        shelf.entries.withLock { $0[0].files = files }
        let items = try await timeline(shelf)
        #expect(items.map(\.kind) == [.media, .gap, .media])
        let times = items.map { ($0.to.milliseconds - Shelf.start.milliseconds) }
        #expect(times == [300_010_040, 300_030_000, 600_000_000])
    }

    /// What the ledger lacks is read from files, also in the middle of what it knows: rows of older versions, and a part that is being written.
    @Test func whatTheLedgerDoesNotKnowIsReadFromItsFile() async throws {
        let shelf = try Shelf()
        let files = try [(10, 4000), (30, 2000)].map { second, length in
            let file = try FileWriter(in: shelf, startedAt: Shelf.start.advanced(by: .seconds(second)))
            try file.write(Shelf.frames(0..<length), isLast: true)
            shelf.add(file)
            return shelf.entries.withLock { $0.removeLast().files[0] }
        }
        shelf.add(try FileWriter(in: shelf), state: .recording)
        var older = files[0]
        older.segment = segment(2, from: .seconds(500), .zero)
        let known = [(1, 0), (3, 20)].map { number, second in
            RecordedFile(
                path: "/nowhere/\(number).mkv", container: .matroska, startedAt: nil, isGrowing: false,
                segment: segment(number, from: .seconds(second), .seconds(5)))
        }
        shelf.entries.withLock { [older] in $0[0].files = [known[0], older, known[1], files[1]] }
        let items = try await timeline(shelf)
        let times = items.map { [$0.from, $0.to].map { $0.milliseconds - Shelf.start.milliseconds } }
        #expect(items.map(\.kind) == [.media, .gap, .media, .gap, .media, .gap, .media])
        let media = stride(from: 0, to: times.count, by: 2).map { times[$0] }
        #expect(media == [[0, 5000], [10_000, 14_020], [20_000, 25_000], [30_000, 32_020]])
        #expect(items.map(\.isLive) == [false, false, false, false, false, false, true])
    }

    @Test func theLedgerShowsWhatTheFilesWould() async throws {
        let shelf = try Shelf()
        let file = try FileWriter(in: shelf)
        try file.write(Shelf.frames(0..<4000) + Shelf.frames(10_000..<14_000), isLast: true)
        shelf.add(file)
        let byFile = try await timeline(shelf)
        var segment = segment(1, from: .zero, .milliseconds(14_000))
        segment.gaps = [RecordingGap(offset: .milliseconds(3980), length: .milliseconds(6020), cause: .source)]
        shelf.entries.withLock { $0[0].files[0].segment = segment }
        let byLedger = try await timeline(shelf)
        #expect(byLedger.map(\.kind) == [.media, .gap, .media])
        #expect(byFile.map(\.kind) == byLedger.map(\.kind))
        for (one, other) in zip(byFile, byLedger) {
            #expect(abs(one.from.milliseconds - other.from.milliseconds) <= 40)
            #expect(abs(one.to.milliseconds - other.to.milliseconds) <= 40)
        }
    }

    /// A picture a second, each in its cluster.
    private func pictures(_ seconds: Range<Int>) -> [MatroskaFrame] {
        seconds.map { MatroskaFrame(track: 1, time: .seconds($0), isKeyframe: true, bytes: [1, 2, 3]) }
    }

    private func list(_ service: PlaybackService) async throws -> String {
        try await service.livePlaylist(of: Shelf.stream, HLSDirectives(sequence: nil, part: nil, skip: nil), query: "")
    }

    /// The quickest of some growths by a second, once the list is known; what it is then is compared with the list of a service that knows nothing.
    private func growth(after length: Int) async throws -> Duration {
        let shelf = try Shelf()
        let file = try FileWriter(in: shelf)
        try file.write(pictures(0..<length))
        shelf.add(file, state: .recording)
        let service = service(shelf, now: .seconds(length))
        _ = try await list(service)
        var growths: [Duration] = []
        for second in length..<length + 20 {
            try file.write(pictures(second..<second + 1))
            var grown = ""
            growths.append(try await ContinuousClock().measure { grown = try await list(service) })
            guard second == length + 19 else { continue }
            #expect(try await grown == list(self.service(shelf, now: .seconds(length))))
        }
        return try #require(growths.min())
    }

    @Test func aLiveListCostsWhatIsNewOfIt() async throws {
        // The list of a whole recording that is ninety times as long costs some seventeen times as much.
        let (short, long) = (try await growth(after: 120), try await growth(after: 10_800))
        #expect(long < short * 8)
    }

    @Test func aHundredPlayersOfALiveListShareOneLook() async throws {
        let shelf = try Shelf()
        let file = try FileWriter(in: shelf)
        try file.write(pictures(0..<150))
        shelf.add(file, state: .recording)
        shelf.looks.withLock { $0.pause = 0.2 }
        let service = service(shelf, now: .seconds(150))
        let lists = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<100 {
                group.addTask {
                    let directives = try HLSDirectives(sequence: nil, part: nil, skip: number < 50 ? nil : "YES")
                    let query = "?token=\(number)"
                    let text = try await service.livePlaylist(of: Shelf.stream, directives, query: query)
                    #expect(text.components(separatedBy: query + "\"").count > 4)
                    return text.replacingOccurrences(of: query, with: "?")
                }
            }
            return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        }
        #expect(lists.values.sorted() == [50, 50], "the whole list, and its update")
        #expect(shelf.looks.withLock(\.count) < 50)
        try file.write(pictures(150..<151))
        shelf.looks.withLock { $0.pause = 0 }
        #expect(try await !lists.keys.contains(list(service)))
    }
}
