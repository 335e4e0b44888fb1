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
        runner = RecordRunner(plan: plan, context: RunnerContext(media: camera.far, events: EventSink { box.add($0) }, loop: loop))
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

        let probe = try MediaProbe(path)
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
}
