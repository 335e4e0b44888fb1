import BridgeModel
import ISOMedia
import Testing

/// A file in memory.
struct VirtualFile {
    var bytes: [UInt8]

    func read() throws(ISOMediaError) -> MovieReader {
        try MovieReader(fileSize: UInt64(bytes.count)) { offset, count in
            guard offset < UInt64(bytes.count) else { return [] }
            return Array(bytes[Int(offset)...].prefix(count))
        }
    }

    /// What the reader says lies in the file, with the bytes that lie there.
    func samples(ofTrack track: UInt32) throws -> [MovieSample] {
        try read().samples(ofTrack: track).map {
            MovieSample(
                track: track, time: $0.time, isKeyframe: $0.isKeyframe, bytes: Array(bytes[Int($0.offset)...].prefix(Int($0.size))))
        }
    }
}

func someTracks() throws -> [MovieTrack] {
    [
        try MovieTrack(number: 1, codec: .h264, codecPrivate: avcRecord, size: (640, 360)),
        try MovieTrack(number: 2, codec: .opus, codecPrivate: opusHead, channels: 2),
    ]
}

/// Three seconds: a picture every 40 ms, a keyframe a second, sound every 20 ms from 500 ms on, with a hole of a second.
func someSamples() -> [MovieSample] {
    stride(from: 0, to: 3000, by: 20).flatMap { time -> [MovieSample] in
        let length = 1 + (time * 7919) % 90
        var samples: [MovieSample] = []
        if time % 40 == 0 {
            let bytes = [UInt8](repeating: UInt8(time % 241), count: length * 3)
            samples.append(MovieSample(track: 1, time: .milliseconds(time), isKeyframe: time % 1000 == 0, bytes: bytes))
        }
        if time >= 500, !(1000..<2000).contains(time) {
            let bytes = [UInt8](repeating: UInt8(time % 251), count: length)
            samples.append(MovieSample(track: 2, time: .milliseconds(time), isKeyframe: true, bytes: bytes))
        }
        return samples
    }
}

func progressive(_ samples: [MovieSample], tracks: [MovieTrack], createdAt: WallTime? = nil) throws -> VirtualFile {
    var writer = ProgressiveWriter(tracks: tracks, createdAt: createdAt)
    let kept = samples.filter { writer.add(track: $0.track, time: $0.time, isKeyframe: $0.isKeyframe, size: $0.bytes.count) }
    return VirtualFile(bytes: try writer.header() + kept.flatMap(\.bytes))
}

func fragmented(_ samples: [MovieSample], tracks: [MovieTrack]) throws -> VirtualFile {
    let writer = FragmentedWriter(tracks: tracks)
    var bytes = writer.initSegment
    for second in 0..<3 {
        let (start, end) = (Duration.seconds(second), Duration.seconds(second + 1))
        let part = samples.filter { $0.time >= start && $0.time < end }
        bytes += try writer.fragment(part, sequence: UInt32(second + 1), ends: [1: end, 2: end], beginsSegment: second == 1)
    }
    return VirtualFile(bytes: bytes)
}

@Suite struct MovieTests {
    @Test(arguments: [true, false])
    func whatWasWrittenIsReadBack(isFragmented: Bool) throws {
        let tracks = try someTracks()
        let file = try isFragmented ? fragmented(someSamples(), tracks: tracks) : progressive(someSamples(), tracks: tracks)
        #expect(try file.read().tracks == tracks)
        for track in tracks {
            #expect(try file.samples(ofTrack: track.number) == someSamples().filter { $0.track == track.number })
        }
    }

    /// Written before its index is known: the index goes in front where there is room, and behind the media where there is not.
    @Test(arguments: [0, 44, 64, 1000, 3000, 65_536])
    func anIndexFindsWhatWasWrittenBeforeIt(room: UInt64) throws {
        let tracks = try someTracks()
        var writer = ProgressiveWriter(tracks: tracks)
        for sample in someSamples() {
            _ = writer.add(track: sample.track, time: sample.time, isKeyframe: sample.isKeyframe, size: sample.bytes.count)
        }
        let whole = UInt64(try writer.header().count)
        guard room >= 44 else {
            #expect(throws: ISOMediaError.tooLarge("ftyp")) { try writer.index(room: room) }
            return
        }
        // A free box has eight bytes at least.
        for room in room == 3000 ? Array(whole...whole + 9) : [room] {
            let index = try writer.index(room: room)
            #expect(index.back.isEmpty == (room == whole || room >= whole + 8))
            let padding = [UInt8](repeating: 0, count: Int(room) - index.front.count - index.mediaHeader.count)
            let file = VirtualFile(bytes: index.front + padding + index.mediaHeader + someSamples().flatMap(\.bytes) + index.back)
            #expect(try file.read().tracks == tracks)
            for track in tracks {
                #expect(try file.samples(ofTrack: track.number) == someSamples().filter { $0.track == track.number })
            }
        }
    }

    @Test func everyFormatIsReadBack() throws {
        let tracks = [
            try MovieTrack(number: 1, codec: .h265, codecPrivate: hevcRecord, size: (1280, 720)),
            try MovieTrack(number: 2, codec: .vp9, codecPrivate: [], size: (640, 360), firstKeyframe: vp9Keyframe),
            try MovieTrack(number: 3, codec: .av1, codecPrivate: av1Record, size: (640, 360)),
            MovieTrack(number: 9, format: .aac(configuration: [0x11, 0x90]), channels: 2, sampleRate: 44_100),
        ]
        let samples = tracks.map { MovieSample(track: $0.number, time: .seconds(1), isKeyframe: true, bytes: [7]) }
        #expect(try progressive(samples, tracks: tracks).read().tracks == tracks)
        #expect(try VirtualFile(bytes: FragmentedWriter(tracks: tracks).initSegment).read().tracks == tracks)
        #expect(FragmentedWriter(tracks: tracks).codecs == "hvc1.1.6.L93.B0,vp09.00.21.08,av01.0.04M.08,mp4a.40.2")
    }

    @Test func aFragmentDependsOnItsSamplesOnly() throws {
        let writer = FragmentedWriter(tracks: try someTracks())
        let part = someSamples().filter { $0.time >= .seconds(2) }
        let alone = try writer.fragment(part, sequence: 3)
        #expect(try writer.fragment(part, sequence: 3) == alone)
        let file = VirtualFile(bytes: writer.initSegment + alone)
        #expect(try file.samples(ofTrack: 1).first?.time == .seconds(2))
    }

    @Test func theEndOfAFragmentIsTheBeginningOfTheNext() throws {
        let tracks = [try MovieTrack(number: 1, codec: .av1, codecPrivate: av1Record)]
        let sample = MovieSample(track: 1, time: .milliseconds(40), isKeyframe: true, bytes: [1])
        let bytes = try FragmentedWriter(tracks: tracks).fragment([sample], sequence: 1, ends: [1: .milliseconds(333)])
        // 293 ms of 90 kHz, the duration of the one sample: 26,370 ticks.
        #expect(bytes.suffix(8 + 1 + 8).starts(with: [0, 0, 0x67, 0x02, 0, 0, 0, 1]))
    }

    @Test func theIndexStandsInFrontAndKnowsTheWallClock() throws {
        let start = WallTime(milliseconds: 1_709_283_601_480)
        let file = try progressive(someSamples(), tracks: someTracks(), createdAt: start)
        #expect(try file.read().createdAt?.seconds == start.seconds)
        let types = [4..<8, 32..<36].map { String(decoding: file.bytes[$0], as: UTF8.self) }
        #expect(types == ["ftyp", "moov"])
    }

    @Test func picturesThatAreShownInAnotherOrderKeepTheirTimes() throws {
        let times = [0, 120, 40, 80, 240, 160, 200]
        let samples = times.map { MovieSample(track: 1, time: .milliseconds($0), isKeyframe: $0 == 0, bytes: [UInt8($0)]) }
        let tracks = [try MovieTrack(number: 1, codec: .h264, codecPrivate: avcRecord)]
        #expect(try progressive(samples, tracks: tracks).samples(ofTrack: 1) == samples)
        #expect(try fragmented(samples, tracks: tracks).samples(ofTrack: 1) == samples)
    }

    @Test func samplesOfOneMomentStandOneAfterTheOther() throws {
        let samples = [0, 20, 20, 20].map { MovieSample(track: 2, time: .milliseconds($0), isKeyframe: true, bytes: [1]) }
        let references = try progressive(samples, tracks: someTracks()).read().samples(ofTrack: 2)
        #expect(references.map(\.offset) == references.map(\.offset).sorted() && Set(references.map(\.offset)).count == 4)
        #expect(references.map(\.time) == [0, 20, 20, 20].map { .milliseconds($0) })
    }

    @Test func theLengthCountsTheLastSamples() throws {
        var writer = ProgressiveWriter(tracks: try someTracks())
        for sample in someSamples() {
            _ = writer.add(track: sample.track, time: sample.time, isKeyframe: sample.isKeyframe, size: sample.bytes.count)
        }
        #expect(writer.duration == .seconds(3))
        let isTaken = writer.add(track: 7, time: .zero, isKeyframe: true, size: 1)
        #expect(!isTaken)
        #expect(writer.mediaSize == UInt64(someSamples().reduce(0) { $0 + $1.bytes.count }) && writer.count == someSamples().count)
    }

    @Test func filesOfMoreThan4GBHavePlacesOf64Bits() throws {
        var writer = ProgressiveWriter(tracks: try someTracks())
        for second in 0..<5 {
            _ = writer.add(track: 1, time: .seconds(second), isKeyframe: true, size: 1_000_000_000)
            _ = writer.add(track: 2, time: .seconds(second), isKeyframe: true, size: 1)
        }
        let header = try writer.header()
        let movie = try MovieReader(fileSize: UInt64(header.count) + writer.mediaSize) { offset, count in
            offset < UInt64(header.count) ? Array(header[Int(offset)...].prefix(count)) : []
        }
        #expect(movie.samples(ofTrack: 1).map(\.offset) == (0..<5).map { UInt64(header.count) + $0 * 1_000_000_001 })
        #expect(movie.samples(ofTrack: 2).last?.offset == UInt64(header.count) + 5_000_000_004)
    }

    @Test func aFragmentedFileThatIsCutHoldsItsWholeFragments() throws {
        let file = try fragmented(someSamples(), tracks: someTracks())
        let whole = try file.samples(ofTrack: 1)
        for cut in stride(from: 1200, to: file.bytes.count, by: 501) {
            let kept = try VirtualFile(bytes: Array(file.bytes[..<cut])).samples(ofTrack: 1)
            #expect(kept == Array(whole.prefix(kept.count)))
        }
    }
}
