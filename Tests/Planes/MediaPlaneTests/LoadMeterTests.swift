import BridgeModel
@testable import MediaPlane
import Testing

@Suite struct LoadMeterTests {
    private func time(_ milliseconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }

    @Test func theLoadIsTheTimeThatWasNotWaitedInTwoSecondsRunning() {
        let load = WorkerLoad()
        var meter = LoadMeter(load, now: time(0))
        for round in 0..<200 as Range<UInt64> {
            if round == 150 { #expect(load.share == 0, "one busy second is not a load that stays") }
            meter.waited(from: time(round * 10 + 3), to: time(round * 10 + 10))
        }
        #expect(load.share == 0.3)
        // A second of rest.
        meter.waited(from: time(2000), to: time(3000))
        #expect(load.share == 0)
        meter.waited(from: time(4000), to: time(4000))
        #expect(load.share == 0)
        meter.waited(from: time(5000), to: time(5000))
        #expect(load.share == 1)
    }

    @Test func aWindowThatIsNotOverChangesNothing() {
        let load = WorkerLoad()
        var meter = LoadMeter(load, now: time(0))
        meter.waited(from: time(0), to: time(10))
        #expect(load.share == 0)
    }
}
