import BridgeModel
import Forwarding
import NetworkTesting
import RTP
import Testing

/// A publisher behind a bad network: seeded, in virtual time.
@Suite struct PublisherNetworkTests {
    struct Path: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var conditions: LinkConditions
    }

    private static let bursts = GilbertElliott(becomesBad: 0.02, becomesGood: 0.3)
    static let paths = [
        Path(testDescription: "no loss", conditions: LinkConditions(delay: .milliseconds(25))),
        Path(testDescription: "10 % loss", conditions: LinkConditions(delay: .milliseconds(25), loss: .independent(0.1))),
        Path(testDescription: "bursts", conditions: LinkConditions(delay: .milliseconds(25), loss: .bursts(bursts))),
        Path(
            testDescription: "loss, jitter, reordering, duplication",
            conditions: LinkConditions(delay: .milliseconds(40), jitter: .milliseconds(10), loss: .independent(0.05))
                .reordering(0.05).duplicating(0.05)),
    ]

    @Test(arguments: paths) func everyPacketComesOnce(path: Path) {
        for seed: UInt64 in 1...4 {
            var scene = PublisherScene(uplink: path.conditions, downlink: path.conditions, seed: seed)
            scene.run(.seconds(10))
            scene.run(.seconds(2), isSilent: true)
            #expect(Set(scene.received).count == scene.received.count, "no packet twice")
            // A loss at the very end has no packet behind it that shows it.
            let last = scene.received.map { $0 &- 65_000 }.max() ?? 0
            #expect(scene.received.count == Int(last) + 1, "no packet missing, seed \(seed)")
            #expect(scene.publisher.sentCount - scene.received.count <= 8)
            #expect(scene.publisher.requests.values.allSatisfy { $0 <= 10 })
            #expect(scene.statistics.abandoned == 0)
        }
    }

    @Test func aPathThatOnlyReordersIsSoonLeftAlone() {
        let conditions = LinkConditions(delay: .milliseconds(20)).reordering(0.1, by: .milliseconds(8))
        var scene = PublisherScene(uplink: conditions, seed: 1)
        scene.run(.seconds(20))
        let reordered = scene.publisher.sentCount / 10
        #expect(scene.statistics.requested < UInt64(reordered / 10))
    }

    @Test func whatIsNotSentAgainIsGivenUpForAKeyframe() {
        var scene = PublisherScene(uplink: LinkConditions(delay: .milliseconds(20)), seed: 1)
        scene.run(.seconds(1))
        scene.publisher.retransmits = false
        scene.uplink.change(LinkConditions(delay: .milliseconds(20), loss: .independent(1)), now: scene.stage.now)
        scene.run(.milliseconds(70))
        scene.uplink.change(LinkConditions(delay: .milliseconds(20)), now: scene.stage.now)
        scene.run(.seconds(5))
        #expect(scene.publisher.requests.values.allSatisfy { $0 <= 10 } && scene.publisher.requests.values.contains(10))
        #expect(scene.statistics.abandoned > 0)
        #expect(scene.publisher.pictureLosses >= 1 && scene.keyframesSeen == 2)
        let requested = scene.statistics.requested
        scene.run(.seconds(1))
        #expect(scene.statistics.requested == requested, "the keyframe ended it")
    }

    @Test(arguments: paths) func feedbackTellsWhatArrivedAndWhen(path: Path) {
        var scene = PublisherScene(uplink: path.conditions, downlink: LinkConditions(delay: .milliseconds(25)), seed: 7)
        scene.run(.seconds(6))
        scene.run(.seconds(1), isSilent: true)
        #expect(scene.publisher.feedback.count > 700, "more than half of the wrap")
        for (number, told) in scene.publisher.feedback { #expect(told == scene.arrivals[number], "\(number)") }
        #expect(scene.arrivals.keys.allSatisfy { scene.publisher.feedback[$0] != nil })
        #expect(zip(scene.publisher.feedbackPackets, scene.publisher.feedbackPackets.dropFirst()).allSatisfy { $1 == $0 &+ 1 })
        // Every 100 ms, or 50 ms when busy.
        #expect(60...140 ~= scene.publisher.feedbackPackets.count)
    }

    @Test func reportsCountWhatTheNetworkLost() throws {
        let conditions = LinkConditions(delay: .milliseconds(25), loss: .independent(0.1))
        var scene = PublisherScene(uplink: conditions, seed: 3)
        scene.run(.seconds(12))
        let block = try #require(scene.publisher.blocks.last)
        #expect(scene.publisher.blocks.count == 11)
        let sent = Double(scene.publisher.sentCount)
        #expect(abs(Double(block.cumulativeLost) / sent - 0.1) < 0.03, "repaired packets were lost all the same")
        let fractions = scene.publisher.blocks.map { Double($0.fractionLost) / 256 }
        #expect(abs(fractions.reduce(0, +) / Double(fractions.count) - 0.1) < 0.04)
        #expect(block.jitter < 90)
    }

    @Test func theRoundTripIsLearnt() {
        let conditions = LinkConditions(delay: .milliseconds(15), loss: .independent(0.05))
        var scene = PublisherScene(uplink: conditions, downlink: LinkConditions(delay: .milliseconds(15)), seed: 5)
        scene.run(.seconds(20))
        #expect(abs(scene.statistics.roundTrip.wholeMilliseconds - 31) <= 5)
    }

    @Test func theEstimateFallsBelowABottleneckAndRisesAgain() throws {
        let wide = LinkConditions(bandwidth: 5_000_000, delay: .milliseconds(20))
        var scene = PublisherScene(uplink: wide, seed: 1, feedback: [.nack, .pictureLoss, .receiverEstimate])
        // 30 * 8 * 1,000 bytes: 2 Mbit/s.
        scene.publisher.packetsPerFrame = 8
        scene.publisher.payloadSize = 1000
        scene.run(.seconds(10))
        #expect(try #require(scene.publisher.estimates.last) > 2_500_000)
        scene.uplink.change(LinkConditions(bandwidth: 1_000_000, delay: .milliseconds(20)), now: scene.stage.now)
        scene.run(.seconds(3))
        #expect(try #require(scene.publisher.estimates.last) < 1_000_000)
        // The publisher obeys.
        scene.publisher.packetsPerFrame = 3
        scene.uplink.change(wide, now: scene.stage.now)
        scene.run(.seconds(15))
        #expect(try #require(scene.publisher.estimates.last) > 1_000_000)
        #expect(scene.publisher.feedbackPackets.isEmpty)
    }

    @Test func theMonitorTellsRateFramesAndSize() {
        var scene = PublisherScene(uplink: LinkConditions(), seed: 1)
        scene.publisher.payloadSize = 500
        scene.run(.seconds(3))
        let state = scene.statistics.state
        // 4 packets of 523 bytes every 33 ms.
        let expected = 4.0 * 523 * 8 / 0.033
        #expect(abs(Double(state.bitrate.bitsPerSecond) - expected) < expected / 10)
        #expect(abs(state.frameRate - 30.3) < 3)
        #expect(state.size == PictureSize(width: 640, height: 360))
        #expect(state.isActive && state.spatialLayers == 1 && state.temporalLayers == 1)
        scene.run(.seconds(2), isSilent: true)
        #expect(!scene.statistics.state.isActive && scene.statistics.state.frameRate == 0)
    }
}
