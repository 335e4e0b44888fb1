import BridgeModel
import NetworkTesting
import RTP
import Testing

@testable import Forwarding

/// Lost packets are sent again, within limits.
@Suite struct EgressRepairTests {
    private static func lossy(_ loss: LossModel) -> LinkConditions {
        LinkConditions(bandwidth: 8_000_000, delay: .milliseconds(20), loss: loss)
    }

    @Test(arguments: [61, 62] as [UInt64])
    func lossIsRepairedByRetransmissionOnItsOwnStream(seed: UInt64) {
        var scenario = EdgeScenario(bitrates: [800_000], conditions: Self.lossy(.independent(0.1)), seed: seed)
        scenario.run(for: .seconds(10))
        let end = scenario.now
        #expect(scenario.model.repaired > 50)
        #expect(scenario.reusedNumbers == 0)
        #expect(scenario.model.wrongFrames == 0)
        #expect(scenario.model.longestFreeze(from: end.advanced(by: .seconds(-8)), to: end) < .milliseconds(600))
        #expect(scenario.model.decoded.count > 250)
    }

    @Test func burstsAreRepairedToo() {
        let bursts = GilbertElliott(becomesBad: 0.01, becomesGood: 0.25)
        var scenario = EdgeScenario(bitrates: [800_000], conditions: Self.lossy(.bursts(bursts)), seed: 63)
        scenario.run(for: .seconds(10))
        let end = scenario.now
        #expect(scenario.model.longestFreeze(from: end.advanced(by: .seconds(-8)), to: end) < .milliseconds(600))
        #expect(scenario.model.wrongFrames == 0)
    }

    @Test func withoutAStreamOfItsOwnTheSamePacketIsSentAgainByteForByte() {
        var scenario = EdgeScenario(bitrates: [800_000], conditions: Self.lossy(.independent(0.05)), seed: 64) { _, video in
            video.retransmission = nil
        }
        // One layer: what is repeated must not depend on the choice of layers.
        scenario.viewer.limit(to: .none)
        scenario.run(for: .seconds(5))
        #expect(scenario.reusedNumbers == 0)
    }

    @Test func reorderAndDuplicationOnTheWayCauseNoFreeze() {
        let conditions = LinkConditions(bandwidth: 8_000_000, jitter: .milliseconds(10)).reordering(0.03).duplicating(0.02)
        var scenario = EdgeScenario(bitrates: [800_000], conditions: conditions, seed: 65)
        scenario.run(for: .seconds(6))
        let end = scenario.now
        #expect(scenario.model.longestFreeze(from: end.advanced(by: .seconds(-5)), to: end) < .milliseconds(200))
        #expect(scenario.model.undecodable == 0)
    }

    @Test func aFloodOfRequestsCostsNoMoreThanTheBudget() {
        var scenario = EdgeScenario(bitrates: [800_000], seed: 66)
        scenario.run(for: .seconds(2))
        let before = scenario.viewer.statistics
        let media = scenario.sentBytes
        for _ in 0..<500 {
            let newest = UInt16(truncatingIfNeeded: scenario.model.received[0].keys.max() ?? 0)
            scenario.receive(Self.nack(from: newest &- 300, count: 300))
            scenario.run(for: .milliseconds(2))
        }
        let after = scenario.viewer.statistics
        let again = after.tracks[1].bytes - before.tracks[1].bytes
        #expect(after.tracks[1].requestedAgain - before.tracks[1].requestedAgain == 150_000)
        #expect(scenario.sentBytes - media < 1_000_000, "one second of 800 kbit/s and the budget")
        #expect(again > 0)
        #expect(after.tracks[1].retransmissions - before.tracks[1].retransmissions < 1000)
    }

    @Test func requestsForWhatWasNeverSentAreRefused() {
        var scenario = EdgeScenario(bitrates: [800_000], seed: 67)
        scenario.run(for: .seconds(1))
        let before = scenario.viewer.statistics.tracks[1]
        let newest = UInt16(truncatingIfNeeded: scenario.model.received[0].keys.max() ?? 0)
        scenario.receive(Self.nack(from: newest &+ 100, count: 40))
        scenario.receive(Self.nack(from: newest &+ 32_000, count: 40))
        scenario.run(for: .milliseconds(100))
        let after = scenario.viewer.statistics.tracks[1]
        #expect(after.retransmissions == before.retransmissions)
        #expect(after.notHeld - before.notHeld == 80)
    }

    @Test func aPacketIsSentAgainAtMostOnceARoundTripAndEightTimes() {
        var queue = RetransmissionQueue()
        var answered: [Int64] = []
        for millisecond in Int64(0)..<2000 {
            queue.request(7, roundTrip: 50_000_000, now: millisecond * 1_000_000)
            if queue.next() != nil { answered.append(millisecond) }
        }
        #expect(answered == [0, 50, 100, 150, 200, 250, 300, 350])
        #expect(queue.refused == 1992)
    }

    static func nack(from first: UInt16, count: UInt16) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 1400)
        let size = bytes.withUnsafeMutableBytes { buffer in
            var writer = RTCPWriter(buffer)
            _ = writer.appendNack(sender: 1, media: EdgeScenario.videoSSRC, lost: first)
            for offset in 1..<count { _ = writer.appendLost(first &+ offset) }
            return writer.count
        }
        return Array(bytes.prefix(size))
    }
}
