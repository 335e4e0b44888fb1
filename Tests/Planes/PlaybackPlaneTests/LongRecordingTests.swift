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

    @Test func aTimelineShowsTheNewestOfThousandsOfRecordings() async throws {
        let shelf = try Shelf()
        shelf.add(try FileWriter(in: shelf))
        shelf.entries.withLock { entries in
            let model = entries[0]
            entries = (0..<1200).map { number in
                var segment = segment(1, from: .seconds(number * 60), .seconds(5))
                var entry = model
                entry.row.id = RecordingID("r\(number)")
                segment.recording = entry.row.id
                entry.files = [
                    RecordedFile(path: "/nowhere/\(number)", container: .matroska, startedAt: nil, isGrowing: false, segment: segment)
                ]
                return entry
            }
        }
        var items: [TimelineItem] = []
        var next: TimelineCursor?
        let range = try PlaybackRange(from: Shelf.start, to: Shelf.start.advanced(by: .seconds(80_000)), longest: .seconds(80_000))
        repeat {
            let page = try await service(shelf, now: .seconds(80_000)).timeline(of: Shelf.stream, in: range, after: next, limit: 1000)
            items += page.items
            next = page.next
        } while next != nil
        #expect(items.count == 1200)
        #expect(items.last?.recording == RecordingID("r1199"))
    }

    /// A recording of many files of four seconds each, of which only those that are there can be opened.
    private func manyFiles(_ count: Int, there: some Sequence<Int>) throws -> Shelf {
        let shelf = try Shelf()
        shelf.add(try FileWriter(in: shelf))
        var files = (0..<count).map { number in
            RecordedFile(
                path: "/nowhere/\(number).mkv", container: .matroska, startedAt: nil, isGrowing: false,
                segment: segment(number + 1, from: .seconds(number * 4), .seconds(4)))
        }
        for number in there {
            let file = try FileWriter(in: shelf, startedAt: Shelf.start.advanced(by: .seconds(number * 4)))
            try file.write(Shelf.frames(0..<4000), isLast: true)
            files[number].path = file.path
        }
        shelf.entries.withLock { [files] in $0[0].files = files }
        return shelf
    }

    private func range(_ from: Int, _ to: Int) throws -> PlaybackRange {
        try PlaybackRange(
            from: Shelf.start.advanced(by: .seconds(from)), to: Shelf.start.advanced(by: .seconds(to)), longest: .seconds(86_400))
    }

    /// A range of some files of many is what it is when all of them are looked into: the same names, the same frames.
    @Test func aRangeOpensTheFilesThatItIsIn() async throws {
        let (all, some) = (try manyFiles(100, there: 0..<100), try manyFiles(100, there: [0] + Array(48..<62)))
        let asked = try range(217, 227)
        var lists: [String] = []
        for shelf in [all, some] {
            let service = service(shelf, now: .seconds(1000))
            lists.append(try await service.playlist(of: Shelf.stream, in: asked, query: ""))
            _ = try await service.masterPlaylist(of: Shelf.stream, in: asked, media: "m")
            let cut = try await service.media(of: Shelf.stream, MediaCut(asked, container: .mp4))
            #expect(cut.startedAt == Shelf.start.advanced(by: .seconds(216)))
        }
        #expect(lists[0] == lists[1])
        #expect(lists[0].contains("r0.216000.") && lists[0].contains("r0.54-init.mp4"))
        let names: [HLSResource] = [
            .initialization(RecordingID("r0"), file: 54), .segment(RecordingID("r0"), start: .seconds(216), end: .seconds(218)),
        ]
        for name in names {
            let content = try await service(all, now: .seconds(1000)).resource(name, of: Shelf.stream)
            #expect(try await service(some, now: .seconds(1000)).resource(name, of: Shelf.stream) == content)
            #expect(content?.isEmpty == false)
        }
    }

    /// Of files that lie elsewhere none is even tried: with all files opened, this range would have the frames of a file that has no such row.
    @Test func aRangeLeavesOutFilesThatTheLedgerKnowsElsewhere() async throws {
        let shelf = try manyFiles(100, there: [0, 10, 50])
        // By its own words it is in the range.
        let stray = try FileWriter(in: shelf, startedAt: Shelf.start.advanced(by: .seconds(204)))
        try stray.write(Shelf.frames(0..<4000), isLast: true)
        shelf.entries.withLock { $0[0].files[80].path = stray.path }
        let list = try await service(shelf, now: .seconds(1000)).playlist(of: Shelf.stream, in: try range(196, 212), query: "")
        #expect(list.contains("r0.200000."))
        #expect(!list.contains("r0.204000."))
    }

    private final class Tally: Sendable {
        let count = Mutex(0)
    }

    /// However many of them are made: a player that waits for a segment is answered meanwhile.
    @Test func longExportsHoldNobodyUp() async throws {
        let shelf = try Shelf()
        let file = try FileWriter(in: shelf)
        try file.write(Shelf.frames(0..<1_200_000), isLast: true)
        shelf.add(file)
        let service = service(shelf, now: .seconds(2000))
        let segment = HLSResource.segment(RecordingID("r0"), start: .seconds(2), end: .seconds(4))
        _ = try await service.resource(segment, of: Shelf.stream)
        let asked = try range(0, 1200)
        let done = Tally()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    let media = try await service.media(of: Shelf.stream, MediaCut(asked, container: .mp4))
                    done.count.withLock { $0 += 1 }
                    for await _ in media.parts { break }
                }
            }
            // They have begun.
            try await Task.sleep(for: .milliseconds(50))
            let waited = try await ContinuousClock().measure { _ = try await service.resource(segment, of: Shelf.stream) }
            let before = done.count.withLock { $0 }
            print("a segment was answered in \(waited) beside \(6 - before) exports")
            #expect(before == 0, "the segment waited for \(before) exports")
            try await group.waitForAll()
        }
        #expect(done.count.withLock { $0 } == 6)
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
