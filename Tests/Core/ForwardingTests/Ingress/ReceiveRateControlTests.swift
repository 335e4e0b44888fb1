import BridgeModel
import NetworkTesting
import RTP
import Testing

@testable import Forwarding

@Suite struct ReceiveRateControlTests {
    private let start = MonotonicTime(nanoseconds: 100_000_000_000)

    /// 1,000 bytes every 4 ms: 2 Mbit/s, for `seconds`, `queue` grows by this much each second.
    private func feed(_ control: inout ReceiveRateControl, from: Int, seconds: Int, queue: Duration = .zero, lostPart: Double = 0)
        -> [Bitrate]
    {
        var estimates: [Bitrate] = []
        for step in 0..<seconds * 250 {
            let sent = start.advanced(by: .milliseconds(from * 1000 + step * 4))
            let arrival = sent.advanced(by: .milliseconds(20) + queue * (Double(step) / 250))
            let sendTime = UInt32(truncatingIfNeeded: Int64(Double(sent.nanoseconds) / 1e9 * 262_144)) & 0xFF_FFFF
            control.receive(bytes: 1000, sendTime: sendTime, arrival: arrival)
            if control.update(lost: Int64(125 * lostPart / (1 - lostPart)), now: arrival) { estimates.append(control.estimate) }
        }
        return estimates
    }

    @Test func theEstimateRisesOnAFreePathButNotFarAboveWhatArrives() {
        var control = ReceiveRateControl(start: .kilobits(500), maximum: .kilobits(50_000))
        let estimates = feed(&control, from: 0, seconds: 60)
        #expect(zip(estimates, estimates.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(abs(control.estimate.bitsPerSecond - 3_000_000) < 100_000)
    }

    @Test func itNeverExceedsItsMaximum() {
        var control = ReceiveRateControl(start: .kilobits(5000), maximum: .kilobits(1000))
        #expect(feed(&control, from: 0, seconds: 5).allSatisfy { $0 <= .kilobits(1000) })
    }

    @Test func aGrowingQueueBringsItBelowWhatArrives() {
        var control = ReceiveRateControl(maximum: .kilobits(50_000))
        _ = feed(&control, from: 0, seconds: 3)
        _ = feed(&control, from: 3, seconds: 4, queue: .milliseconds(60))
        #expect(control.estimate < .kilobits(1800))
    }

    @Test func heavyLossBringsItDown() {
        var control = ReceiveRateControl(start: .kilobits(2000), maximum: .kilobits(50_000))
        let estimates = feed(&control, from: 0, seconds: 3, lostPart: 0.3)
        #expect(abs((estimates.first ?? .zero).bitsPerSecond - 1_700_000) < 10_000)
        #expect(control.estimate < .kilobits(1000))
    }

    @Test func aFallIsToldAtOnceAndTheSameEachSecond() {
        var control = ReceiveRateControl(maximum: .kilobits(50_000))
        #expect(!control.isDue(now: start), "there is nothing to estimate yet")
        _ = feed(&control, from: 0, seconds: 2)
        let now = start.advanced(by: .seconds(2))
        #expect(control.isDue(now: now))
        control.markTold(now: now)
        #expect(!control.isDue(now: now.advanced(by: .milliseconds(999))))
        #expect(control.isDue(now: now.advanced(by: .milliseconds(1000))))
        _ = feed(&control, from: 2, seconds: 1, lostPart: 0.5)
        #expect(control.isDue(now: now.advanced(by: .milliseconds(100))))
    }

    @Test func aClockThatLiesNeverTraps() {
        var random = SeededRandom(seed: 7)
        var baseline = DelayBaseline(span: 5_000_000_000)
        for _ in 0..<100_000 {
            baseline.observe(sendTime: UInt32(random.next() & 0xFF_FFFF), arrival: Int64(bitPattern: random.next() >> 1))
        }
    }
}
