import Bridge
import BridgeModel
import BridgeTesting
import Foundation
import Playback
import Testing

@testable import ControlPlane

@Suite struct SnapshotServiceTests {
    private let bench: SnapshotBench

    init() throws { bench = try SnapshotBench() }

    private func code(_ result: Result<Picture, BridgeError>) -> BridgeError.Code? {
        if case .failure(let error) = result { error.code } else { nil }
    }

    @Test func whereTheyAreSwitchedOffThereAreNoPictures() async throws {
        let off = try SnapshotBench(decoders: 0)
        #expect(code(await off.ask().value) == .forbidden)
        guard case .failure(.failed(let error)) = await off.askRecorded().value else { return #expect(Bool(false), "a picture was made") }
        #expect(error.code == .forbidden && off.launcher.pipelines.isEmpty)
    }

    @Test func whatShowsNothingHasNoPicture() async throws {
        #expect(code(await bench.ask("nobody").value) == .notFound)
        bench.send([Sample.opus])
        #expect(code(await bench.ask().value) == .notFound)
        #expect(bench.launcher.pipelines.isEmpty && bench.hub.calls.isEmpty)
    }

    @Test func aPictureIsOrderedOfADecoderThatIsKept() async throws {
        let asked = bench.ask()
        let child = try #require(await bench.launcher.pipeline())
        let order = try await child.order()
        #expect(order.notBefore == bench.clock.now.advanced(by: .milliseconds(-100)) && order.path == bench.folder + "/1.jpg")
        #expect(
            bench.hub.calls == [
                .subscribe(
                    child.id, to: StreamID("camera"), tracks: [0], sinks: child.media, .recorded(since: MonotonicTime(nanoseconds: 0)))
            ])
        try child.deliver(order, [7, 8])
        let picture = try await asked.value.get()
        #expect(picture.bytes == [7, 8] && picture.width == 64 && picture.format == .jpeg && bench.files.isEmpty)

        bench.clock.advance(by: .milliseconds(200))
        let again = bench.ask()
        try child.deliver(await child.order(2), [9])
        #expect(try await again.value.get().bytes == [9] && bench.launcher.pipelines.count == 1)
    }

    @Test func aDecoderThatNobodyAsksIsEnded() async throws {
        let asked = bench.ask()
        let child = try #require(await bench.launcher.pipeline())
        try child.deliver(await child.order())
        _ = try await asked.value.get()
        await bench.clock.sleeper(for: .seconds(10))
        #expect(!child.isStopped)
        bench.clock.advance(by: .seconds(10))
        #expect(await eventually { child.isStopped })
        child.end()
        #expect(await eventually { bench.hub.calls.last == .unsubscribe(child.id) })
    }

    @Test func whoGetsNoPictureIsToldSo() async throws {
        let asked = bench.ask()
        _ = try await bench.launcher.pipeline()?.order()
        await bench.clock.sleeper(for: .seconds(5))
        bench.clock.advance(by: .seconds(5))
        #expect(code(await asked.value) == .noMedia)
    }

    @Test func aChildThatCannotBeStartedIsTriedAgain() async throws {
        bench.launcher.refuse(BridgeError(.pipelineUnavailable, "no memory"))
        #expect(code(await bench.ask().value) == .pipelineUnavailable)
        bench.launcher.refuse(nil)
        let again = bench.ask()
        let child = try #require(await bench.launcher.pipeline())
        try child.deliver(await child.order())
        #expect(code(await again.value) == nil)
    }

    /// It may have written its picture, and not have come to say so.
    @Test func aChildThatDiesLeavesNothingAndIsReplaced() async throws {
        let asked = bench.ask()
        let child = try #require(await bench.launcher.pipeline())
        let order = try await child.order()
        try Data([1]).write(to: URL(fileURLWithPath: order.path))
        child.end(.failed(BridgeError(.pipelineCrashed, "signal 11")))
        #expect(code(await asked.value) == .pipelineCrashed)
        #expect(await eventually { bench.files.isEmpty && bench.hub.calls.last == .unsubscribe(child.id) })
        let again = bench.ask()
        let next = try #require(await bench.launcher.pipeline(2))
        try next.deliver(await next.order())
        #expect(code(await again.value) == nil)
    }

    @Test func oneFailureLeavesTheDecoderToOthers() async throws {
        let (first, second) = (bench.ask(), bench.ask("camera", PictureSpec(.png)))
        let child = try #require(await bench.launcher.pipeline())
        _ = try await child.order(2)
        let jpeg = try #require(child.pictureOrders.first { $0.spec.format == .jpeg })
        let png = try #require(child.pictureOrders.first { $0.spec.format == .png })
        child.say(.pictureFailed(number: jpeg.number, BridgeError(.storageFull, "full")))
        #expect(code(await first.value) == .storageFull)
        try child.deliver(png)
        #expect(code(await second.value) == nil && !child.isStopped)
    }

    @Test func aPictureThatWasNeverWrittenIsAFailure() async throws {
        let asked = bench.ask()
        let child = try #require(await bench.launcher.pipeline())
        let order = try await child.order()
        child.say(.picture(PictureResult(number: order.number, takenAt: TestClock.epoch, width: 64, height: 36)))
        #expect(code(await asked.value) == .internal)
    }

    /// A number of another's, or of nobody's.
    @Test func answersThatNobodyAskedForAreIgnored() async throws {
        let asked = bench.ask()
        let child = try #require(await bench.launcher.pipeline())
        let order = try await child.order()
        child.say(.picture(PictureResult(number: order.number + 1, takenAt: TestClock.epoch, width: 1, height: 1)))
        child.say(.pictureFailed(number: 99, BridgeError(.internal, "?")))
        try child.deliver(order)
        #expect(code(await asked.value) == nil)
    }

    @Test func anotherCodecNeedsAnotherDecoder() async throws {
        let asked = bench.ask()
        let child = try #require(await bench.launcher.pipeline())
        _ = try await child.order()
        bench.send([Sample.h264])
        let again = bench.ask()
        let next = try #require(await bench.launcher.pipeline(2))
        #expect(code(await asked.value) == .unavailable && child.isStopped)
        child.end()
        try next.deliver(await next.order())
        #expect(code(await again.value) == nil)
    }

    @Test func moreStreamsThanDecodersAreRefused() async throws {
        let asked = [bench.ask("camera-1"), bench.ask("camera-2")]
        _ = await bench.launcher.pipeline(2)
        #expect(code(await bench.ask("camera-3").value) == .limitReached)
        for child in bench.launcher.pipelines { try child.deliver(await child.order()) }
        for one in asked { #expect(code(await one.value) == nil) }
    }

    @Test func whatAnEarlierBridgeLeftIsRemoved() throws {
        try Data([1]).write(to: URL(fileURLWithPath: bench.folder + "/5.png"))
        try bench.service.prepare()
        #expect(bench.files.isEmpty)
        let mode = try FileManager.default.attributesOfItem(atPath: bench.folder)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o700)
    }
}

@Suite struct RecordedPictureTests {
    private func code(_ result: Result<Picture, PlaybackError>) -> BridgeError.Code? {
        if case .failure(.failed(let error)) = result { error.code } else { nil }
    }

    @Test func eachIsMadeByAChildOfItsOwn() async throws {
        let bench = try SnapshotBench()
        for count in 1...2 {
            let asked = bench.askRecorded()
            let child = try #require(await bench.launcher.pipeline(count))
            try child.deliver(#require(child.fileOrder), [UInt8(count)])
            child.end()
            #expect(try await asked.value.get().bytes == [UInt8(count)] && bench.files.isEmpty)
        }
    }

    @Test func aMomentOfWhichThereIsNothingStartsNoChild() async throws {
        let bench = try SnapshotBench()
        bench.playback.fail(.nothingAt(before: TestClock.epoch, after: nil))
        guard case .failure(.nothingAt(TestClock.epoch, nil)) = await bench.askRecorded().value else {
            return #expect(Bool(false), "another answer")
        }
        #expect(bench.launcher.pipelines.isEmpty)
    }

    @Test(arguments: [BridgeError.Code.pipelineCrashed, .noMedia])
    func aFailureIsPassedOnAndItsFileRemoved(failure: BridgeError.Code) async throws {
        let bench = try SnapshotBench(decoders: 1)
        let asked = bench.askRecorded()
        let child = try #require(await bench.launcher.pipeline())
        try child.deliver(#require(child.fileOrder))
        child.end(.failed(BridgeError(failure, "so it is")))
        #expect(code(await asked.value) == failure && bench.files.isEmpty)
        let again = bench.askRecorded()
        let next = try #require(await bench.launcher.pipeline(2))
        try next.deliver(#require(next.fileOrder))
        next.end()
        #expect(code(await again.value) == nil)
    }

    @Test func aChildThatTakesTooLongIsEnded() async throws {
        let bench = try SnapshotBench()
        let asked = bench.askRecorded()
        let child = try #require(await bench.launcher.pipeline())
        await bench.clock.sleeper(for: .seconds(10))
        bench.clock.advance(by: .milliseconds(9999))
        #expect(!child.isStopped)
        bench.clock.advance(by: .milliseconds(1))
        #expect(await eventually { child.isStopped })
        child.end()
        #expect(code(await asked.value) == .pipelineOverLimit)
    }

    @Test func soManyAtOnceAndTheOthersWait() async throws {
        let bench = try SnapshotBench(decoders: 1)
        let first = bench.askRecorded()
        let child = try #require(await bench.launcher.pipeline())
        let waiting = (0..<32).map { _ in bench.askRecorded() }
        // One more than may wait: it is refused at once, whichever of them it is.
        let refused = bench.askRecorded()
        let counts = await withTaskGroup(of: BridgeError.Code?.self) { group in
            for task in waiting + [refused] { group.addTask { code(await task.value) } }
            let earliest = await group.next()
            #expect(earliest == .some(.limitReached) && bench.launcher.pipelines.count == 1)
            child.end(.failed(BridgeError(.noMedia, "")))
            for count in 2...33 {
                let next = await bench.launcher.pipeline(count)
                #expect(bench.launcher.pipelines.count == count)
                next?.end(.failed(BridgeError(.noMedia, "")))
            }
            return await group.reduce(into: 0) { if $1 == .noMedia { $0 += 1 } }
        }
        #expect(counts == 32)
        #expect(code(await first.value) == .noMedia)
    }

    /// A caller that hangs up, again and again, must not have more children than there are places.
    @Test func aCallerThatGoesAwayEndsItsChildAndKeepsItsPlaceUntilThen() async throws {
        let bench = try SnapshotBench(decoders: 1)
        let asked = bench.askRecorded()
        let child = try #require(await bench.launcher.pipeline())
        let line = [bench.askRecorded(), bench.askRecorded()]
        asked.cancel()
        #expect(await eventually { child.isStopped })
        #expect(bench.launcher.pipelines.count == 1, "the child is not gone yet")
        // Its last word comes when it has written the file already.
        try Data([1]).write(to: URL(fileURLWithPath: try #require(child.fileOrder).path))
        child.end()
        #expect(code(await asked.value) == .pipelineOverLimit && bench.files.isEmpty)
        let next = try #require(await bench.launcher.pipeline(2))
        next.end(.failed(BridgeError(.noMedia, "")))
        let last = try #require(await bench.launcher.pipeline(3))
        last.end(.failed(BridgeError(.noMedia, "")))
        for one in line { #expect(code(await one.value) == .noMedia) }
    }

    @Test func whoWentAwayWhileWaitingGetsNoChild() async throws {
        let bench = try SnapshotBench(decoders: 1)
        let first = bench.askRecorded()
        let child = try #require(await bench.launcher.pipeline())
        let gone = bench.askRecorded()
        gone.cancel()
        child.end(.failed(BridgeError(.noMedia, "")))
        #expect(code(await first.value) == .noMedia)
        #expect(code(await gone.value) == .unavailable && bench.launcher.pipelines.count == 1)
    }
}
