import Bridge
import BridgeModel
import Foundation
import ISOMedia
import LinuxIO
import Matroska
import Testing

@testable import PipelineChild

private let avcRecord: [UInt8] = [1, 0x42, 0xE0, 0x1F, 0xFF, 0xE1, 0, 2, 0x67, 0x42, 1, 0, 2, 0x68, 0xCE]
private let millisecond: UInt64 = 1_000_000

/// A recorder's output without its threads, and what it says.
private final class Desk {
    let plan: RecordPlan
    var output: RecordingOutput
    var said: [String] = []
    var movie: WrittenFile?

    init(_ folder: ScratchFolder, threshold: Int64?, segmentation: Segmentation? = nil) throws {
        let tracks = [Codec.h264, .opus].enumerated().map { index, codec in
            TrackDescription(index: UInt8(index), codec: codec, payloadType: 96, formatParameters: "", mid: "\(index)")
        }
        var plan = RecordPlan(
            tracks: tracks, container: .mp4, fragment: .seconds(1), path: folder.file("part-1-1.mkv"), wallClockOffset: .zero,
            firstMediaTimeout: .seconds(10))
        plan.movie = threshold.map { LiveMovie(threshold: $0) }
        plan.segmentation = segmentation
        self.plan = plan
        output = RecordingOutput(file: try LockedFile(creating: plan.path), plan: plan)
        output.assembler.setFormat(.init(width: 640, height: 360, codecPrivate: avcRecord), track: 0)
    }

    /// A picture each 40 ms, a keyframe each second, sound each 20 ms; of these seconds.
    func feed(_ seconds: Range<UInt64>, pictureBytes: Int = 4000) {
        for time in stride(from: seconds.lowerBound * 1000, to: seconds.upperBound * 1000, by: 20) {
            if time % 40 == 0 { add(0, time, pictureBytes + Int(time) % 97, isKeyframe: time % 1000 == 0) }
            add(1, time, 60 + Int(time) % 7, isKeyframe: true)
            if time % 100 == 0 { output.advance { note($0) } }
        }
        output.advance { note($0) }
    }

    private func add(_ track: Int, _ time: UInt64, _ count: Int, isKeyframe: Bool) {
        // The first byte of the sound says that it has 20 ms (RFC 6716 section 3.1).
        let bytes = [UInt8](repeating: track == 1 ? 0xF8 : UInt8(time / 20 % 251), count: count)
        output.assembler.add(
            TimedFrame(track: track, time: time * millisecond, isKeyframe: isKeyframe, bytes: bytes, receivedAt: time * millisecond))
    }

    @discardableResult
    func finish() -> PipelineResult { output.finish { note($0) } }

    private func note(_ report: RecordingWriter.Report) {
        switch report {
        case .movieGrew(let part, _): said.append("movie \(part) grew")
        case .movieEnded(let part, let file):
            movie = file
            said.append("movie \(part) \(file == nil ? "given up" : "ended")")
        case .fileBegan(let part, _): said.append("file \(part) began")
        case .fileEnded(let part, _, _): said.append("file \(part) ended")
        case .failed: said.append("failed")
        default: break
        }
    }
}

private func samples(_ path: String) throws -> [[MovieSample]] {
    let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    let reader = try MovieReader(fileSize: UInt64(bytes.count)) { offset, count in
        offset < UInt64(bytes.count) ? Array(bytes[Int(offset)...].prefix(count)) : []
    }
    return reader.tracks.map { track in
        reader.samples(ofTrack: track.number).map {
            MovieSample(
                track: track.number, time: .milliseconds($0.time.wholeMilliseconds), isKeyframe: $0.isKeyframe,
                bytes: Array(bytes[Int($0.offset)...].prefix(Int($0.size))))
        }
    }
}

@Suite struct LiveMovieTests {
    /// Begun with the first byte, or when some seconds are recorded: it holds what the finisher would have made of the part.
    @Test(arguments: [1, 500_000] as [Int64])
    func itHoldsWhatTheFinisherMakesOfThePart(threshold: Int64) throws {
        let folder = try ScratchFolder()
        let desk = try Desk(folder, threshold: threshold)
        desk.feed(0..<12)
        desk.finish()
        let written = try #require(desk.movie)
        #expect(desk.said == ["movie 1 ended"])
        var finisher = try MP4Rewriter(parts: RecordingParts(paths: [desk.plan.path]), path: folder.file("joined.mp4"))
        let finished = try finisher.run(until: { false })
        #expect(written.duration == finished.duration)
        let path = folder.file("movie-1-1.mp4")
        #expect(written.bytes == (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64))
        let (live, later) = (try samples(path), try samples(folder.file("joined.mp4")))
        #expect(live.map(\.count) == [300, 600])
        #expect(live == later)
    }

    @Test func whatIsDurableIsToldAndFinalButForTheRoomInFront() throws {
        let folder = try ScratchFolder()
        let desk = try Desk(folder, threshold: 1)
        desk.feed(0..<6, pictureBytes: 60_000)
        #expect(desk.said.filter { $0 == "movie 1 grew" }.count == 1)
        let path = folder.file("movie-1-1.mp4")
        let room = Int(LiveMovie.room)
        let early = try Data(contentsOf: URL(fileURLWithPath: path))
        desk.finish()
        let late = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(late[room..<early.count] == early[room...])
        #expect(late.prefix(room) != early.prefix(room))
    }

    @Test func aSmallRecordingHasNone() throws {
        let folder = try ScratchFolder()
        for threshold in [nil, 100_000_000] as [Int64?] {
            let desk = try Desk(folder, threshold: threshold)
            desk.feed(0..<2)
            #expect(desk.finish().bytes > 0 && desk.said == [])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["part-1-1.mkv"])
            try FileManager.default.removeItem(atPath: desk.plan.path)
        }
    }

    @Test func eachSegmentHasItsOwn() throws {
        let folder = try ScratchFolder()
        let desk = try Desk(folder, threshold: 200_000, segmentation: Segmentation(duration: .seconds(5)))
        desk.feed(0..<12)
        desk.finish()
        #expect(
            desk.said == [
                "movie 1 ended", "file 2 began", "file 1 ended", "movie 2 ended", "file 3 began", "file 2 ended", "movie 3 ended",
            ])
        let counts = try [(1, 1), (2, 2), (3, 3)].map { try samples(folder.file("movie-\($0.0)-\($0.1).mp4")).map(\.count) }
        #expect(counts == [[125, 250], [125, 250], [50, 100]])
    }

    /// Its disk is full, or its place is taken: the recording goes on.
    @Test func itIsGivenUpRatherThanTheRecording() throws {
        let folder = try ScratchFolder()
        try Data([1]).write(to: URL(fileURLWithPath: folder.file("movie-1-1.mp4")))
        let desk = try Desk(folder, threshold: 1)
        desk.feed(0..<3)
        #expect(desk.finish().duration >= .seconds(2))
        #expect(desk.said == [] && desk.output.assembler.takeFrames().isEmpty)
    }

    @Test func whenItIsGivenUpItsFileGoes() throws {
        let folder = try ScratchFolder()
        let desk = try Desk(folder, threshold: 1)
        desk.feed(0..<3)
        var writer = LiveMovieWriter(plan: desk.plan)
        try FileManager.default.removeItem(atPath: folder.file("movie-1-1.mp4"))
        writer.partGrew(desk.plan.part, to: 1000, &desk.output.assembler) { _ in }
        var said: [String] = []
        #expect(writer.giveUp(desk.plan.part) { if case .movieEnded(1, nil) = $0 { said.append("given up") } })
        #expect(said == ["given up"] && !FileManager.default.fileExists(atPath: folder.file("movie-1-1.mp4")))
        #expect(!writer.giveUp(desk.plan.part) { _ in })
        desk.output.assembler.keepsFrames = true
        writer.partGrew(desk.plan.part, to: 2000, &desk.output.assembler) { _ in }
        #expect(!desk.output.assembler.keepsFrames, "nothing is kept for nobody")
    }
}
