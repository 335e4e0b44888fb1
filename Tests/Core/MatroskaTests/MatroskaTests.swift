import BridgeModel
import Matroska
import Testing

private let tracks = [
    MatroskaTrack(number: 1, codec: .h264, width: 640, height: 360, codecPrivate: [1, 66, 192, 30, 255]),
    MatroskaTrack(number: 2, codec: .opus, channels: 2, codecPrivate: opusHead(channels: 2)),
]
private let start = WallTime(milliseconds: 1_709_283_601_480)

/// A file in memory.
private struct VirtualFile {
    var bytes: [UInt8] = []

    mutating func apply(_ output: MatroskaWriter.Output) {
        bytes += output.appended
        for overwrite in output.overwritten { bytes.replaceSubrange(range(of: overwrite), with: overwrite.bytes) }
    }

    /// Where the clusters lie by what they say of their sizes; one that is open reaches far beyond the file.
    var clusters: [Range<Int>] {
        let id: [UInt8] = [0x1F, 0x43, 0xB6, 0x75]
        return bytes.indices.dropLast(12).filter { bytes[$0..<$0 + 4].elementsEqual(id) }.map { start in
            let size = bytes[start + 5..<start + 12].reduce(0) { $0 << 8 | Int($1) }
            return start..<start + 12 + size
        }
    }

    private func range(of overwrite: MatroskaWriter.Overwrite) -> Range<Int> {
        Int(overwrite.offset)..<Int(overwrite.offset) + overwrite.bytes.count
    }

    func reader() throws -> MatroskaReader {
        let bytes = bytes
        return try MatroskaReader { offset, count in
            guard offset < UInt64(bytes.count) else { return [] }
            return Array(bytes[Int(offset)..<min(bytes.count, Int(offset) + count)])
        }
    }
}

/// Five seconds: a picture every 40 ms with a keyframe every two seconds, sound every 20 ms.
private func someFrames() -> [MatroskaFrame] {
    stride(from: 0, to: 5000, by: 20).flatMap { time -> [MatroskaFrame] in
        let length = 1 + (time * 7919) % 300
        let sound = MatroskaFrame(
            track: 2, time: .milliseconds(time), isKeyframe: true, bytes: [UInt8](repeating: UInt8(time % 251), count: length))
        guard time % 40 == 0 else { return [sound] }
        let picture = MatroskaFrame(
            track: 1, time: .milliseconds(time), isKeyframe: time % 2000 == 0,
            bytes: [UInt8](repeating: UInt8(time % 241), count: length * 20))
        return [picture, sound]
    }
}

private func written(_ frames: [MatroskaFrame], finished: Bool) -> VirtualFile {
    var writer = MatroskaWriter(.matroska, tracks: tracks, startedAt: start, cluster: .seconds(1))
    var file = VirtualFile()
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

private func allFrames(_ reader: MatroskaReader) -> [MatroskaFrame] {
    var reader = reader
    var frames: [MatroskaFrame] = []
    while let frame = reader.next() { frames.append(frame) }
    return frames
}

@Suite struct MatroskaTests {
    @Test(arguments: [true, false])
    func whatWasWrittenIsReadBack(finished: Bool) throws {
        let reader = try written(someFrames(), finished: finished).reader()
        #expect(reader.tracks == tracks)
        #expect(reader.startedAt == start)
        #expect(allFrames(reader) == someFrames())
    }

    @Test func aFileThatIsCutAnywhereHoldsEveryWholeFrameBeforeTheCut() throws {
        let file = written(someFrames(), finished: false)
        let whole = someFrames()
        for cut in stride(from: 400, to: file.bytes.count, by: 1009) {
            let frames = allFrames(try VirtualFile(bytes: Array(file.bytes[..<cut])).reader())
            #expect(frames == Array(whole.prefix(frames.count)))
            let payload = whole.prefix(frames.count + 1).reduce(0) { $0 + $1.bytes.count }
            #expect(frames.count == whole.count || payload > cut - 1200 - 20 * (frames.count + 1))
        }
    }

    /// A full disk refuses a whole output, and with it the size of a cluster that was closed in it: that of the first second ends before frame 75.
    @Test(arguments: [1, 74, 75, 76, 150, 374])
    func aFileThatTakesNoMoreHasNoOpenCluster(refused: Int) {
        let frames = someFrames()
        var writer = MatroskaWriter(.matroska, tracks: tracks, startedAt: start, cluster: .seconds(1))
        var file = VirtualFile()
        for frame in frames[..<refused] {
            writer.append(frame)
            file.apply(writer.takeOutput())
        }
        writer.append(frames[refused])
        _ = writer.takeOutput()
        _ = writer.finish(cutTo: UInt64(file.bytes.count))
        file.apply(writer.takeOutput())
        let clusters = file.clusters
        #expect(clusters.map(\.upperBound) == clusters.dropFirst().map(\.lowerBound) + [file.bytes.count])
    }

    @Test func clustersLastNoLongerThanAskedAndBeginAtKeyframes() {
        var writer = MatroskaWriter(.webm, tracks: tracks, startedAt: start, cluster: .milliseconds(900))
        var ends: [Duration] = []
        for frame in someFrames() { if let closed = writer.append(frame) { ends.append(closed.duration) } }
        for (earlier, later) in zip(ends, ends.dropFirst()) { #expect(later - earlier <= .milliseconds(940)) }
        #expect(ends.contains(.seconds(2)) && ends.contains(.seconds(4)))
    }

    @Test func durationCountsTheLastFrames() {
        var writer = MatroskaWriter(.webm, tracks: tracks, startedAt: start, cluster: .seconds(1))
        for frame in someFrames() { writer.append(frame) }
        #expect(writer.finish() == .seconds(5))
    }

    @Test func aGapOfMinutesIsKept() throws {
        let frames = [0, 40, 600_000, 600_040].map {
            MatroskaFrame(track: 1, time: .milliseconds($0), isKeyframe: $0 % 100 == 0, bytes: [1, 2, 3])
        }
        let reader = try written(frames, finished: true).reader()
        #expect(allFrames(reader) == frames)
    }

    @Test func framesOutOfOrderKeepTheirTimes() throws {
        let frames = [0, 500, 300, 1600, 1400].map {
            MatroskaFrame(track: 2, time: .milliseconds($0), isKeyframe: true, bytes: [9])
        }
        #expect(allFrames(try written(frames, finished: true).reader()) == frames)
    }

    @Test func aFrameFromBeforeTheLastOneBeginsACluster() throws {
        var writer = MatroskaWriter(.webm, tracks: tracks, startedAt: WallTime(milliseconds: 0), cluster: .seconds(1))
        let times: [(track: UInt8, time: Int64)] = [(1, 0), (2, 20), (2, 20), (1, 10), (2, 40)]
        let closed = times.map { one in
            writer.append(MatroskaFrame(track: one.track, time: .milliseconds(one.time), isKeyframe: one.time == 0, bytes: [7])) != nil
        }
        #expect(closed == [false, false, false, true, false], "Media Source takes no block that goes back in its cluster")
    }

    @Test func framesOfUnknownTracksAreLeftOut() {
        var writer = MatroskaWriter(.webm, tracks: tracks, startedAt: start, cluster: .seconds(1))
        let before = writer.fileSize
        #expect(writer.append(MatroskaFrame(track: 9, time: .zero, isKeyframe: true, bytes: [1])) == nil)
        #expect(writer.fileSize == before)
    }

    @Test(
        arguments: [
            [], [0], [0x1A], [0x1A, 0x45, 0xDF, 0xA3], [0x1A, 0x45, 0xDF, 0xA3, 0xFF],
            [0x1A, 0x45, 0xDF, 0xA3, 0x80, 0x18, 0x53, 0x80, 0x67, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0x1A, 0x45, 0xDF, 0xA3, 0x80, 0x18, 0x53, 0x80, 0x67, 0xFF, 0x16, 0x54, 0xAE, 0x6B, 0x83, 0xAE, 0x81, 0x00],
            [0x1A, 0x45, 0xDF, 0xA3, 0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [UInt8](repeating: 0xFF, count: 64), [UInt8](repeating: 0, count: 64),
        ] as [[UInt8]])
    func malformedHeadersAreRefused(bytes: [UInt8]) {
        #expect(throws: MatroskaReader.Failure.noHeader) { try VirtualFile(bytes: bytes).reader() }
    }

    @Test func damagedFilesNeverTrap() {
        let whole = written(someFrames(), finished: true).bytes
        var state: UInt64 = 42
        for _ in 0..<1500 {
            var damaged = whole
            for _ in 0..<8 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let place = Int(state >> 33) % (state & 1 == 0 ? 600 : damaged.count)
                damaged[place] = UInt8(truncatingIfNeeded: state >> 20)
            }
            if let reader = try? VirtualFile(bytes: damaged).reader() { _ = allFrames(reader) }
        }
    }
}
