import BridgeModel
import NetworkTesting
import RTP
import Testing

@Suite struct BandwidthEstimatorTests {
    @Test func trace() {
        var path = SimulatedPath(LinkConditions(bandwidth: 3_000_000), seed: 1)
        for s in 0..<60 {
            if s == 20 { path.change(LinkConditions(bandwidth: 800_000)) }
            if s == 40 { path.change(LinkConditions(bandwidth: 3_000_000)) }
            path.run(for: .milliseconds(500))
            print(Double(s) / 2, path.estimator.estimate.bitsPerSecond / 1000, path.link.queueingDelay(now: path.now), path.link.counters.overflowed, path.estimator.roundTrip/1_000_000)
        }
    }
}
