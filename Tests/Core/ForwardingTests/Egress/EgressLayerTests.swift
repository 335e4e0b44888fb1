import BridgeModel
import NetworkTesting
import RTP
import Testing

@testable import Forwarding

/// Layers follow the path: down before the picture freezes, up again when there is room.
@Suite struct EgressLayerTests {
    private static let bitrates = [150_000, 500_000, 1_500_000]

    @Test(arguments: [71, 72, 73] as [UInt64])
    func layersGoDownBeforeFreezingAndComeUpAgain(seed: UInt64) {
        var scenario = EdgeScenario(bitrates: Self.bitrates, conditions: LinkConditions(bandwidth: 4_000_000), seed: seed)
        scenario.run(for: .seconds(8))
        #expect(scenario.shownEncoding == 2)
        let dropAt = scenario.now
        scenario.change(LinkConditions(bandwidth: 800_000))
        scenario.run(for: .seconds(8))
        #expect(scenario.shownEncoding == 1, "500 kbit/s fit into 800")
        #expect(scenario.model.longestFreeze(from: dropAt, to: scenario.now) < .milliseconds(450))
        let riseAt = scenario.now
        scenario.change(LinkConditions(bandwidth: 4_000_000))
        scenario.run(for: .seconds(6))
        #expect(scenario.shownEncoding == 2)
        #expect(scenario.model.longestFreeze(from: riseAt, to: scenario.now) < .milliseconds(250))
        #expect(scenario.model.wrongFrames == 0)
        #expect(scenario.reusedNumbers == 0)
    }

    /// However low the path had gone, and for how long: what proved too much then says nothing of the wide path.
    @Test(arguments: [100_000, 300_000, 800_000], [3000, 5000, 8000, 10_000])
    func theBestLayerIsBackSoonAfterThePathWidens(bandwidth: Int, milliseconds: Int) {
        var scenario = EdgeScenario(bitrates: Self.bitrates, conditions: LinkConditions(bandwidth: 4_000_000), seed: 79)
        scenario.run(for: .seconds(6))
        scenario.change(LinkConditions(bandwidth: bandwidth))
        scenario.run(for: .milliseconds(milliseconds))
        let wideAt = scenario.now
        scenario.change(LinkConditions(bandwidth: 4_000_000))
        scenario.run(for: .seconds(8))
        let best = scenario.model.decoded.first { $0.shownAt > wideAt && $0.content.encoding == 2 }?.shownAt.duration(since: wideAt)
        #expect(best.map { $0 <= .seconds(3) } ?? false, "the best layer comes after \(best.map { "\($0)" } ?? "more than 8 s")")
        #expect(scenario.shownEncoding == 2)
    }

    /// Drops and recoveries of bandwidth on paths that are bad in other ways too. `freeze`: the longest time without a new picture in it.
    @Test(
        arguments: [
            ("loss", LinkConditions(loss: .independent(0.02)), 900),
            ("burst loss", LinkConditions(loss: .bursts(GilbertElliott(becomesBad: 0.004, becomesGood: 0.3))), 900),
            ("reorder and duplication", LinkConditions().reordering(0.03).duplicating(0.02), 600),
            ("jitter", LinkConditions(jitter: .milliseconds(12)), 600),
        ], [171, 172] as [UInt64])
    func layersFollowAPathThatIsBadInOtherWaysToo(path: (name: String, conditions: LinkConditions, freeze: Int), seed: UInt64) {
        func link(_ bandwidth: Int) -> LinkConditions {
            var conditions = path.conditions
            conditions.bandwidth = bandwidth
            return conditions
        }
        var scenario = EdgeScenario(bitrates: Self.bitrates, conditions: link(4_000_000), seed: seed)
        scenario.run(for: .seconds(10))
        #expect(scenario.shownEncoding == 2, "\(path.name): the best at first")
        for _ in 0..<2 {
            let dropAt = scenario.now
            scenario.change(link(800_000))
            scenario.run(for: .seconds(8))
            #expect(scenario.shownEncoding ?? 9 <= 1, "\(path.name): 1,500 kbit/s do not fit into 800")
            let freeze = scenario.model.longestFreeze(from: dropAt, to: scenario.now)
            #expect(freeze < .milliseconds(path.freeze), "\(path.name): down before freezing, not \(freeze)")
            scenario.change(link(4_000_000))
            scenario.run(for: .seconds(12))
            #expect(scenario.shownEncoding == 2, "\(path.name): up again")
        }
        #expect(scenario.model.wrongFrames == 0 && scenario.reusedNumbers == 0)
    }

    @Test func aChoiceIsSwitchedToWithinAnEyesBlink() {
        var scenario = EdgeScenario(bitrates: Self.bitrates, seed: 78)
        scenario.run(for: .seconds(5))
        #expect(scenario.shownEncoding == 2)
        for encoding in [0, 2, 1] as [UInt8] {
            let chosenAt = scenario.now
            scenario.viewer.limit(to: LayerCap(encodings: encoding...encoding, spatial: 0...UInt8.max, temporal: 0...UInt8.max))
            scenario.run(for: .seconds(2))
            let first = scenario.model.decoded.first { $0.shownAt > chosenAt && $0.content.encoding == encoding }
            // The publisher needs 60 ms for its keyframe, the network 20.
            #expect(first.map { $0.shownAt.duration(since: chosenAt) < .milliseconds(200) } ?? false, "encoding \(encoding)")
            #expect(scenario.model.longestFreeze(from: chosenAt, to: scenario.now) < .milliseconds(120), "all frames are sent until then")
            #expect(scenario.shownEncoding == encoding)
        }
    }

    @Test func aPathTooNarrowForAnyLayerPausesThePictureAndKeepsTheSound() {
        var scenario = EdgeScenario(bitrates: [1_000_000], conditions: LinkConditions(bandwidth: 3_000_000), seed: 74)
        scenario.run(for: .seconds(5))
        let undecodable = scenario.model.undecodable
        scenario.change(LinkConditions(bandwidth: 200_000))
        scenario.run(for: .seconds(6))
        #expect(scenario.viewer.statistics.layers[1] == nil)
        let sounds = scenario.model.received[1].count
        scenario.run(for: .seconds(2))
        #expect(scenario.model.received[1].count - sounds > 95, "100 packets of sound in two seconds")
        scenario.change(LinkConditions(bandwidth: 3_000_000))
        scenario.run(for: .seconds(6))
        #expect(scenario.viewer.statistics.layers[1] != nil)
        let end = scenario.now
        #expect(scenario.model.longestFreeze(from: end.advanced(by: .seconds(-1)), to: end) < .milliseconds(200))
        #expect(scenario.model.undecodable - undecodable < 10, "\(undecodable) frames before, \(scenario.model.undecodable) now")
    }

    @Test func theViewersChoiceIsALimit() {
        var scenario = EdgeScenario(bitrates: Self.bitrates, seed: 75)
        scenario.viewer.limit(to: LayerCap(encoding: 1, temporal: 1))
        scenario.run(for: .seconds(3))
        let from = scenario.now
        scenario.run(for: .seconds(2))
        let shown = scenario.model.decoded.filter { $0.shownAt > from }
        #expect(!shown.isEmpty)
        #expect(shown.allSatisfy { $0.content.encoding == 1 && $0.content.temporal <= 1 })
        #expect((25...35).contains(shown.count), "half of the frames in two seconds: \(shown.count)")
    }

    @Test func anEncodingThatItsPublisherStopsIsReplacedByTheNextSmaller() {
        var scenario = EdgeScenario(bitrates: Self.bitrates, seed: 76)
        scenario.run(for: .seconds(4))
        #expect(scenario.shownEncoding == 2)
        scenario.publisher.encodings[2].isSending = false
        scenario.run(for: .seconds(4))
        #expect(scenario.shownEncoding == 1)
        scenario.publisher.encodings[2].isSending = true
        scenario.run(for: .seconds(6))
        #expect(scenario.shownEncoding == 2)
        #expect(scenario.model.undecodable == 0)
    }

    @Test func keyframesAreOnlyAskedForAtSwitches() {
        var scenario = EdgeScenario(bitrates: Self.bitrates, seed: 77)
        scenario.run(for: .seconds(20))
        #expect(scenario.keyframeRequests <= 2)
    }

    @Test func aTemporalLayerIsBegunOnlyWhereTheDecoderCanFollow() {
        var filter = LayerFilter()
        filter.restart(spatial: 0, temporal: 0)
        filter.aim(spatial: 0, temporal: 2)
        func frame(_ temporal: UInt8, _ flags: PacketDescriptor.Flags, at timestamp: UInt32) -> Bool {
            var descriptor = PacketDescriptor()
            descriptor.temporalLayer = temporal
            descriptor.flags = flags.union([.isLayered, .beginsFrame])
            return filter.passes(descriptor, timestamp: timestamp)
        }
        #expect(frame(0, .temporalSwitchPoint, at: 1))
        #expect(!frame(2, [], at: 2))
        #expect(frame(1, .temporalSwitchPoint, at: 3))
        #expect(!frame(2, [], at: 4))
        #expect(frame(2, .temporalSwitchPoint, at: 5))
        #expect(frame(2, [], at: 6))
        filter.aim(spatial: 0, temporal: 0)
        #expect(!frame(2, .temporalSwitchPoint, at: 7))
        #expect(frame(0, .temporalSwitchPoint, at: 8))
    }

    @Test func aSpatialLayerIsBegunAtAPictureThatNeedsNoOther() {
        var filter = LayerFilter()
        filter.restart(spatial: 0, temporal: 0)
        filter.aim(spatial: 2, temporal: 0)
        func layer(_ spatial: UInt8, _ flags: PacketDescriptor.Flags, at timestamp: UInt32) -> (passes: Bool, ends: Bool) {
            var descriptor = PacketDescriptor()
            descriptor.spatialLayer = spatial
            descriptor.flags = flags.union([.isLayered, .beginsFrame, .endsFrame])
            return (filter.passes(descriptor, timestamp: timestamp), filter.endsPicture(descriptor))
        }
        #expect(layer(0, [], at: 1) == (true, true))
        #expect(layer(1, [], at: 1) == (false, false))
        #expect(filter.awaitsSpatialSwitch)
        #expect(layer(0, .spatialSwitchPoint, at: 2) == (true, false), "the next layer begins in this picture")
        #expect(layer(1, .spatialSwitchPoint, at: 2) == (true, false))
        #expect(layer(2, .spatialSwitchPoint, at: 2) == (true, true))
        #expect(!filter.awaitsSpatialSwitch)
        filter.aim(spatial: 1, temporal: 0)
        #expect(layer(0, [], at: 3) == (true, false))
        #expect(layer(1, [], at: 3) == (true, true))
        #expect(layer(2, [], at: 3) == (false, false))
    }
}
