import BridgeModel
import NetworkTesting
import Testing

@testable import Forwarding

/// A stream of one layer, of which a viewer can have all or nothing: it keeps running on a path that is bad but wide enough.
@Suite struct EgressSingleLayerTests {
    /// Sends few bits, as of a picture that hardly moves, and a keyframe each second whoever asks.
    private static func scenario(seed: UInt64, bitrate: Int = 30_000) -> EdgeScenario {
        EdgeScenario(bitrates: [bitrate], conditions: LinkConditions(delay: .zero), seed: seed) { publisher, _ in
            publisher.hasTemporalLayers = false
            publisher.soundBytes = 20
            publisher.listens = false
            publisher.keyframeEvery = .seconds(1)
        }
    }

    private static let lossy = LinkConditions(delay: .milliseconds(20), jitter: .milliseconds(5), loss: .independent(0.1)).reordering(
        0.05, by: .milliseconds(20))

    /// The delay that comes with the loss looks like a queue, once.
    @Test(arguments: Array(301...320) as [UInt64])
    func lossReorderAndALongerWayDoNotStopThePicture(seed: UInt64) {
        var scenario = Self.scenario(seed: seed)
        scenario.run(for: .seconds(6))
        scenario.change(Self.lossy)
        let lossyAt = scenario.now
        var lowest = scenario.viewer.statistics.estimate
        for _ in 0..<100 {
            scenario.run(for: .milliseconds(100))
            lowest = min(lowest, scenario.viewer.statistics.estimate)
        }
        let freeze = scenario.model.longestFreeze(from: lossyAt, to: scenario.now)
        #expect(freeze < .milliseconds(700), "no picture for \(freeze); the estimate fell to \(lowest)")
    }

    /// For some seconds the path takes less than the stream has, and the queue before it is full. Where the picture has paused meanwhile and nothing is
    /// queued any more, only a probe can tell, of which there is one in 1.5 s.
    @Test(arguments: [(30_000, 45_000), (100_000, 60_000), (250_000, 60_000)], [3000, 4500, 5100, 6000, 7000, 8000, 9000])
    func aPathThatWidensAgainHasItsPictureBackSoon(narrow: (bitrate: Int, bandwidth: Int), milliseconds: Int) {
        var scenario = Self.scenario(seed: 331, bitrate: narrow.bitrate)
        scenario.run(for: .seconds(6))
        scenario.change(LinkConditions(bandwidth: narrow.bandwidth, queueBytes: 10_000, delay: .zero))
        scenario.run(for: .milliseconds(milliseconds))
        let wideAt = scenario.now
        scenario.change(LinkConditions(delay: .zero))
        scenario.run(for: .seconds(8))
        let back = scenario.model.recovery(from: wideAt, to: scenario.now, gap: .milliseconds(400))
        #expect(back <= .milliseconds(2050), "the picture of \(narrow.bitrate) bit/s runs after \(back)")
    }
}
