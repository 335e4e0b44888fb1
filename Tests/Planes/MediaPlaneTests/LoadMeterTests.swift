import BridgeModel
@testable import MediaPlane
import Testing

@Suite struct LoadMeterTests {
    private func time(_ milliseconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }

    @Test func theLoadIsTheTimeThatWasNotWaited() {
        let load = WorkerLoad()
        var meter = LoadMeter(load, now: time(0))
        for round in 0..<100 as Range<UInt64> { meter.waited(from: time(round * 10 + 3), to: time(round * 10 + 10)) }
        #expect(load.share == 0.3)
        // A second of rest.
        meter.waited(from: time(1000), to: time(2000))
        #expect(load.share == 0)
        meter.waited(from: time(3000), to: time(3000))
        #expect(load.share == 1)
    }

    @Test func aWindowThatIsNotOverChangesNothing() {
        let load = WorkerLoad()
        var meter = LoadMeter(load, now: time(0))
        meter.waited(from: time(0), to: time(10))
        #expect(load.share == 0)
    }
}
