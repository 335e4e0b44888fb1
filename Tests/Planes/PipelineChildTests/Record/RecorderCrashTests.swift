import Bridge
import BridgeModel
import Foundation
import LinuxIO
import Matroska
import Testing

private func recordPlan(_ camera: SyntheticCamera, _ container: Container, path: String) -> RecordPlan {
    RecordPlan(
        tracks: camera.tracks, container: container, fragment: .seconds(1), path: path,
        wallClockOffset: .nanoseconds(SystemClocks.wallNanoseconds - Int64(SystemClocks.monotonicNanoseconds)),
        firstMediaTimeout: .seconds(10))
}

private func hasFirstFrame(_ events: [PipelineEvent]) -> Bool {
    events.contains { if case .firstFrame = $0 { true } else { false } }
}

/// The last frame's time of each track, on the wall clock.
private func lastFrames(_ path: String) throws -> [UInt8: WallTime] {
    let file = try ReadableFile(path: path)
    var reader = try MatroskaReader { file.read(at: $0, count: $1) }
    let start = try #require(reader.startedAt)
    var last: [UInt8: WallTime] = [:]
    while let frame = reader.next() { last[frame.track] = start.advanced(by: frame.time) }
    return last
}

/// The recorder as the process that it is.
@Suite(.serialized) struct RecorderCrashTests {
    /// How many random moments; more by `VIADUCT_TEST_KILLS`.
    private static let kills = ProcessInfo.processInfo.environment["VIADUCT_TEST_KILLS"].flatMap(Int.init) ?? 6

    @Test(arguments: 0..<Self.kills) func killedAtAnyMomentItLosesLessThanASecond(run: Int) async throws {
        let (codec, container) = run % 2 == 0 ? (Codec.vp8, Container.webm) : (.h264, .matroska)
        let folder = try ScratchFolder()
        let path = folder.file("part-1." + container.fileExtension)
        let camera = try SyntheticCamera(pictures: [.init(codec: codec)], sound: .opus)
        let child = try ChildUnderTest()
        try child.run(.record(recordPlan(camera, container, path: path)), media: camera.far)
        try camera.play()
        #expect(try await child.waits(15, for: hasFirstFrame))
        try await Task.sleep(for: .milliseconds(Int64.random(in: 700...2200)))
        let killedAt = WallTime(nanoseconds: SystemClocks.wallNanoseconds)
        child.process.kill()
        #expect(child.process.reap(blocking: true) == .signal(9))

        for (track, last) in try lastFrames(path) {
            let lost = Duration.nanoseconds(killedAt.nanoseconds - last.nanoseconds)
            print("killed recorder: track \(track) lost \(lost.wholeMilliseconds) ms")
            #expect(lost < .seconds(1))
        }
        let probe = try await MediaProbe(path)
        #expect(probe.streams.count == 2 && probe.frames > 10)

        let whole = folder.file("whole")
        let finisher = try ChildUnderTest()
        try finisher.run(.finish(FinishPlan(container: codec == .h264 ? .mp4 : .webm, source: path, destination: whole)), media: [])
        #expect(try await finisher.exit(within: 20) == .status(0))
        let finished = try await MediaProbe(whole)
        #expect(finished.decodeErrors == "" && finished.frames >= probe.frames - 1)
        #expect(finished.format.seconds != nil)
    }

    @Test func aBridgeThatDiesLeavesACompleteFile() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("part-1.webm")
        let camera = try SyntheticCamera(pictures: [.init(codec: .vp8)], sound: .opus)
        let child = try ChildUnderTest()
        try child.run(.record(recordPlan(camera, .webm, path: path)), media: camera.far)
        try camera.play()
        #expect(try await child.waits(15, for: hasFirstFrame))
        #expect(try ReadableFile(path: path).isBeingWritten)
        try await Task.sleep(for: .milliseconds(1500))
        let start = ContinuousClock.now
        child.closeControl()
        #expect(try await child.exit(within: 3) == .status(0))
        #expect(ContinuousClock.now - start < .seconds(3))
        #expect(try !ReadableFile(path: path).isBeingWritten)
        let probe = try await MediaProbe(path)
        #expect(probe.decodeErrors == "" && (probe.format.seconds ?? 0) > 1.2)
    }

    @Test func stopIsAnsweredWithTheFile() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("part-1.mkv")
        let camera = try SyntheticCamera(pictures: [.init(codec: .h264)], sound: .opus)
        let child = try ChildUnderTest()
        try child.run(.record(recordPlan(camera, .matroska, path: path)), media: camera.far)
        try camera.play()
        #expect(try await child.waits(15, for: hasFirstFrame))
        try child.send(.stop(deadline: .seconds(3)))
        #expect(try await child.exit(within: 3) == .status(0))
        guard case .finished(let bytes, let duration) = child.events.last else {
            Issue.record("\(String(describing: child.events.last))")
            return
        }
        #expect(bytes == (try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64) && duration > .zero)
    }

    /// A limit of the file's size stands for the full disk: both refuse a write in the middle.
    @Test func aFullDiskKeepsWhatWasWritten() async throws {
        let folder = try ScratchFolder()
        let path = folder.file("part-1.webm")
        let camera = try SyntheticCamera(pictures: [.init(codec: .vp8, width: 640, height: 480)], sound: .opus)
        let child = try ChildUnderTest(shell: "trap '' XFSZ; ulimit -f 96; exec \"$0\" --without-gstreamer")
        try child.run(.record(recordPlan(camera, .webm, path: path)), media: camera.far)
        try camera.play()
        #expect(try await child.exit(within: 30) == .status(1))
        let failures = child.events.compactMap { event -> BridgeError.Code? in
            guard case .failed(let error) = event else { return nil }
            return error.code
        }
        #expect(failures == [.storageFull])
        let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int64)
        #expect(size > 20_000 && size <= 96 * 1024)
        let closed = child.events.compactMap { event -> (Int64, Duration)? in
            guard case .segmentClosed(let bytes, let duration) = event else { return nil }
            return (bytes, duration)
        }
        #expect(closed.last?.0 == size)
        let probe = try await MediaProbe(path)
        #expect(probe.decodeErrors == "")
        #expect(abs((probe.format.seconds ?? 0) - Double(closed.last?.1.wholeMilliseconds ?? 0) / 1000) < 0.01)
    }

    @Test func aFolderThatDoesNotExistIsAnError() async throws {
        let camera = try SyntheticCamera(pictures: [.init(codec: .vp8)], sound: nil)
        let child = try ChildUnderTest()
        try child.run(.record(recordPlan(camera, .webm, path: "/nonexistent/part-1.webm")), media: camera.far)
        #expect(try await child.exit(within: 10) == .status(1))
        guard case .failed(let error) = child.events.last else {
            Issue.record("\(child.events)")
            return
        }
        #expect(error.code == .pipelineFailed)
    }
}
