import BridgeModel
@testable import Forwarding
import NetworkTesting
import RTP
import Testing

@Suite struct EgressScenarioTests {
    @Test func trace() {
        var scenario = EdgeScenario(bitrates: [150_000, 500_000, 1_500_000], conditions: LinkConditions(bandwidth: 4_000_000), seed: 1)
        for s in 0..<80 {
            if s == 20 { scenario.change(LinkConditions(bandwidth: 800_000)) }
            if s == 40 { scenario.change(LinkConditions(bandwidth: 4_000_000)) }
            let before = scenario.now
            scenario.run(for: .milliseconds(500))
            let st = scenario.viewer.statistics
            print(
                Double(s) / 2, "est", st.estimate.bitsPerSecond / 1000, "rtt", st.roundTrip / 1_000_000, "target", st.layers[1] as Any,
                "enc", scenario.shownEncoding as Any, "freeze",
                scenario.model.longestFreeze(from: before, to: scenario.now).wholeMilliseconds, "q",
                scenario.link.queueingDelay(now: scenario.now).wholeMilliseconds, "drop", st.dropped, "und", scenario.model.undecodable,
                "wrong", scenario.model.wrongFrames, scenario.reusedNumbers, "kf", scenario.keyframeRequests, scenario.model.requests,
                scenario.model.repaired, st.tracks[1].retransmissions, st.tracks[1].padding)
        }
        print(
            scenario.largestHeader, scenario.viewer.byteCount, MemoryLayout<EgressViewer>.size, MemoryLayout<TrackSender>.stride,
            MemoryLayout<ViewerTrack>.size, MemoryLayout<BandwidthEstimator>.size, MemoryLayout<EgressTrackParameters>.size,
            MemoryLayout<LayerSelector>.size, MemoryLayout<EgressHeaderWriter>.size, MemoryLayout<StreamRewriter>.size,
            MemoryLayout<SequenceMap>.size, MemoryLayout<RetransmissionQueue>.size, scenario.viewer.estimator.heapByteCount,
            MemoryLayout<ExtensionMap>.size)
    }
}
