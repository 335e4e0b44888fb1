import BridgeModel
import NetworkTesting
import RTP
import Testing

/// Convergence on the virtual network: within 20 % of what the link carries, five seconds after it changed.
@Suite struct BandwidthEstimatorTests {
    private static func expect(_ estimate: Double, within tolerance: Double = 0.2, of bandwidth: Int) {
        let ratio = estimate / Double(bandwidth)
        #expect(ratio > 1 - tolerance && ratio < 1 + tolerance, "\(Int(estimate / 1000)) kbit/s of \(bandwidth / 1000)")
    }

    @Test(arguments: [500_000, 1_000_000, 3_000_000, 6_000_000], [1, 2] as [UInt64])
    func itFindsWhatTheLinkCarries(bandwidth: Int, seed: UInt64) {
        var path = SimulatedPath(LinkConditions(bandwidth: bandwidth), seed: seed)
        path.run(for: .seconds(5))
        Self.expect(path.meanEstimate(over: .seconds(3)), of: bandwidth)
    }

    @Test(arguments: [(3_000_000, 800_000), (6_000_000, 2_000_000), (2_000_000, 400_000)], [3, 4, 5] as [UInt64])
    func itFollowsADropAndARecovery(bandwidths: (high: Int, low: Int), seed: UInt64) {
        var path = SimulatedPath(LinkConditions(bandwidth: bandwidths.high), seed: seed)
        path.run(for: .seconds(10))
        path.change(LinkConditions(bandwidth: bandwidths.low))
        path.run(for: .seconds(5))
        Self.expect(path.meanEstimate(over: .seconds(3)), of: bandwidths.low)
        path.change(LinkConditions(bandwidth: bandwidths.high))
        path.run(for: .seconds(5))
        Self.expect(path.meanEstimate(over: .seconds(3)), of: bandwidths.high)
    }

    @Test(arguments: [14, 15, 16] as [UInt64])
    func burstsOfLossAreNotTakenForANarrowPath(seed: UInt64) {
        // 1.3 % in bursts of three.
        let loss = LossModel.bursts(GilbertElliott(becomesBad: 0.004, becomesGood: 0.3))
        var path = SimulatedPath(LinkConditions(bandwidth: 3_000_000, loss: loss), seed: seed)
        path.run(for: .seconds(5))
        Self.expect(path.meanEstimate(over: .seconds(3)), of: 3_000_000)
        path.change(LinkConditions(bandwidth: 1_000_000, loss: loss))
        path.run(for: .seconds(5))
        Self.expect(path.meanEstimate(over: .seconds(3)), of: 1_000_000)
    }

    @Test(arguments: [6, 7] as [UInt64])
    func jitterIsNotTakenForAQueue(seed: UInt64) {
        var path = SimulatedPath(LinkConditions(bandwidth: 3_000_000, jitter: .milliseconds(15)), seed: seed)
        path.run(for: .seconds(8))
        Self.expect(path.meanEstimate(over: .seconds(5)), within: 0.3, of: 3_000_000)
    }

    @Test(arguments: [0.02, 0.05, 0.1])
    func lossThatTheRateDoesNotCauseDoesNotStarveTheViewer(loss: Double) {
        var path = SimulatedPath(LinkConditions(bandwidth: 3_000_000, loss: .independent(loss)), seed: 8)
        path.run(for: .seconds(10))
        #expect(path.meanEstimate(over: .seconds(5)) > 1_800_000)
    }

    @Test func aShortQueueThatOverflowsIsSeenByItsLoss() {
        var path = SimulatedPath(LinkConditions(bandwidth: 1_500_000, queueBytes: 6_000), seed: 9)
        path.run(for: .seconds(10))
        let before = path.link.counters
        Self.expect(path.meanEstimate(over: .seconds(5)), within: 0.35, of: 1_500_000)
        let after = path.link.counters
        #expect(Double(after.overflowed - before.overflowed) / Double(after.sent - before.sent) < 0.2)
    }

    @Test func reorderAndDuplicationDoNoHarm() {
        let conditions = LinkConditions(bandwidth: 3_000_000, jitter: .milliseconds(5)).reordering(0.03).duplicating(0.02)
        var path = SimulatedPath(conditions, seed: 10)
        path.run(for: .seconds(8))
        Self.expect(path.meanEstimate(over: .seconds(4)), within: 0.3, of: 3_000_000)
    }

    @Test func queuesStayShortInTheLongRun() {
        var path = SimulatedPath(LinkConditions(bandwidth: 2_000_000), seed: 11)
        path.run(for: .seconds(10))
        var waited = 0.0
        for _ in 0..<200 {
            path.run(for: .milliseconds(50))
            waited += Double(path.link.queueingDelay(now: path.now).wholeMilliseconds)
        }
        #expect(waited / 200 < 30, "\(waited / 200) ms on average")
        #expect(path.link.counters.overflowed < 20)
    }

    @Test func anApplicationThatSendsLittleIsNotEstimatedWithoutBound() {
        var path = SimulatedPath(LinkConditions(bandwidth: nil), seed: 12, wanted: .zero)
        path.applicationLimit = .kilobits(500)
        path.run(for: .seconds(20))
        #expect(path.estimator.estimate < .kilobits(1500))
        #expect(path.estimator.estimate >= .kilobits(500))
    }

    /// The way gets longer by so much at once, as when a phone changes networks: no queue, and the little that is sent goes on coming.
    @Test(arguments: [20, 60] as [Int64], [21, 22, 23] as [UInt64])
    func aLongerWayIsNotTakenForAPathThatTakesNoMoreThanIsSent(milliseconds: Int64, seed: UInt64) {
        var path = SimulatedPath(LinkConditions(bandwidth: 5_000_000, delay: .milliseconds(10)), seed: seed, wanted: .zero)
        path.applicationLimit = .kilobits(300)
        path.run(for: .seconds(5))
        path.change(LinkConditions(bandwidth: 5_000_000, delay: .milliseconds(10 + milliseconds)))
        var lowest = path.estimator.estimate
        for _ in 0..<50 {
            path.run(for: .milliseconds(100))
            lowest = min(lowest, path.estimator.estimate)
        }
        #expect(lowest >= .kilobits(300), "\(lowest)")
    }

    @Test(arguments: [24, 25] as [UInt64])
    func aQueueOfLittleMoreThanThePathTakesIsSeenToo(seed: UInt64) {
        var path = SimulatedPath(LinkConditions(bandwidth: 5_000_000), seed: seed, start: .kilobits(4000), wanted: .zero)
        path.applicationLimit = .kilobits(1000)
        path.run(for: .seconds(5))
        path.change(LinkConditions(bandwidth: 940_000))
        path.run(for: .seconds(5))
        Self.expect(path.meanEstimate(over: .seconds(3)), of: 940_000)
    }

    @Test func whatIsWantedIsProbedForWithinSeconds() {
        var path = SimulatedPath(LinkConditions(bandwidth: 5_000_000), seed: 13, start: .kilobits(300), wanted: .kilobits(2500))
        path.applicationLimit = .kilobits(250)
        path.run(for: .seconds(5))
        #expect(path.estimator.estimate >= .kilobits(2400), "\(path.estimator.estimate)")
    }

    @Test func theViewersOwnEstimateIsALimit() {
        var estimator = BandwidthEstimator(start: .kilobits(1000), maximum: .kilobits(5000))
        let now = MonotonicTime(nanoseconds: 1_000_000_000)
        estimator.receiverEstimated(.kilobits(700), now: now)
        #expect(estimator.estimate == .kilobits(700))
        #expect(!estimator.isMeasured, "it follows what is sent: it does not show that the path takes no more")
        estimator.receiverEstimated(.kilobits(9000), now: now)
        #expect(estimator.estimate == .kilobits(5000), "REMB alone decides, up to the limit")
    }

    @Test func theViewersOwnEstimateIsForgottenWhenItDoesNotRepeatIt() {
        var estimator = BandwidthEstimator(start: .kilobits(1000), maximum: .kilobits(5000))
        var now = MonotonicTime(nanoseconds: 1_000_000_000)
        estimator.receiverEstimated(.kilobits(70), now: now)
        for expected in [70, 70, 70, 1000] as [Int64] {
            now = now.advanced(by: .seconds(1))
            estimator.reported(lost: 0, of: 0, sending: .kilobits(30), now: now)
            #expect(estimator.estimate == .kilobits(expected), "at \(now)")
        }
    }

    @Test func reportsOfHeavyLossLimitAViewerThatSaysNothingElse() {
        var estimator = BandwidthEstimator(start: .kilobits(50_000), maximum: .kilobits(50_000))
        var now = MonotonicTime(nanoseconds: 1_000_000_000)
        for _ in 0..<5 {
            now = now.advanced(by: .seconds(1))
            estimator.reported(lost: 1, of: 200, sending: .kilobits(2000), now: now)
        }
        #expect(estimator.estimate == .kilobits(50_000))
        for _ in 0..<2 {
            now = now.advanced(by: .seconds(1))
            estimator.reported(lost: 78, of: 200, sending: .kilobits(2000), now: now)
        }
        #expect(estimator.estimate < .kilobits(2000))
    }

    @Test func feedbackAboutWhatWasNeverSentIsIgnored() {
        var estimator = BandwidthEstimator(start: .kilobits(1000), maximum: .kilobits(5000))
        let now = MonotonicTime(nanoseconds: 5_000_000_000)
        for sequence in UInt16(0)..<1000 {
            estimator.packetArrived(sequence &* 7, arrival: Int64(sequence) * 1_000_000, now: now)
            estimator.packetMissing(sequence &* 11, now: now)
        }
        estimator.endFeedback(now: now)
        #expect(estimator.estimate == .kilobits(1000))
    }
}
