import Bridge
import BridgeModel
import Foundation
import GStreamerKit
import Synchronization
import Testing

@testable import PipelineChild

/// Runs a finisher to its end.
private func finish(_ plan: FinishPlan) async throws -> PipelineEvent? {
    let loop = GLibLoop(name: "test")
    defer { loop.shutDown() }
    let (stream, events) = AsyncStream<PipelineEvent>.makeStream()
    let runner = FinishRunner(plan: plan, context: RunnerContext(media: [], events: EventSink { events.yield($0) }, loop: loop))
    try await runner.start()
    for await event in stream {
        switch event {
        case .finished, .failed:
            _ = await runner.stop(deadline: .seconds(1))
            return event
        default: continue
        }
    }
    return nil
}

@Suite(.serialized) struct FinishRunnerTests {
    /// Records `seconds` and returns what `RecordRunner` left.
    private func record(_ video: Codec, _ container: Container, seconds: Int64, path: String, sound: Codec = .opus) async throws
        -> Recording
    {
        let camera = try SyntheticCamera(pictures: [.init(codec: video)], sound: sound)
        let recording = Recording(camera, container: container, path: path)
        try await recording.runner.start()
        try camera.play()
        #expect(try await recording.waits(20) { _ in recording.closed.last.map { $0.duration >= .seconds(seconds) } ?? false })
        _ = await recording.runner.stop(deadline: .seconds(3))
        return recording
    }

    @Test(
        arguments: [
            (Codec.vp8, Container.webm, Codec.opus), (.h264, .matroska, .opus), (.h264, .mp4, .opus), (.h265, .mp4, .opus),
            (.vp9, .mp4, .opus), (.h264, .matroska, .aac), (.h264, .mp4, .aac),
        ])
    func aFileThatWasCutGetsDurationAndIndex(video: Codec, container: Container, sound: Codec) async throws {
        let folder = try ScratchFolder()
        let (part, whole) = (folder.file("part-1.mkv"), folder.file("whole"))
        _ = try await record(video, container, seconds: 3, path: part, sound: sound)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: part))
        try bytes.prefix(bytes.count * 2 / 3).write(to: URL(fileURLWithPath: part))

        let event = try await finish(FinishPlan(container: container, source: part, destination: whole))
        guard case .finished(let size, let duration) = event else {
            Issue.record("\(String(describing: event))")
            return
        }
        let probe = try await MediaProbe(whole)
        #expect(probe.decodeErrors == "")
        let seconds = try #require(probe.format.seconds)
        #expect(seconds > 1 && abs(seconds - Double(duration.wholeMilliseconds) / 1000) < 0.1)
        #expect(size == (try FileManager.default.attributesOfItem(atPath: whole)[.size] as? Int64))
        #expect(probe.streams.count == 2 && abs(probe.streams[0].start - probe.streams[1].start) < 0.1)
        #expect(abs(Double(probe.frames) / 25 - seconds) < 0.2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["part-1.mkv", "whole"])
        if container == .mp4 { #expect(try topBoxes(of: whole) == ["ftyp", "moov", "mdat"]) }
    }

    /// The boxes of an MP4: its index must stand in front.
    private func topBoxes(of path: String) throws -> [String] {
        var rest = try Data(contentsOf: URL(fileURLWithPath: path))[...]
        var types: [String] = []
        while rest.count >= 8 {
            let size = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            types.append(String(decoding: rest.dropFirst(4).prefix(4), as: UTF8.self))
            rest = rest.dropFirst(max(8, size))
        }
        return types
    }

    @Test func theSoundOfARecordingHasNoHoles() async throws {
        let folder = try ScratchFolder()
        let (part, whole) = (folder.file("part-1.mkv"), folder.file("whole.mp4"))
        let camera = try SyntheticCamera(pictures: [.init(codec: .h264)], sound: .opus)
        let recording = Recording(camera, container: .mp4, path: part)
        try await recording.runner.start()
        try camera.play()
        #expect(try await recording.waits(20) { _ in recording.closed.last.map { $0.duration >= .seconds(1) } ?? false })
        camera.mute(track: 1, true)
        #expect(try await recording.waits(20) { _ in recording.closed.last.map { $0.duration >= .seconds(4) } ?? false })
        camera.mute(track: 1, false)
        #expect(try await recording.waits(20) { _ in recording.closed.last.map { $0.duration >= .seconds(5) } ?? false })
        _ = await recording.runner.stop(deadline: .seconds(3))
        _ = try await finish(FinishPlan(container: .mp4, source: part, destination: whole))

        let probe = try await MediaProbe(whole)
        #expect(probe.decodeErrors == "")
        let before = try await MediaProbe.times(part, stream: "a:0")
        let after = try await MediaProbe.times(whole, stream: "a:0")
        for times in [before, after] {
            // After a stall a hole of up to a frame may be left, if the sound before it was late by as much: players that count samples are right again.
            let holes = zip(times, times.dropFirst()).filter { $1 - $0 > 0.02 + 0.025 }
            #expect(holes.isEmpty, "\(holes.prefix(5))")
            let length = try #require(times.last) - #require(times.first)
            #expect(abs(length - 0.02 * Double(times.count - 1)) < 0.045, "\(times.count) frames in \(length) s")
        }
        #expect(abs((before.last ?? 0) - (after.last ?? 1)) < 0.002)
    }

    @Test(arguments: [Container.matroska, .mp4])
    func partsAreJoinedWithTheirGap(container: Container) async throws {
        let folder = try ScratchFolder()
        let paths = [folder.file("part-1.mkv"), folder.file("part-2.mkv")]
        let first = try await record(.h264, container, seconds: 2, path: paths[0])
        try await Task.sleep(for: .seconds(1))
        let second = try await record(.h264, container, seconds: 2, path: paths[1])
        let whole = folder.file("whole")
        let event = try await finish(
            FinishPlan(container: container, source: paths[0], continuations: [paths[1]], destination: whole))
        guard case .finished(_, let duration) = event else {
            Issue.record("\(String(describing: event))")
            return
        }
        let probe = try await MediaProbe(whole)
        #expect(probe.decodeErrors == "")
        let starts = try [first, second].map { try #require($0.firstFrame).writtenAt }
        let expected = starts[0].nanoseconds.distance(to: starts[1].nanoseconds) / 1_000_000 + 2000
        #expect(abs(duration.wholeMilliseconds - Int64(expected)) < 1500)
        let times = try await MediaProbe.times(whole, stream: "v:0")
        let gap = zip(times, times.dropFirst()).map { $1 - $0 }.max() ?? 0
        #expect(gap > 0.9)
    }

    @Test func filesWithoutMediaAreNamedSo() async throws {
        let folder = try ScratchFolder()
        let garbage: [(String, Data)] = [("empty", Data()), ("noise", Data(repeating: 7, count: 5000))]
        for (name, bytes) in garbage {
            try bytes.write(to: URL(fileURLWithPath: folder.file(name)))
            let event = try await finish(
                FinishPlan(container: .webm, source: folder.file(name), destination: folder.file("whole")))
            guard case .failed(let error) = event else {
                Issue.record("\(String(describing: event))")
                continue
            }
            #expect(error.code == .noMedia)
            #expect(!FileManager.default.fileExists(atPath: folder.file("whole")))
        }
    }

    @Test func aCodecThatMP4CannotHoldIsRefused() async throws {
        let folder = try ScratchFolder()
        let part = folder.file("part-1.webm")
        _ = try await record(.vp8, .webm, seconds: 1, path: part)
        let event = try await finish(FinishPlan(container: .mp4, source: part, destination: folder.file("whole")))
        guard case .failed(let error) = event else {
            Issue.record("\(String(describing: event))")
            return
        }
        #expect(error.code == .unacceptableOffer)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["part-1.webm"])
    }
}
