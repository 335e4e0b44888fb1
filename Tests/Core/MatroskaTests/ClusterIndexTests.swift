import BridgeModel
import Matroska
import Testing

private let tracks = [
    MatroskaTrack(number: 1, codec: .vp8, width: 640, height: 360), MatroskaTrack(number: 2, codec: .opus, channels: 2),
]
private let start = WallTime(milliseconds: 1_709_283_601_480)

/// A file as it grows.
private final class GrowingFile {
    private(set) var bytes: [UInt8] = []

    func apply(_ output: MatroskaWriter.Output) {
        bytes += output.appended
        for overwrite in output.overwritten {
            bytes.replaceSubrange(Int(overwrite.offset)..<Int(overwrite.offset) + overwrite.bytes.count, with: overwrite.bytes)
        }
    }

    func read(_ offset: UInt64, _ count: Int) -> [UInt8] {
        guard offset < UInt64(bytes.count) else { return [] }
        return Array(bytes[Int(offset)..<min(bytes.count, Int(offset) + count)])
    }

    func index() throws -> ClusterIndex {
        var index = try ClusterIndex { [self] in read($0, $1) }
        index.extend(to: UInt64(bytes.count)) { [self] in read($0, $1) }
        return index
    }
}

/// A picture every 40 ms with a keyframe every two seconds, sound every 20 ms; `times` in milliseconds.
private func frames(_ times: some Sequence<Int>) -> [MatroskaFrame] {
    times.filter { $0 % 20 == 0 }.flatMap { time -> [MatroskaFrame] in
        let sound = MatroskaFrame(track: 2, time: .milliseconds(time), isKeyframe: true, bytes: [UInt8](repeating: 1, count: 90))
        guard time % 40 == 0 else { return [sound] }
        let isKeyframe = time % 2000 == 0
        let picture = [UInt8](repeating: 2, count: isKeyframe ? 9000 : 700)
        // Sound comes before a picture of the same moment now and then.
        let video = MatroskaFrame(track: 1, time: .milliseconds(time), isKeyframe: isKeyframe, bytes: picture)
        return time % 80 == 0 ? [sound, video] : [video, sound]
    }
}

private func written(_ frames: [MatroskaFrame], finished: Bool = true) -> GrowingFile {
    var writer = MatroskaWriter(.webm, tracks: tracks, startedAt: start, cluster: .seconds(1))
    let file = GrowingFile()
    file.apply(writer.takeOutput())
    for frame in frames {
        writer.append(frame)
        file.apply(writer.takeOutput())
    }
    if finished {
        _ = writer.finish()
        file.apply(writer.takeOutput())
    }
    return file
}

@Suite struct ClusterIndexTests {
    @Test(arguments: [true, false])
    func everySecondHasItsEntryAndEveryKeyframeIsFound(isFinished: Bool) throws {
        let index = try written(frames(0..<5000), finished: isFinished).index()
        #expect(index.startedAt == start)
        #expect(index.tracks == tracks)
        #expect(index.entries.map(\.start) == (0..<5).map { .seconds($0) })
        #expect(index.entries.map(\.isKeyframe) == [true, false, true, false, true])
        #expect(index.entries.dropLast().map(\.end) == (1..<5).map { .seconds($0) })
        #expect(index.end == .milliseconds(4980))
    }

    @Test func aFileThatGrowsByAnyStepsIsIndexedAsTheWholeOne() throws {
        let whole = written(frames(0..<5000), finished: false)
        let expected = try whole.index().entries
        for step in [1, 7, 130, 4096, 20_011] {
            var size = 0
            var index: ClusterIndex?
            while size < whole.bytes.count {
                size = min(whole.bytes.count, size + step)
                let visible = size
                let read: MatroskaReader.ReadBytes = { Array(whole.read($0, $1).prefix(max(0, visible - Int(clamping: $0)))) }
                if index == nil { index = try? ClusterIndex(readBytes: read) }
                index?.extend(to: UInt64(visible), readBytes: read)
            }
            #expect(index?.entries == expected, "in steps of \(step) bytes")
        }
    }

    @Test func aClusterThatClosesBetweenTwoLooksIsStillOne() throws {
        var writer = MatroskaWriter(.webm, tracks: tracks, startedAt: start, cluster: .seconds(1))
        let file = GrowingFile()
        var index: ClusterIndex?
        for frame in frames(0..<3500) {
            writer.append(frame)
            file.apply(writer.takeOutput())
            if index == nil { index = try? ClusterIndex(readBytes: file.read) }
            if frame.track == 1 { index?.extend(to: UInt64(file.bytes.count), readBytes: file.read) }
        }
        _ = writer.finish()
        file.apply(writer.takeOutput())
        index?.extend(to: UInt64(file.bytes.count), readBytes: file.read)
        #expect(try index?.entries == file.index().entries)
    }

    @Test func aGapShowsBetweenTheLastFrameAndTheNext() throws {
        let index = try written(frames(0..<1500) + frames(6000..<7000)).index()
        #expect(index.entries.map(\.start) == [.zero, .seconds(1), .seconds(6)])
        #expect(index.entries.map(\.end) == [.seconds(1), .milliseconds(1480), .milliseconds(6980)])
        #expect(index.entry(at: .seconds(3)) == 1)
        #expect(index.entry(at: .seconds(6)) == 2)
    }

    @Test func readingFromAnEntryGivesTheFramesFromThereOn() throws {
        let file = written(frames(0..<5000))
        let index = try file.index()
        var reader = try MatroskaReader(readBytes: file.read)
        reader.move(toCluster: index.entries[2].offset)
        let first = reader.next()
        #expect(first?.time == .seconds(2))
    }

    @Test func soundAloneCanBeginAnywhere() throws {
        let sound = tracks[1]
        var writer = MatroskaWriter(.webm, tracks: [sound], startedAt: start, cluster: .seconds(1))
        let file = GrowingFile()
        for frame in frames(0..<2500) where frame.track == 2 {
            writer.append(frame)
            file.apply(writer.takeOutput())
        }
        let keys = try file.index().entries.map(\.isKeyframe)
        #expect(keys == [true, true, true])
    }

    @Test(
        arguments: [
            [], [0x1A], [0x1A, 0x45, 0xDF, 0xA3, 0x80], [UInt8](repeating: 0xFF, count: 64), [UInt8](repeating: 0, count: 64),
        ] as [[UInt8]])
    func malformedHeadersAreRefused(bytes: [UInt8]) {
        #expect(throws: MatroskaReader.Failure.noHeader) {
            try ClusterIndex { offset, count in Array(bytes.dropFirst(Int(clamping: offset)).prefix(count)) }
        }
    }

    @Test(
        arguments: [
            // What follows the header, and how many entries it makes: clusters without blocks, of impossible sizes, blocks that are cut.
            ([0x1F, 0x43, 0xB6, 0x75, 0x80], 0), ([0x1F, 0x43, 0xB6, 0x75, 0x83, 0xE7, 0x81, 0x05], 0),
            ([0x1F, 0x43, 0xB6, 0x75, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0xA3, 0x85, 0x81, 0, 0, 0x80, 9], 1),
            ([0x1F, 0x43, 0xB6, 0x75, 0xFF, 0xA3, 0x83, 0x81, 0, 0], 0),
            ([0x1F, 0x43, 0xB6, 0x75, 0xFF, 0xA3, 0x85, 0x01, 0, 0, 0x80, 9], 0),
            ([0x1F, 0x43, 0xB6, 0x75, 0xFF, 0xE7, 0x88, 255, 255, 255, 255, 255, 255, 255, 255, 0xA3, 0x85, 0x81, 0x7F, 0xFF, 0x80, 9], 1),
            ([0xEC, 0xFF], 0), ([0x00], 0),
        ] as [([UInt8], Int)])
    func malformedClustersAreLeftOut(rest: [UInt8], count: Int) throws {
        let header = written([], finished: false).bytes
        let bytes = header + rest
        let read: MatroskaReader.ReadBytes = { Array(bytes.dropFirst(Int(clamping: $0)).prefix($1)) }
        var index = try ClusterIndex(readBytes: read)
        index.extend(to: UInt64(bytes.count), readBytes: read)
        #expect(index.entries.count == count)
    }

    /// Growing an index reads what has been appended and the last cluster, however much is before.
    @Test func whatAGrowthReadsDoesNotDependOnWhatIsBefore() throws {
        func bytesRead(after seconds: Int) throws -> Int {
            var writer = MatroskaWriter(.matroska, tracks: tracks, startedAt: start, cluster: .seconds(1))
            let file = GrowingFile()
            for frame in frames(0..<seconds * 1000) { writer.append(frame) }
            file.apply(writer.takeOutput())
            var index = try file.index()
            for frame in frames(seconds * 1000..<seconds * 1000 + 1000) { writer.append(frame) }
            file.apply(writer.takeOutput())
            var count = 0
            index.extend(to: UInt64(file.bytes.count)) { offset, length in
                let bytes = file.read(offset, length)
                count += bytes.count
                return bytes
            }
            #expect(index.entries == (try file.index().entries))
            return count
        }
        let (short, long) = (try bytesRead(after: 10), try bytesRead(after: 300))
        #expect(short > 0 && long <= short * 2, "\(long) bytes after 300 s, \(short) after 10 s")
    }

    @Test func damagedFilesNeverTrapAndStayOrdered() throws {
        let whole = written(frames(0..<3000)).bytes
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var bytes = whole
            for _ in 0..<20 { bytes[Int.random(in: 60..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator) }
            let read: MatroskaReader.ReadBytes = { [bytes] in Array(bytes.dropFirst(Int(clamping: $0)).prefix($1)) }
            guard var index = try? ClusterIndex(readBytes: read) else { continue }
            index.extend(to: UInt64(bytes.count), readBytes: read)
            let starts = index.entries.map(\.start)
            #expect(starts == starts.sorted())
        }
    }
}
