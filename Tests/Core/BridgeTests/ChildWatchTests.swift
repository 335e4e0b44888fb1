import Bridge
import BridgeModel
import Testing

@Suite struct ChildWatchTests {
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)
    private func at(_ seconds: Double) -> MonotonicTime { start.advanced(by: .seconds(seconds)) }
    private func watch() -> ChildWatch { ChildWatch(limits: .init(silence: .seconds(5), memoryBytes: 1000), now: start) }

    private func code(_ event: PipelineEvent?) -> BridgeError.Code? {
        guard case .failed(let error) = event else { return nil }
        return error.code
    }

    @Test func aSilentChildIsAskedAndThenEnded() {
        var watch = watch()
        #expect(watch.tick(now: at(1), residentBytes: 1) == [])
        #expect(watch.tick(now: at(1.3), residentBytes: 1) == [.ping])
        _ = watch.heard(.alive, now: at(1.4))
        #expect(watch.tick(now: at(6), residentBytes: 1) == [.ping])
        #expect(watch.tick(now: at(6.4), residentBytes: 1) == [.kill])
        #expect(watch.tick(now: at(7), residentBytes: 1) == [])
        #expect(code(watch.exited(.signal(9))) == .pipelineHung)
    }

    @Test func aChildThatStillLoadsHasMoreTime() {
        var watch = watch()
        #expect(watch.tick(now: at(14.9), residentBytes: 1) == [.ping])
        #expect(watch.tick(now: at(15), residentBytes: 1) == [.kill])
        #expect(code(watch.exited(.signal(9))) == .pipelineHung)

        var ready = self.watch()
        _ = ready.heard(.ready, now: at(10))
        #expect(ready.tick(now: at(14.9), residentBytes: 1) == [.ping])
        #expect(ready.tick(now: at(15), residentBytes: 1) == [.kill])
    }

    @Test func memoryIsBounded() {
        var watch = watch()
        #expect(watch.tick(now: at(1), residentBytes: 1000) == [])
        #expect(watch.tick(now: at(1), residentBytes: 1001) == [.kill])
        #expect(code(watch.exited(.signal(9))) == .pipelineOverLimit)
    }

    @Test func theEndIsToldExactlyOnce() {
        var finished = watch()
        let isTold = finished.heard(.finished(bytes: 1, duration: .zero), now: at(1))
        #expect(isTold)
        let isToldAgain = finished.heard(.alive, now: at(1))
        #expect(!isToldAgain)
        #expect(finished.exited(.status(0)) == nil)

        var crashed = watch()
        #expect(code(crashed.exited(.signal(11))) == .pipelineCrashed)
        #expect(crashed.exited(.signal(11)) == nil)

        var quiet = watch()
        #expect(code(quiet.exited(.status(0))) == .pipelineCrashed)
    }

    @Test func aChildThatDoesNotLeaveIsPushed() {
        var watch = watch()
        _ = watch.heard(.failed(BridgeError(.noMedia, "none")), now: at(0))
        #expect(watch.tick(now: at(1.9), residentBytes: 1) == [])
        #expect(watch.tick(now: at(2), residentBytes: 1) == [.kill])
        #expect(watch.exited(.signal(9)) == nil)
    }

    @Test func stoppingHasItsOwnDeadline() {
        var watch = watch()
        watch.stopRequested(deadline: .seconds(3), now: at(0))
        _ = watch.heard(.alive, now: at(4))
        #expect(watch.tick(now: at(4.9), residentBytes: 1) == [.ping])
        #expect(watch.tick(now: at(5), residentBytes: 1) == [.kill])
        #expect(code(watch.exited(.signal(9))) == .pipelineHung)
    }

    @Test func anUnreachableChildIsEnded() {
        var watch = watch()
        #expect(watch.unreachable() == [.kill])
        #expect(watch.unreachable() == [])
        #expect(code(watch.exited(.signal(9))) == .pipelineHung)
    }

    @Test func aStopThatIsAskedForAgainMayOnlyComeSooner() {
        var watch = watch()
        watch.stopRequested(deadline: .seconds(3), now: at(0))
        watch.stopRequested(deadline: .zero, now: at(1))
        watch.stopRequested(deadline: .seconds(60), now: at(1))
        #expect(watch.tick(now: at(2.9), residentBytes: 1) == [.ping])
        #expect(watch.tick(now: at(3), residentBytes: 1) == [.kill])
    }

    @Test func theLastWordsOfAStoppingChildAreHeard() {
        var watch = watch()
        watch.stopRequested(deadline: .seconds(3), now: at(0))
        let isTold = watch.heard(.finished(bytes: 1, duration: .zero), now: at(1))
        #expect(isTold)
        watch.stopRequested(deadline: .zero, now: at(1))
        #expect(watch.unreachable() == [])
        #expect(watch.tick(now: at(2.9), residentBytes: 5000) == [])
        #expect(watch.exited(.status(0)) == nil)
    }

    @Test func aStoppingChildIsWatchedToo() {
        var hungry = watch()
        hungry.stopRequested(deadline: .seconds(60), now: at(0))
        #expect(hungry.tick(now: at(1), residentBytes: 1001) == [.kill])
        #expect(code(hungry.exited(.signal(9))) == .pipelineOverLimit)
        var silent = watch()
        _ = silent.heard(.ready, now: at(0))
        silent.stopRequested(deadline: .seconds(60), now: at(0))
        #expect(silent.tick(now: at(5), residentBytes: 1) == [.kill])
        #expect(code(silent.exited(.signal(9))) == .pipelineHung)
    }

    @Test func aKilledChildSaysNothingMore() {
        var watch = watch()
        _ = watch.unreachable()
        let isTold = watch.heard(.finished(bytes: 1, duration: .zero), now: at(1))
        #expect(!isTold)
        watch.stopRequested(deadline: .zero, now: at(1))
        #expect(watch.tick(now: at(99), residentBytes: 5000) == [])
        #expect(code(watch.exited(.status(0))) == .pipelineHung)
    }

    @Test func aChildThatStopsByASignalOfItsOwnHasCrashed() {
        var watch = watch()
        watch.stopRequested(deadline: .seconds(3), now: at(0))
        #expect(code(watch.exited(.signal(11))) == .pipelineCrashed)
    }
}
