import BridgeModel
import NetworkTesting
import RTP
import Testing

@testable import Forwarding

/// What a viewer sees while it is switched between layers at random.
@Suite struct EgressMungingTests {
    private static let bitrates = [150_000, 500_000, 1_500_000]

    /// Random manual choices, each for some hundred milliseconds.
    private static func play(_ scenario: inout EdgeScenario, seed: UInt64, choices: Int) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<choices {
            scenario.viewer.limit(
                to: LayerCap(encoding: UInt8.random(in: 0...2, using: &random), temporal: UInt8.random(in: 0...2, using: &random)))
            scenario.run(for: .milliseconds(Int.random(in: 150...900, using: &random)))
        }
    }

    @Test(arguments: [11, 12, 13] as [UInt64])
    func aPerfectNetworkLeavesNoGapInAnything(seed: UInt64) {
        var scenario = EdgeScenario(bitrates: Self.bitrates, seed: seed)
        Self.play(&scenario, seed: seed, choices: 15)
        let items = scenario.model.received[0].values.sorted { $0.sequence < $1.sequence }
        #expect(Set(scenario.model.decoded.map(\.content.encoding)).count == 3, "all encodings were seen")
        #expect(items.count == Int(items[items.count - 1].sequence - items[0].sequence) + 1, "sequence numbers are continuous")
        let frames = scenario.model.frames.sorted { $0.sequences.lowerBound < $1.sequences.lowerBound }
        for (earlier, later) in zip(frames, frames.dropFirst()) { Self.expectContinuity(earlier, later) }
        #expect(scenario.model.undecodable == 0)
        #expect(scenario.model.wrongFrames == 0)
        #expect(scenario.model.decoded.count == frames.count, "every picture that was sent is shown")
        #expect(scenario.reusedNumbers == 0)
        #expect(scenario.model.requests == 0)
    }

    private static func expectContinuity(_ earlier: ViewerModel.Frame, _ later: ViewerModel.Frame) {
        #expect(later.sequences.lowerBound == earlier.sequences.upperBound + 1)
        #expect(TimestampUnwrapper.distance(from: earlier.first.timestamp, to: later.first.timestamp) > 0)
        #expect(later.first.pictureID == ((earlier.first.pictureID ?? 0) + 1) & 0x7FFF)
        let beginsBaseLayer = later.content.temporal == 0
        #expect(later.first.zeroIndex == ((earlier.first.zeroIndex ?? 0) + (beginsBaseLayer ? 1 : 0)) & 0xFF)
        #expect(later.first.keyIndex == ((earlier.first.keyIndex ?? 0) + (later.content.isKeyframe ? 1 : 0)) & 0x1F)
    }

    /// Timestamps keep to the time of capture over all switches, by the publisher's reports.
    @Test func timestampsFollowTheCapturesOverSwitches() {
        var scenario = EdgeScenario(bitrates: Self.bitrates, seed: 21)
        Self.play(&scenario, seed: 21, choices: 12)
        let live = scenario.model.frames.filter { $0.shownAt >= scenario.now.advanced(by: .seconds(-5)) }
        let offsets = live.map { Int32(bitPattern: $0.first.timestamp &- $0.content.captured) }
        let spread = (offsets.max() ?? 0) - (offsets.min() ?? 0)
        // A switch may add a tick, where the old encoding's frame of the same moment had gone out.
        #expect(spread < 90, "\(spread) ticks of 1/90 ms")
    }

    @Test(arguments: [31, 32, 33, 34] as [UInt64])
    func lossAndReorderInFrontOfUsAreNeitherHiddenNorMadeWorse(seed: UInt64) {
        var scenario = EdgeScenario(bitrates: Self.bitrates, seed: seed) { publisher, _ in
            publisher.loss = 0.01
            publisher.reorder = 0.03
        }
        Self.play(&scenario, seed: seed, choices: 20)
        #expect(scenario.publisher.lostPackets > 20)
        #expect(scenario.model.wrongFrames == 0, "no frame seems whole that is not")
        #expect(scenario.reusedNumbers == 0)
        #expect(scenario.model.decoded.count > 100)
        #expect(scenario.model.duplicates == 0)
    }

    @Test func aReplacedPublisherGoesOnWithItsFirstKeyframe() throws {
        var scenario = EdgeScenario(bitrates: [500_000], seed: 41)
        scenario.run(for: .seconds(2))
        let replacedAt = scenario.publisher.captured
        scenario.publisher.encodings[0].ssrc = 0xDEAD
        scenario.publisher.encodings[0].sequence = 17
        scenario.publisher.encodings[0].timestampBase = 42
        scenario.publisher.encodings[0].pictureID = 3
        scenario.run(for: .seconds(2))
        let before = try #require(scenario.model.frames.last { $0.content.captured <= replacedAt })
        let after = scenario.model.frames.filter { $0.content.captured > replacedAt }
        let first = try #require(after.first)
        #expect(first.content.isKeyframe)
        Self.expectContinuity(before, first)
        #expect(scenario.model.undecodable == 0)
        #expect(after.count > 40)
    }

    @Test func audioAndVideoStayInStep() throws {
        var scenario = EdgeScenario(bitrates: Self.bitrates, seed: 51)
        Self.play(&scenario, seed: 51, choices: 6)
        scenario.run(for: .milliseconds(1500))
        let video = try #require(scenario.model.reports.last { $0.ssrc == EdgeScenario.videoSSRC })
        let audio = try #require(scenario.model.reports.last { $0.ssrc == EdgeScenario.audioSSRC })
        let frame = try #require(scenario.model.frames.last)
        let sound = try #require(scenario.model.received[1].values.max { $0.sequence < $1.sequence })
        let content = try #require(sound.content)
        // The wall clock of each, by its report, minus its capture: the same for both.
        let videoClock = Self.seconds(video, frame.first.timestamp, rate: 90_000) - Double(frame.content.captured) / 90_000
        let audioClock = Self.seconds(audio, sound.timestamp, rate: 48_000) - Double(content.captured) / 90_000
        #expect(abs(videoClock - audioClock) < 0.002, "\(videoClock - audioClock) s apart")
    }

    private static func seconds(_ report: SenderReportView, _ timestamp: UInt32, rate: Double) -> Double {
        Double(report.ntp >> 32) + Double(report.ntp & 0xFFFF_FFFF) / 4_294_967_296
            + Double(TimestampUnwrapper.distance(from: report.rtp, to: timestamp)) / rate
    }
}
