import Bridge
import BridgeModel
import BridgeTesting
import Foundation
import Playback
import Testing

@testable import ControlPlane

@Suite struct ThumbnailMakerTests {
    /// A maker among fakes; the folder is real and goes with the test.
    private final class Bench: Sendable {
        let clock = TestClock()
        let launcher = FakeLauncher()
        let files = FakeFiles()
        let maker: ThumbnailMaker
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("viaduct-thumbnails-\(UUID().uuidString)").path

        init(interval: Duration = .seconds(5)) throws {
            maker = ThumbnailMaker(launcher: launcher, files: files, interval: interval, clock: clock.clock, logger: Sample.logger)
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        /// A complete file of this recording.
        func segment(_ id: String) -> SegmentRow {
            files.put(RecordingID(id), at: "\(folder)/\(id).webm")
            return SegmentRow(
                recording: RecordingID(id), number: 1, stream: StreamID("camera"), container: .webm, file: "\(id).webm", state: .ready)
        }

        /// The child has made them.
        func finish(_ child: FakePipeline) throws {
            try Data().write(to: URL(fileURLWithPath: ThumbnailNames(ofFile: try #require(child.thumbnailPlan).path).track))
            child.end()
        }
    }

    @Test func filesAreDoneOneAfterTheOther() async throws {
        let bench = try Bench()
        let segments = ["a", "b", "c"].map { bench.segment($0) }
        for segment in segments + segments { #expect(await bench.maker.make(segment, isWanted: false)) }
        for count in 1...3 {
            let child = try #require(await bench.launcher.pipeline(count))
            let path = "\(bench.folder)/\(segments[count - 1].file)"
            #expect(child.thumbnailPlan == ThumbnailPlan(path: path, container: .webm, interval: .seconds(5)))
            #expect(bench.launcher.pipelines.count == count)
            try bench.finish(child)
        }
        for segment in segments { #expect(await eventually { await !bench.maker.make(segment, isWanted: true) }) }
        #expect(bench.launcher.pipelines.count == 3, "what is there is not made again")
    }

    @Test func whereNoneAreMadeTheyAreForWhoWantsThem() async throws {
        let bench = try Bench(interval: .zero)
        #expect(await !bench.maker.make(bench.segment("a"), isWanted: false))
        #expect(await bench.maker.make(bench.segment("b"), isWanted: true))
        let child = try #require(await bench.launcher.pipeline())
        #expect(child.thumbnailPlan?.path == "\(bench.folder)/b.webm" && child.thumbnailPlan?.interval == .seconds(10))
    }

    @Test func aFileThatIsGoneIsLeftOut() async throws {
        let bench = try Bench()
        let (first, second, third) = (bench.segment("a"), bench.segment("b"), bench.segment("c"))
        bench.files.put(RecordingID("c"), at: nil)
        #expect(await !bench.maker.make(third, isWanted: true))
        #expect(await bench.maker.make(first, isWanted: true))
        #expect(await bench.maker.make(second, isWanted: true))
        let child = try #require(await bench.launcher.pipeline())
        // It leaves the spool while it waits.
        bench.files.put(RecordingID("b"), at: nil)
        let last = bench.segment("d")
        #expect(await bench.maker.make(last, isWanted: true))
        try bench.finish(child)
        #expect(try #require(await bench.launcher.pipeline(2)).thumbnailPlan?.path == "\(bench.folder)/d.webm")
    }

    /// Until the next start: the next file has its turn.
    @Test(arguments: [BridgeError.Code.noMedia, .pipelineCrashed, .storageFull])
    func aFileOfWhichNoneCanBeMadeIsNotTriedAgain(failure: BridgeError.Code) async throws {
        let bench = try Bench()
        let (first, second) = (bench.segment("a"), bench.segment("b"))
        for segment in [first, first, second] { #expect(await bench.maker.make(segment, isWanted: true)) }
        try #require(await bench.launcher.pipeline()).end(.failed(BridgeError(failure, "so it is")))
        let child = try #require(await bench.launcher.pipeline(2))
        #expect(child.thumbnailPlan?.path.hasSuffix("b.webm") == true)
        #expect(await !bench.maker.make(first, isWanted: true))
        try bench.finish(child)
        // After a start.
        let next = ThumbnailMaker(
            launcher: bench.launcher, files: bench.files, interval: .seconds(5), clock: bench.clock.clock, logger: Sample.logger)
        #expect(await next.make(first, isWanted: false))
    }

    @Test func aChildThatCannotBeStartedHoldsNobodyUp() async throws {
        let bench = try Bench()
        bench.launcher.refuse(BridgeError(.limitReached, "too many children"))
        let (first, second) = (bench.segment("a"), bench.segment("b"))
        #expect(await bench.maker.make(first, isWanted: true))
        #expect(await eventually { await !bench.maker.make(first, isWanted: true) })
        bench.launcher.refuse(nil)
        #expect(await bench.maker.make(second, isWanted: true))
        try bench.finish(try #require(await bench.launcher.pipeline()))
    }

    @Test func aChildThatTakesTooLongIsEnded() async throws {
        let bench = try Bench()
        let segment = bench.segment("a")
        #expect(await bench.maker.make(segment, isWanted: true))
        let child = try #require(await bench.launcher.pipeline())
        await bench.clock.sleeper(for: .seconds(1800))
        bench.clock.advance(by: .seconds(1799))
        #expect(!child.isStopped)
        bench.clock.advance(by: .seconds(1))
        #expect(await eventually { child.isStopped })
        child.end()
        #expect(await eventually { await !bench.maker.make(segment, isWanted: true) })
        #expect(bench.launcher.pipelines.count == 1)
    }
}

extension FakePipeline {
    fileprivate var thumbnailPlan: ThumbnailPlan? {
        guard case .thumbnails(let plan) = plan.work else { return nil }
        return plan
    }
}
