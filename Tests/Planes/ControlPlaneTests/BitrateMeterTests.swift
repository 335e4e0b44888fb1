import Bridge
import BridgeModel
import Testing

@testable import ControlPlane

@Suite struct BitrateMeterTests {
    private func track(_ bytes: UInt64) -> TrackStatistics { TrackStatistics(bytes: bytes) }
    private func at(_ milliseconds: Int) -> MonotonicTime { MonotonicTime(nanoseconds: 0).advanced(by: .milliseconds(milliseconds)) }

    @Test func ratesAreOfTheTimeBetweenTwoLooks() {
        var meter = BitrateMeter()
        #expect(meter.rates([track(1000), track(0)], now: at(0)) == [0, 0])
        #expect(meter.rates([track(126_000), track(500)], now: at(1000)) == [1_000_000, 4000])
        #expect(meter.rates([track(999_999), track(999)], now: at(1400)) == [1_000_000, 4000], "too soon to tell")
        #expect(meter.rates([track(126_000), track(500)], now: at(2000)) == [0, 0])
    }

    @Test func countersThatBeginAnewAreNoRate() {
        var meter = BitrateMeter()
        _ = meter.rates([track(1000)], now: at(0))
        #expect(meter.rates([track(10)], now: at(1000)) == [0])
        #expect(meter.rates([track(135)], now: at(2000)) == [1000])
        #expect(meter.rates([track(135), track(1)], now: at(3000)) == [0, 0])
        #expect(meter.rates([], now: at(4000)) == [])
        #expect(meter.rates([track(.max)], now: at(5000)) == [0])
    }
}
