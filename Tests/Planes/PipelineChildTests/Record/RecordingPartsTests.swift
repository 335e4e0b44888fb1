import BridgeModel
import Foundation
import Matroska
import Testing

@testable import PipelineChild

@Suite struct RecordingPartsTests {
    private static let began = WallTime(milliseconds: 1_700_000_000_000)
    private static let tracks = [
        MatroskaTrack(number: 1, codec: .vp8, width: 16, height: 16, channels: 0, codecPrivate: []),
        MatroskaTrack(number: 2, codec: .opus, width: 0, height: 0, channels: 2, codecPrivate: []),
    ]

    /// Writes pictures `first` to `last` of one stream, 25 a second with a keyframe each second, each with a piece of sound, as a recorder
    /// would whose clock is `error` ms late.
    private func writePart(_ path: String, _ numbers: ClosedRange<UInt8>, error: Int64 = 0) throws {
        let start = Self.began.advanced(by: .milliseconds(Int64(numbers.lowerBound) * 40 + error))
        var writer = MatroskaWriter(.webm, tracks: Self.tracks, startedAt: start, cluster: .seconds(1))
        for number in numbers {
            let time = Duration.milliseconds(Int64(number - numbers.lowerBound) * 40)
            writer.append(MatroskaFrame(track: 1, time: time, isKeyframe: number % 25 == 0, bytes: [number]))
            writer.append(MatroskaFrame(track: 2, time: time, isKeyframe: true, bytes: [200]))
        }
        try Data(writer.takeOutput().appended).write(to: URL(fileURLWithPath: path))
    }

    private func pictures(_ paths: [String]) throws -> [(number: UInt8, time: Int64)] {
        var parts = try RecordingParts(paths: paths)
        var found: [(number: UInt8, time: Int64)] = []
        while let frame = parts.next() {
            if frame.track == 1 { found.append((frame.bytes[0], frame.time.wholeMilliseconds)) }
        }
        return found
    }

    @Test(arguments: [-30, 0, 30] as [Int64])
    func aPartThatBeginsInTheOneBeforeGoesOnFromThere(error: Int64) throws {
        let folder = try ScratchFolder()
        let paths = [folder.file("part-1"), folder.file("part-2")]
        try writePart(paths[0], 0...60)
        try writePart(paths[1], 50...90, error: error)
        let found = try pictures(paths)
        #expect(found.map(\.number) == Array(0...90))
        #expect(found.map(\.time) == found.map { Int64($0.number) * 40 })
    }

    @Test func aPartThatEndsBeforeTheOneBeforeItAddsNothing() throws {
        let folder = try ScratchFolder()
        let paths = [folder.file("part-1"), folder.file("part-2"), folder.file("part-3")]
        try writePart(paths[0], 0...60)
        try writePart(paths[1], 50...55)
        try writePart(paths[2], 75...90)
        #expect(try pictures(paths).map(\.number) == Array(0...60) + Array(75...90))
    }

    @Test func partsThatShareNothingKeepTheirGap() throws {
        let folder = try ScratchFolder()
        let paths = [folder.file("part-1"), folder.file("part-2")]
        try writePart(paths[0], 0...60)
        try writePart(paths[1], 75...90)
        let found = try pictures(paths)
        #expect(found.map(\.number) == Array(0...60) + Array(75...90))
        let last = try #require(found.last)
        #expect(last.time == 90 * 40)
    }

    @Test func clocksThatDisagreePutNothingTwiceInOnePlace() throws {
        let folder = try ScratchFolder()
        let paths = [folder.file("part-1"), folder.file("part-2")]
        try writePart(paths[0], 0...60)
        try writePart(paths[1], 75...90, error: -60_000)
        let times = try pictures(paths).map(\.time)
        #expect(times == times.sorted() && Set(times).count == times.count)
    }

    /// Sounds 0 to 200 of one stream, 50 a second, and a keyframe each second; the second recorder begins with picture 2 and puts all sound
    /// `shift` ms later against the picture than the first one does. Every fiftieth sound is `phase` ms after a keyframe.
    @Test(arguments: [-90, -14, -7, -1, 0, 1, 7, 14, 90] as [Int64], [-1, 0] as [Int64])
    func aSoundThatTwoRecordersPutAtSlightlyDifferentTimesIsThereOnce(shift: Int64, phase: Int64) throws {
        let folder = try ScratchFolder()
        let paths = [folder.file("part-1"), folder.file("part-2")]
        for (path, begin, shift) in [(paths[0], Int64(0), Int64(0)), (paths[1], 2000, shift)] {
            let start = Self.began.advanced(by: .milliseconds(begin))
            var writer = MatroskaWriter(.webm, tracks: Self.tracks, startedAt: start, cluster: .seconds(1))
            for number in UInt8(0)...(begin == 0 ? 130 : 200) {
                let time = Duration.milliseconds(Int64(number) * 20 - begin)
                if number % 50 == 0, time >= .zero {
                    writer.append(MatroskaFrame(track: 1, time: time, isKeyframe: true, bytes: [number]))
                }
                let heard = time + .milliseconds(shift + phase)
                guard heard >= .zero else { continue }
                writer.append(MatroskaFrame(track: 2, time: heard, isKeyframe: true, bytes: [number]))
            }
            try Data(writer.takeOutput().appended).write(to: URL(fileURLWithPath: path))
        }
        var parts = try RecordingParts(paths: paths)
        var sounds: [MatroskaFrame] = []
        while let frame = parts.next() {
            if frame.track == 2 { sounds.append(frame) }
        }
        #expect(sounds.map { $0.bytes[0] } == Array(UInt8(phase < 0 ? 1 : 0)...200))
        #expect(zip(sounds, sounds.dropFirst()).allSatisfy { $1.time - $0.time >= .milliseconds(19) })
    }
}
