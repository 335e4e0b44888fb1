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
        let clock = ContinuousClock()
        let began = clock.now
        let items = try await timeline(shelf)
        #expect(clock.now - began < .seconds(5))
        #expect(items.map(\.kind) == [.media, .gap, .media])
        let times = items.map { ($0.to.milliseconds - Shelf.start.milliseconds) }
        #expect(times == [300_010_040, 300_030_000, 600_000_000])
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

    @Test func aLiveListCostsWhatIsNewOfIt() async throws {
        let shelf = try Shelf()
        let file = try FileWriter(in: shelf)
        let length = 3 * 3600
        try file.write(pictures(0..<length))
        shelf.add(file, state: .recording)
        let clock = ContinuousClock()
        let service = service(shelf, now: .seconds(length))
        var began = clock.now
        _ = try await list(service)
        let whole = clock.now - began
        var growths: [Duration] = []
        for second in length..<length + 20 {
            try file.write(pictures(second..<second + 1))
            began = clock.now
            let grown = try await list(service)
            growths.append(clock.now - began)
            #expect(grown == (second % 5 == 0 ? try await list(self.service(shelf, now: .seconds(second))) : grown))
        }
        let usual = growths.sorted()[growths.count / 2]
        #expect(usual < whole / 4, "\(usual) for a second more, \(whole) for all")
        print("GROWTH \(length) s: whole \(whole), growth \(usual)")
    }
}
