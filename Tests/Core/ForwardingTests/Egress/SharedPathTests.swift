import BridgeModel
import NetworkTesting
import RTP
import Testing

@testable import Forwarding

/// Several streams on one transport: one estimate, one pacer, one row of numbers, and a part for each.
@Suite struct SharedPathTests {
    private static let bitrates = [150_000, 500_000, 1_500_000]

    @Test func everybodyIsSeenAtTheirBestWhereThereIsRoom() {
        var scenario = SharedPathScenario(
            publishers: 4, bitrates: Self.bitrates, conditions: LinkConditions(bandwidth: 12_000_000), seed: 501)
        scenario.run(for: .seconds(12))
        #expect(scenario.shown == [2, 2, 2, 2], "estimate \(scenario.estimate.bitsPerSecond)")
        #expect(scenario.wrongNumbers == 0)
        for model in scenario.models { #expect(model.wrongFrames == 0) }
    }

    /// Half of what flows takes the second layer of four, not the best of one and none of another. Four keyframes at once have to come through what is
    /// left then: a picture may stand for two seconds.
    @Test func aNarrowPathIsSharedAlike() {
        var scenario = SharedPathScenario(
            publishers: 4, bitrates: Self.bitrates, conditions: LinkConditions(bandwidth: 12_000_000), seed: 502)
        scenario.run(for: .seconds(10))
        let narrowAt = scenario.now
        scenario.change(LinkConditions(bandwidth: 3_000_000))
        scenario.run(for: .seconds(10))
        #expect(scenario.shown == [1, 1, 1, 1], "estimate \(scenario.estimate.bitsPerSecond)")
        for model in scenario.models { #expect(model.longestFreeze(from: narrowAt, to: scenario.now) < .milliseconds(2500)) }
    }

    /// Who is looked at gets more, and the others keep moving.
    @Test func theOneThatCountsMoreIsLarger() {
        var scenario = SharedPathScenario(
            publishers: 4, bitrates: Self.bitrates, conditions: LinkConditions(bandwidth: 3_000_000), seed: 503)
        scenario.weigh(2, 8)
        scenario.run(for: .seconds(15))
        #expect(scenario.shown[2] == 2, "estimate \(scenario.estimate.bitsPerSecond), shown \(scenario.shown)")
        #expect(scenario.shown.allSatisfy { $0 != nil })
    }

    /// What one leaves behind is the others'.
    @Test func thoseWhoStayGetWhatALeaverHad() {
        var scenario = SharedPathScenario(
            publishers: 2, bitrates: Self.bitrates, conditions: LinkConditions(bandwidth: 2_000_000), seed: 504)
        scenario.run(for: .seconds(8))
        #expect(scenario.shown.contains { $0 != 2 })
        scenario.leave(0)
        scenario.run(for: .seconds(8))
        #expect(scenario.shown[0] == nil && scenario.shown[1] == 2)
        scenario.join(0)
        scenario.run(for: .seconds(6))
        #expect(scenario.shown.allSatisfy { $0 != nil }, "a place is free for another one")
        #expect(scenario.wrongNumbers == 0)
    }

    /// Sound of all comes before any picture.
    @Test func soundOfAllKeepsItsPlaceOnAPathThatIsTooNarrowForTheirPictures() {
        var scenario = SharedPathScenario(
            publishers: 3, bitrates: Self.bitrates, conditions: LinkConditions(bandwidth: 3_000_000, queueBytes: 12_000), seed: 505)
        scenario.run(for: .seconds(8))
        scenario.change(LinkConditions(bandwidth: 400_000, queueBytes: 12_000))
        scenario.run(for: .seconds(6))
        let before = scenario.models.map { $0.received[1].count }
        scenario.run(for: .seconds(10))
        for (model, before) in zip(scenario.models, before) {
            #expect(model.received[1].count - before > 480, "of 500 sounds")
        }
    }
}
