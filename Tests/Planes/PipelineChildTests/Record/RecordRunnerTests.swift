import Bridge
import BridgeModel
import Foundation
import GStreamerKit
import LinuxIO
import Synchronization
import Testing

@testable import PipelineChild

/// A recorder with its events kept, fed by a synthetic camera in real time.
final class Recording: Sendable {
    let runner: RecordRunner
    let plan: RecordPlan
    private let loop = GLibLoop(name: "test")
    private let box: EventBox

    init(_ camera: SyntheticCamera, container: Container, path: String, timeout: Duration = .seconds(10)) {
        let offset = Duration.nanoseconds(SystemClocks.wallNanoseconds - Int64(SystemClocks.monotonicNanoseconds))
        plan = RecordPlan(
            tracks: camera.tracks, container: container, fragment: .seconds(1), path: path, wallClockOffset: offset,
            firstMediaTimeout: timeout)
        let box = EventBox()
        runner = RecordRunner(plan: plan, context: RunnerContext(descriptors: camera.far, events: EventSink { box.add($0) }, loop: loop))
        self.box = box
    }

    var said: [PipelineEvent] { box.events }
    deinit { loop.shutDown() }

    /// Waits for the real thing to happen, checking often; false after `seconds`.
    func waits(_ seconds: Double, for isTrue: ([PipelineEvent]) -> Bool) async throws -> Bool {
        for _ in 0..<Int(seconds * 50) {
            if isTrue(said) { return true }
            try await Task.sleep(for: .milliseconds(20))
        }
        return isTrue(said)
    }

    var firstFrame: (writtenAt: WallTime, capturedAt: WallTime?)? {
        for case .firstFrame(let writtenAt, let capturedAt) in said.reversed() { return (writtenAt, capturedAt) }
        return nil
    }

    var closed: [(bytes: Int64, duration: Duration)] {
        said.compactMap { event in
            guard case .segmentClosed(let bytes, let duration) = event else { return nil }
            return (bytes, duration)
        }
    }
}

final class EventBox: Sendable {
    private let list: Mutex<[PipelineEvent]> = Mutex([])
    var events: [PipelineEvent] { list.withLock { $0 } }
    func add(_ event: PipelineEvent) { list.withLock { $0.append(event) } }
}

/// Real encoders, depayloaders and clocks: these tests take as long as they record.
@Suite(.serialized) struct RecordRunnerTests {
    @Test(arguments: [
        (Codec.vp8, Codec.opus, Container.webm), (.vp9, .opus, .webm), (.h264, .opus, .matroska), (.h265, .opus, .matroska),
        (.h264, .pcmu, .matroska), (.vp8, .pcma, .matroska),
    ])
    func recordsWithoutTranscoding(video: Codec, audio: Codec, container: Container) async throws {
        let folder = try ScratchFolder()
        let path = folder.file("part-1." + container.fileExtension)
        let camera = try SyntheticCamera(pictures: [.init(codec: video)], sound: audio)
        let recording = Recording(camera, container: container, path: path)
        try await recording.runner.start()
        try camera.play()
        #expect(try await recording.waits(10) { _ in recording.closed.last.map { $0.duration >= .seconds(2) } ?? false })
        let result = await recording.runner.stop(deadline: .seconds(3))

        let probe = try await MediaProbe(path)
        let names: [Codec: String] = [.pcmu: "pcm_mulaw", .pcma: "pcm_alaw", .h265: "hevc"]
        #expect(probe.streams.map(\.codec_name) == [video, audio].map { names[$0] ?? $0.rawValue })
        #expect(probe.streams.first?.width == 320 && probe.streams.first?.height == 240)
        #expect(probe.decodeErrors == "")
        let seconds = try #require(probe.format.seconds)
        #expect(abs(seconds - Double(result.duration.wholeMilliseconds) / 1000) < 0.002)
        #expect(seconds >= 2 && abs(Double(probe.frames) / 25 - seconds) < 0.2)
        #expect(abs(probe.streams[0].start - probe.streams[1].start) < 0.1)
        #expect(result.bytes == (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64))
        #expect(recording.said.first == .started && recording.firstFrame != nil)
    }

    @Test func aKeyframeIsAskedForUntilTheWaitIsOver() async throws {
        let folder = try ScratchFolder()
        let camera = try SyntheticCamera(pictures: [.init(codec: .vp8)], sound: .opus)
        camera.mute(track: 0, true)
        let recording = Recording(camera, container: .webm, path: folder.file("part-1.webm"), timeout: .milliseconds(1700))
        try await recording.runner.start()
        try camera.play()
        #expect(
            try await recording.waits(5) { events in
                events.contains { event in
                    guard case .failed(let error) = event else { return false }
                    return error.code == .noMedia
                }
            })
        // One each half second; on a busy machine the end of the wait comes late, and one or two more before it.
        #expect((3...6).contains(camera.keyframeRequests(track: 0)))
        #expect(await recording.runner.stop(deadline: .seconds(3)) == PipelineResult())
    }

    @Test func lostPacketsLeaveAGapThatDecodes() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("part-1.mkv")
        let camera = try SyntheticCamera(pictures: [.init(codec: .h264, keyframeInterval: 1000)], sound: .opus)
        let recording = Recording(camera, container: .matroska, path: path)
        try await recording.runner.start()
        try camera.play()
        #expect(try await recording.waits(10) { _ in recording.firstFrame != nil })
        try await Task.sleep(for: .milliseconds(500))
        _ = camera.keyframeRequests(track: 0)
        camera.lose(track: 0, count: 3)
        #expect(try await recording.waits(3) { _ in camera.keyframeRequests(track: 0) > 0 })
        try camera.forceKeyframe(track: 0)
        try await Task.sleep(for: .milliseconds(1000))
        _ = await recording.runner.stop(deadline: .seconds(3))
        let probe = try await MediaProbe(path)
        #expect(probe.decodeErrors == "")
        let times = try await MediaProbe.times(path, stream: "v:0")
        let longest = zip(times, times.dropFirst()).map { $1 - $0 }.max() ?? 0
        #expect(longest > 0.1 && longest < 1.5)
        let last = try #require(times.last)
        #expect(last > 1.2)
    }

    @Test(arguments: [0, 1]) func aTrackThatFallsSilentKeepsNothingFromTheDisk(muted: Int) async throws {
        let folder = try ScratchFolder()
        let path = folder.file("part-1.webm")
        let camera = try SyntheticCamera(pictures: [.init(codec: .vp8)], sound: .opus)
        let recording = Recording(camera, container: .webm, path: path)
        try await recording.runner.start()
        try camera.play()
        #expect(try await recording.waits(10) { _ in recording.firstFrame != nil })
        camera.mute(track: muted, true)
        let before = recording.closed.last?.duration ?? .zero
        #expect(try await recording.waits(6) { _ in (recording.closed.last?.duration ?? .zero) > before + .seconds(3) })
        camera.mute(track: muted, false)
        if muted == 0 { try camera.forceKeyframe(track: 0) }
        try await Task.sleep(for: .milliseconds(800))
        _ = await recording.runner.stop(deadline: .seconds(3))
        let probe = try await MediaProbe(path)
        #expect(probe.decodeErrors == "")
        let times = try await MediaProbe.times(path, stream: muted == 0 ? "v:0" : "a:0")
        let longest = zip(times, times.dropFirst()).map { $1 - $0 }.max() ?? 0
        // Pictures are missing; silence stands for the sound, all but less than one packet of 20 ms.
        #expect(muted == 0 ? longest > 2.5 : longest < 0.045, "\(longest) s")
        let ends = try await [MediaProbe.times(path, stream: "v:0"), MediaProbe.times(path, stream: "a:0")].compactMap(\.last)
        #expect(ends.count == 2 && abs(ends[0] - ends[1]) < 0.15)
    }

    @Test(arguments: [(Codec.vp8, Container.webm), (.h264, .matroska)])
    func aNewResolutionGoesOnInTheSameFile(codec: Codec, container: Container) async throws {
        let folder = try ScratchFolder()
        let path = folder.file("part-1." + container.fileExtension)
        let camera = try SyntheticCamera(pictures: [.init(codec: codec)], sound: .opus)
        let recording = Recording(camera, container: container, path: path)
        try await recording.runner.start()
        try camera.play()
        #expect(try await recording.waits(10) { _ in recording.firstFrame != nil })
        try await Task.sleep(for: .milliseconds(600))
        try camera.resize(track: 0, width: 640, height: 360)
        try await Task.sleep(for: .milliseconds(1200))
        let result = await recording.runner.stop(deadline: .seconds(3))
        #expect(result.duration > .milliseconds(1500))
        let probe = try await MediaProbe(path)
        #expect(probe.decodeErrors == "")
        let sizes = try await MediaProbe.run(
            "ffprobe", ["-v", "error", "-select_streams", "v:0", "-show_entries", "frame=width", "-of", "csv=p=0", path])
        let widths = Set(sizes.output.split(separator: "\n").map { $0.filter(\.isNumber) })
        #expect(widths == ["320", "640"])
    }

    @Test func soundAndPictureMeetAlthoughTheirDelaysDiffer() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("part-1.webm")
        let camera = try SyntheticCamera(pictures: [.init(codec: .vp8)], sound: .opus)
        camera.setDelay(track: 0, milliseconds: 200)
        let recording = Recording(camera, container: .webm, path: path)
        try await recording.runner.start()
        try camera.play()
        let wall: Int64 = 1_709_283_600_000_000_000
        let zero = Int64(SystemClocks.monotonicNanoseconds)
        for _ in 0..<12 {
            try await Task.sleep(for: .milliseconds(500))
            camera.report(offset: wall - zero)
        }
        _ = await recording.runner.stop(deadline: .seconds(3))
        let ends = try await [MediaProbe.times(path, stream: "v:0"), MediaProbe.times(path, stream: "a:0")].compactMap(\.last)
        #expect(ends.count == 2 && abs(ends[0] - ends[1]) < 0.1)
        let captured = try #require(recording.firstFrame?.capturedAt)
        #expect(captured.nanoseconds >= wall && captured.nanoseconds < wall + 2_000_000_000)
    }

    @Test func twoCamerasAndNoSoundShareAFile() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("part-1.webm")
        let camera = try SyntheticCamera(pictures: [.init(codec: .vp8), .init(codec: .vp9)], sound: nil)
        let recording = Recording(camera, container: .webm, path: path)
        try await recording.runner.start()
        try camera.play()
        #expect(try await recording.waits(10) { _ in recording.closed.last.map { $0.duration >= .seconds(1) } ?? false })
        _ = await recording.runner.stop(deadline: .seconds(3))
        let probe = try await MediaProbe(path)
        #expect(probe.streams.map(\.codec_name) == ["vp8", "vp9"] && probe.decodeErrors == "")
    }

    @Test func soundAloneIsRecorded() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("part-1.webm")
        let camera = try SyntheticCamera(pictures: [], sound: .opus)
        let recording = Recording(camera, container: .webm, path: path)
        try await recording.runner.start()
        try camera.play()
        #expect(try await recording.waits(10) { _ in recording.closed.last.map { $0.duration >= .seconds(1) } ?? false })
        _ = await recording.runner.stop(deadline: .seconds(3))
        let probe = try await MediaProbe(path)
        #expect(probe.streams.map(\.codec_name) == ["opus"] && probe.decodeErrors == "")
    }

    @Test func malformedDatagramsAreCountedAndSurvived() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("part-1.webm")
        let camera = try SyntheticCamera(pictures: [.init(codec: .vp8)], sound: .opus)
        let recording = Recording(camera, container: .webm, path: path)
        try await recording.runner.start()
        try camera.play()
        #expect(try await recording.waits(10) { _ in recording.firstFrame != nil })
        for length in [0, 1, 15, 16, 17, 28, 100, 2064, 4000] {
            for kind in UInt8(0)...4 {
                var bytes = [UInt8](repeating: 0xFF, count: length)
                if length > 1 { (bytes[0], bytes[1]) = (1, kind) }
                _ = bytes.withUnsafeBytes { camera.near[0].send($0) }
            }
        }
        #expect(try await recording.waits(3) { _ in recording.closed.last.map { $0.duration >= .seconds(1) } ?? false })
        #expect(await recording.runner.statistics().packetsDropped > 10)
        _ = await recording.runner.stop(deadline: .seconds(3))
        #expect(try await MediaProbe(path).streams.count == 2)
    }
}
