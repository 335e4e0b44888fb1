import Bridge
import BridgeModel
import Foundation
import ISOMedia
import Logging
import Matroska
import Playback
import PlaybackPlane
import Synchronization
import Testing

private func service(_ shelf: Shelf, now: Duration) -> PlaybackService {
    PlaybackService(
        recordings: shelf, files: shelf, rules: .init(fragment: .seconds(1), window: .seconds(60)), now: { Shelf.start.advanced(by: now) })
}

private func range(_ from: Double, _ to: Double) throws -> PlaybackRange {
    try PlaybackRange(
        from: Shelf.start.advanced(by: .seconds(from)), to: Shelf.start.advanced(by: .seconds(to)), longest: .seconds(3600))
}

private func bytes(_ media: PlaybackMedia) async -> [UInt8] {
    var bytes: [UInt8] = []
    for await part in media.parts { bytes += part }
    return bytes
}

private func movie(_ bytes: [UInt8]) throws -> MovieReader {
    try MovieReader(fileSize: UInt64(bytes.count)) { offset, count in Array(bytes.dropFirst(Int(clamping: offset)).prefix(count)) }
}

/// The times of a track's samples, in milliseconds, told by the bytes that the samples hold.
private func stamps(_ bytes: [UInt8], track: UInt32) throws -> [Int] {
    try movie(bytes).samples(ofTrack: track).map { sample in
        let frame = bytes[Int(sample.offset)..<Int(sample.offset) + Int(sample.size)]
        return frame.dropFirst().reduce(0) { $0 << 8 | Int($1) }
    }
}

@Suite struct PlaybackServiceTests {
    @Test func aRangeHoldsEveryFrameFromTheKeyframeBefore() async throws {
        let shelf = try Shelf()
        let file = try FileWriter(in: shelf)
        try file.write(Shelf.frames(0..<9000), isLast: true)
        shelf.add(file)
        let media = try await service(shelf, now: .seconds(60)).media(of: Shelf.stream, MediaCut(try range(3, 5), container: .mp4))
        #expect(media.startedAt == Shelf.start.advanced(by: .seconds(2)))
        #expect(media.codecs == ["avc1.42C01E", "opus"])
        let content = await bytes(media)
        #expect(try stamps(content, track: 1) == Array(stride(from: 2000, to: 5000, by: 40)))
        #expect(try stamps(content, track: 2) == Array(stride(from: 2000, to: 5000, by: 20)))
    }

    @Test func filesOfRecordingsAreJoined() async throws {
        let shelf = try Shelf()
        for start in [0, 20] {
            let file = try FileWriter(in: shelf, startedAt: Shelf.start.advanced(by: .seconds(start)))
            try file.write(Shelf.frames(0..<4000), isLast: true)
            shelf.add(file)
        }
        let media = try await service(shelf, now: .seconds(60)).media(of: Shelf.stream, MediaCut(try range(0, 22), container: .mp4))
        let times = try movie(await bytes(media)).samples(ofTrack: 1).map(\.time)
        #expect(times.count == 150)
        #expect(times.last == .milliseconds(21_960))
    }

    @Test func segmentsAndTheirPartsHoldTheSameFramesOnce() async throws {
        let shelf = try Shelf()
        let file = try FileWriter(in: shelf)
        try file.write(Shelf.frames(0..<6000), isLast: true)
        shelf.add(file)
        let service = service(shelf, now: .seconds(60))
        let id = RecordingID("r0")
        let header = try #require(try await service.resource(.initialization(id, file: 0), of: Shelf.stream))
        let whole = try #require(
            try await service.resource(.segment(id, start: .seconds(2), end: .seconds(4)), of: Shelf.stream))
        var parts: [UInt8] = []
        for index in 0..<8 {
            parts += try #require(try await service.resource(.part(id, start: .seconds(2), index: index), of: Shelf.stream))
        }
        for track in [UInt32(1), 2] {
            let times = try stamps(header + whole, track: track)
            #expect(times.first == 2000)
            #expect(times == (try stamps(header + parts, track: track)))
            #expect(try movie(header + whole).samples(ofTrack: track).first?.time == .seconds(2))
        }
        #expect(try await service.resource(.part(id, start: .seconds(2), index: 8), of: Shelf.stream) == nil)
        #expect(try await service.resource(.segment(id, start: .seconds(4), end: .seconds(9)), of: Shelf.stream) == nil)
        #expect(try await service.resource(.segment(id, start: .zero, end: .seconds(2)), of: StreamID("other")) == nil)
        #expect(try await service.resource(.initialization(RecordingID("r9"), file: 0), of: Shelf.stream) == nil)
    }

    @Test func aPlayerWaitsForWhatIsNext() async throws {
        let shelf = try Shelf()
        let file = try FileWriter(in: shelf)
        try file.write(Shelf.frames(0..<2620))
        shelf.add(file, state: .recording)
        let service = service(shelf, now: .milliseconds(2600))
        let now = try await service.livePlaylist(of: Shelf.stream, HLSDirectives(sequence: nil, part: nil, skip: nil), query: "")
        #expect(now.contains("r0.2000.p1.m4s"))
        #expect(now.hasSuffix("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"r0.2000.p2.m4s\"\n"))
        async let list = service.livePlaylist(of: Shelf.stream, HLSDirectives(sequence: "1", part: "2", skip: nil), query: "")
        async let part = service.resource(.part(RecordingID("r0"), start: .seconds(2), index: 2), of: Shelf.stream)
        try file.write(Shelf.frames(2620..<2800))
        #expect(try await list.contains("#EXT-X-PART:DURATION=0.250,URI=\"r0.2000.p2.m4s\""))
        #expect(try await part != nil)
        async let end = service.livePlaylist(of: Shelf.stream, HLSDirectives(sequence: "2", part: nil, skip: nil), query: "")
        try file.write([], isLast: true)
        shelf.end()
        #expect(try await end.hasSuffix("#EXT-X-ENDLIST\n"))
    }

    /// A segment of two seconds is eight whole parts: whoever has them all asks for a ninth before it is known that there is none.
    @Test func aPlayerThatHasAllPartsOfASegmentWaitsForTheNextSegmentsFirst() async throws {
        let shelf = try Shelf()
        let file = try FileWriter(in: shelf)
        try file.write(Shelf.frames(0..<4100))
        shelf.add(file, state: .recording)
        let service = service(shelf, now: .milliseconds(4100))
        let directives = try HLSDirectives(sequence: "1", part: "8", skip: nil)
        async let list = service.livePlaylist(of: Shelf.stream, directives, query: "")
        try await Task.sleep(for: .milliseconds(200))
        try file.write(Shelf.frames(4100..<4400))
        #expect(try await list.contains("r0.4000.p0.m4s\",INDEPENDENT=YES"))
    }

    @Test func vp8IsRefusedAsMP4AndGivenAsWebM() async throws {
        let shelf = try Shelf()
        let tracks = [MatroskaTrack(number: 1, codec: .vp8, width: 64, height: 48), Shelf.tracks[1]]
        let file = try FileWriter(in: shelf, tracks: tracks)
        try file.write(Shelf.frames(0..<5000), isLast: true)
        shelf.add(file)
        let service = service(shelf, now: .seconds(60))
        let refusal = PlaybackError.unsuitable(codec: "VP8", instead: "WebM")
        await #expect(throws: refusal) { try await service.media(of: Shelf.stream, MediaCut(try range(1, 2), container: .mp4)) }
        await #expect(throws: refusal) { try await service.playlist(of: Shelf.stream, in: try range(1, 2), query: "") }
        let media = try await service.media(of: Shelf.stream, MediaCut(try range(3, 4), container: .webm))
        let content = await bytes(media)
        var reader = try MatroskaReader { offset, count in Array(content.dropFirst(Int(clamping: offset)).prefix(count)) }
        var times: [Duration] = []
        while let frame = reader.next() { if frame.track == 1 { times.append(frame.time) } }
        #expect(times == stride(from: 0, to: 2000, by: 40).map { .milliseconds($0) })
        #expect(reader.startedAt == Shelf.start.advanced(by: .seconds(2)))
    }

    @Test func whatCannotBeReadIsNothing() async throws {
        let shelf = try Shelf()
        let file = try FileWriter(in: shelf)
        shelf.add(file)
        let service = service(shelf, now: .seconds(60))
        await #expect(throws: PlaybackError.nothingRecorded) {
            try await service.media(of: Shelf.stream, MediaCut(try range(0, 5), container: .mp4))
        }
        try Data(repeating: 7, count: 5000).write(to: URL(filePath: file.path))
        await #expect(throws: PlaybackError.nothingRecorded) {
            try await service.playlist(of: Shelf.stream, in: try range(0, 5), query: "")
        }
    }
}

/// How many descriptors of this process are of the file, which may have been removed.
private func openings(of path: String) -> Int {
    let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    let links = all.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)") }
    return links.count { $0 == path || $0 == "\(path) (deleted)" }
}

@Suite struct RemovedRecordingTests {
    /// `isAsked`: the space is needed at once.
    @Test(arguments: [true, false])
    func whatIsRemovedIsClosedAndWhatStaysIsNot(isAsked: Bool) async throws {
        let shelf = try Shelf()
        let (gone, kept) = (try FileWriter(in: shelf), try FileWriter(in: shelf))
        for file in [gone, kept] {
            try file.write(Shelf.frames(0..<4000), isLast: true)
            shelf.add(file)
        }
        let service = service(shelf, now: .seconds(60))
        let whole = try range(0, 5)
        _ = try await service.playlist(of: Shelf.stream, in: whole, query: "")
        #expect(openings(of: gone.path) == 1 && openings(of: kept.path) == 1)
        try FileManager.default.removeItem(atPath: gone.path)
        if isAsked { await service.letGo() }
        for _ in 0..<200 where !isAsked && openings(of: gone.path) > 0 { try await Task.sleep(for: .milliseconds(50)) }
        #expect(openings(of: gone.path) == 0 && openings(of: kept.path) == 1)
        _ = try await service.playlist(of: Shelf.stream, in: whole, query: "")
        #expect(openings(of: gone.path) == 0)
    }
}

@Suite struct ClipServiceTests {
    @Test func aClipOutlivesWhatItWasCutFromAndStrayFilesDoNot() async throws {
        let shelf = try Shelf()
        let file = try FileWriter(in: shelf)
        try file.write(Shelf.frames(0..<6000), isLast: true)
        shelf.add(file)
        let folder = shelf.folder + "/clips"
        let clips = ClipService(
            playback: service(shelf, now: .seconds(60)), ledger: shelf, folder: folder, hasSpace: { true }, now: { Shelf.start })
        try await clips.prepare(logger: Logger(label: "test"))
        let clip = try await clips.makeClip(ClipOrder(stream: Shelf.stream, range: try range(2.5, 4)), for: AccountID("a"))
        try Data([1]).write(to: URL(filePath: folder + "/stray.mp4"))
        try Data([1]).write(to: URL(filePath: folder + "/\(clip.id).mp4.part"))
        try FileManager.default.removeItem(atPath: file.path)
        try await clips.prepare(logger: Logger(label: "test"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [clip.fileName])
        let path = try #require(await clips.file(of: clip))
        let content = [UInt8](try Data(contentsOf: URL(filePath: path)))
        #expect(Int64(content.count) == clip.sizeBytes)
        #expect(try stamps(content, track: 1).first == 2000)
        #expect(try await clips.removeClip(clip.id))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }

    @Test func aFullDiskRefusesIt() async throws {
        let shelf = try Shelf()
        let clips = ClipService(
            playback: service(shelf, now: .seconds(60)), ledger: shelf, folder: shelf.folder, hasSpace: { false }, now: { Shelf.start })
        await #expect(throws: PlaybackError.self) {
            try await clips.makeClip(ClipOrder(stream: Shelf.stream, range: try range(0, 1)), for: AccountID("a"))
        }
        let stored = shelf.stored.withLock { $0 }
        #expect(stored.isEmpty)
    }
}
