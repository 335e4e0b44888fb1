import BridgeModel
import Foundation
import Matroska
import NetworkTesting
import Testing

@testable import PipelineChild

/// One stream, 20 pictures and 50 sounds a second with a keyframe each second, as the recorders write it of whom each is killed.
private struct KilledRecorder {
    private static let tracks = [
        MatroskaTrack(number: 1, codec: .vp8, width: 16, height: 16, channels: 0, codecPrivate: []),
        MatroskaTrack(number: 2, codec: .opus, width: 0, height: 0, channels: 2, codecPrivate: []),
    ]

    /// The second of the stream whose keyframe it begins with.
    var keyframe: Int
    /// How many seconds it records.
    var seconds: Int
    /// How long each sound lasts, ms.
    var soundLength = 20
    /// How much later than the first recorder it puts all sound against the picture, ms.
    var shift: Int64 = 0
    /// How much its time of day is behind that of the first recorder, ms.
    var dayShift: Int64 = 0
    /// Sounds that it did not get.
    var lostSounds: Set<Int> = []
    /// Sounds that are equal to each other.
    var silence: Set<Int> = []

    /// The whole file.
    var bytes: [UInt8] {
        let began = WallTime(milliseconds: 1_700_000_000_000 + Int64(keyframe) * 1000 - dayShift)
        var writer = MatroskaWriter(.webm, tracks: Self.tracks, startedAt: began, cluster: .seconds(1))
        for frame in frames { writer.append(frame) }
        return writer.takeOutput().appended
    }

    private var frames: [MatroskaFrame] {
        let start = Int64(keyframe) * 1000
        let pictures = (keyframe * 20..<(keyframe + seconds) * 20).map { number in
            MatroskaFrame(
                track: 1, time: .milliseconds(Int64(number) * 50 - start), isKeyframe: number % 20 == 0, bytes: Self.bytes(number))
        }
        let sounds = (0..<(keyframe + seconds) * 1000 / soundLength).filter { !lostSounds.contains($0) }.map { number in
            MatroskaFrame(
                track: 2, time: .milliseconds(Int64(number * soundLength) - start + shift), isKeyframe: true,
                bytes: silence.contains(number) ? [0xF8, 0xFF, 0xFE] : Self.bytes(number))
        }
        return (pictures + sounds).filter { $0.time >= .zero }.sorted { ($0.time, $1.track) < ($1.time, $0.track) }
    }

    private static func bytes(_ number: Int) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }

    /// What a file made of bytes holds: numbers of pictures and of sounds, silence as -1.
    static func numbers(_ frames: [MatroskaFrame]) -> [UInt8: [Int]] {
        Dictionary(grouping: frames, by: \.track).mapValues { row in
            row.map { $0.bytes.count == 2 ? Int($0.bytes[0]) << 8 | Int($0.bytes[1]) : -1 }
        }
    }
}

@Suite struct KilledRecorderTests {
    private func join(_ files: [[UInt8]], in folder: ScratchFolder) throws -> [MatroskaFrame] {
        let paths = files.indices.map { folder.file("part-\($0 + 1)") }
        for (path, bytes) in zip(paths, files) { try Data(bytes).write(to: URL(fileURLWithPath: path)) }
        var parts = try RecordingParts(paths: paths)
        var frames: [MatroskaFrame] = []
        while let frame = parts.next() { frames.append(frame) }
        return frames
    }

    private func alone(_ file: [UInt8], in folder: ScratchFolder) throws -> [UInt8: [Int]] {
        KilledRecorder.numbers((try? join([file], in: folder)) ?? [])
    }

    /// Every frame that a part holds is there once and in its order, and the times of each track are well apart. Sounds `beside` a keyframe may be missing:
    /// a recorder whose clock moves the sound begins with another one than the recorder before it did with that keyframe.
    private func expectAllOnce(_ files: [[UInt8]], in folder: ScratchFolder, beside: Int = 0, _ comment: Comment) throws {
        let found = try join(files, in: folder)
        let numbers = KilledRecorder.numbers(found)
        for track in [1, 2] as [UInt8] {
            let row = numbers[track] ?? []
            #expect(zip(row, row.dropFirst()).allSatisfy { $0 < $1 }, "\(row) in track \(track), \(comment)")
            let held = try files.reduce(into: Set<Int>()) { $0.formUnion(try alone($1, in: folder)[track] ?? []) }
            let missing = held.subtracting(row).filter { track == 1 || ($0 + beside) % 50 >= 2 * beside }
            #expect(missing == [], "missing of track \(track), \(comment)")
            let times = found.filter { $0.track == track }.map(\.time)
            #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 > .milliseconds(15) }, "times of track \(track), \(comment)")
        }
    }

    /// The keyframe and the sounds beside it come at the same time: any of them may be the last that was written.
    @Test(arguments: [-14, -1, 0, 1, 14] as [Int64])
    func aRecorderMayBeKilledAtAnyByte(shift: Int64) throws {
        let folder = try ScratchFolder()
        let whole = KilledRecorder(keyframe: 0, seconds: 3).bytes
        let next = KilledRecorder(keyframe: 2, seconds: 2, shift: shift).bytes
        for length in stride(from: whole.count * 3 / 5, through: whole.count, by: 5) {
            try expectAllOnce([Array(whole.prefix(length)), next], in: folder, "\(length) of \(whole.count) bytes")
        }
    }

    /// Each may be killed before it wrote as much as the one before it, or no sound at all.
    @Test(arguments: 0..<40)
    func soMayThoseThatFollow(seed: UInt64) throws {
        let folder = try ScratchFolder()
        var chance = SeededRandom(seed: seed)
        var files: [[UInt8]] = []
        for keyframe in [0, 1, 1, 2, 3] {
            let recorder = KilledRecorder(
                keyframe: keyframe, seconds: 2, shift: files.isEmpty ? 0 : .random(in: -40...40, using: &chance),
                dayShift: files.isEmpty ? 0 : .random(in: -40...40, using: &chance))
            let whole = recorder.bytes
            files.append(Array(whole.prefix(.random(in: whole.count / 8...whole.count, using: &chance))))
        }
        try expectAllOnce(files, in: folder, beside: 3, "seed \(seed)")
    }

    /// Behind the join the sound catches up with the picture.
    @Test(arguments: [-40, -19] as [Int64])
    func aClockThatIsBehindIsFollowedSlowly(shift: Int64) throws {
        let folder = try ScratchFolder()
        let whole = KilledRecorder(keyframe: 0, seconds: 3).bytes
        let next = KilledRecorder(keyframe: 2, seconds: 3, shift: shift).bytes
        let times = try join([whole, next], in: folder).filter { $0.track == 2 }.map(\.time.wholeMilliseconds)
        #expect(zip(times, times.dropFirst()).allSatisfy { (19...20).contains($1 - $0) })
        #expect(times.last == 249 * 20 + shift)
    }

    /// A publisher that is overloaded sends sound and picture seconds apart, and not always by as much.
    @Test(arguments: [-1500, 1500] as [Int64])
    func soundFarFromItsPictureComesOnce(shift: Int64) throws {
        let folder = try ScratchFolder()
        let whole = KilledRecorder(keyframe: 0, seconds: 4).bytes
        let next = KilledRecorder(keyframe: 2, seconds: 3, shift: shift).bytes
        let numbers = KilledRecorder.numbers(try join([whole, next], in: folder))[2] ?? []
        #expect(numbers == Array(0..<250))
    }

    @Test(arguments: [90, 110, 120, 149])
    func aSoundThatOneOfThemDidNotGetChangesNothingElse(lost: Int) throws {
        let folder = try ScratchFolder()
        let whole = KilledRecorder(keyframe: 0, seconds: 3, lostSounds: [lost])
        let next = KilledRecorder(keyframe: 2, seconds: 2, shift: 14)
        let numbers = KilledRecorder.numbers(try join([whole.bytes, next.bytes], in: folder))[2] ?? []
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }, "\(numbers)")
        #expect(numbers.count >= 199 && numbers.last == 199)
    }

    /// Silence says nothing of the place: what is heard before and after it does, and else the clock.
    @Test(arguments: [0..<0, 98..<103, 101..<140, 60..<150, 0..<200] as [Range<Int>], [-8, 0, 8] as [Int64])
    func silenceIsNoProof(silence: Range<Int>, shift: Int64) throws {
        let folder = try ScratchFolder()
        let whole = KilledRecorder(keyframe: 0, seconds: 3, silence: Set(silence))
        let next = KilledRecorder(keyframe: 2, seconds: 2, shift: shift, silence: Set(silence))
        let numbers = KilledRecorder.numbers(try join([whole.bytes, next.bytes], in: folder))[2] ?? []
        #expect(numbers == (0..<200).map { silence.contains($0) ? -1 : $0 })
    }

    @Test(arguments: [-25, 25] as [Int64])
    func longPiecesOfSilenceAreKnownByTheirTime(shift: Int64) throws {
        let folder = try ScratchFolder()
        let whole = KilledRecorder(keyframe: 0, seconds: 3, soundLength: 60, silence: Set(0..<100))
        let next = KilledRecorder(keyframe: 2, seconds: 2, soundLength: 60, shift: shift, silence: Set(0..<100))
        let sounds = try join([whole.bytes, next.bytes], in: folder).filter { $0.track == 2 }
        #expect(sounds.count == 66)
        #expect(zip(sounds, sounds.dropFirst()).allSatisfy { $1.time - $0.time > .milliseconds(30) })
    }

    /// A part whose silence stands elsewhere begins behind the other, not in it.
    @Test func oneEqualPieceIsNoOverlap() throws {
        let folder = try ScratchFolder()
        let whole = KilledRecorder(keyframe: 0, seconds: 2, silence: [80])
        let next = KilledRecorder(keyframe: 2, seconds: 1, silence: [105])
        let numbers = KilledRecorder.numbers(try join([whole.bytes, next.bytes], in: folder))[2] ?? []
        #expect(numbers == (0..<150).map { [80, 105].contains($0) ? -1 : $0 })
    }
}
