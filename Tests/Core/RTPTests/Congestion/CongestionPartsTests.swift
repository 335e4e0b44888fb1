import BridgeModel
import NetworkTesting
import Testing

@testable import RTP

@Suite struct CongestionPartsTests {
    private static func time(_ milliseconds: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: UInt64(milliseconds * 1_000_000)) }

    @Test func aSentPacketIsAnsweredOnce() throws {
        var history = SentPacketHistory()
        let first = history.record(size: 1200, isProbe: false, now: Self.time(1000))
        let second = history.record(size: 300, isProbe: true, now: Self.time(1005))
        #expect(second == first &+ 1)
        let answered = history.acknowledge(second, now: Self.time(1100))
        let packet = try #require(answered)
        #expect(packet.size == 300)
        #expect(packet.isProbe)
        #expect(abs(packet.sentAt - 1_005_000_000) < 130_000)
        #expect(history.acknowledge(second, now: Self.time(1100)) == nil)
        #expect(history.reportLost(first, now: Self.time(1100)) != nil)
        #expect(history.reportLost(first, now: Self.time(1100)) == nil, "lost once")
        #expect(history.acknowledge(first, now: Self.time(1200))?.wasReportedLost == true, "it came after all")
        #expect(history.acknowledge(second &+ 1, now: Self.time(1200)) == nil, "never sent")
    }

    @Test func theHistoryGrowsOnlyWhileAnswersAreMissing() {
        var history = SentPacketHistory()
        for millisecond in Int64(0)..<3000 {
            let sequence = history.record(size: 1000, isProbe: false, now: Self.time(millisecond))
            if sequence >= 100 { _ = history.acknowledge(sequence &- 100, now: Self.time(millisecond)) }
        }
        let small = history.byteCount
        #expect(small <= 1024)
        for millisecond in Int64(3000)..<3400 { _ = history.record(size: 1000, isProbe: false, now: Self.time(millisecond)) }
        #expect(history.byteCount > small)
        for millisecond in Int64(3400)..<20_000 { _ = history.record(size: 1000, isProbe: false, now: Self.time(millisecond)) }
        #expect(history.byteCount <= 16_384, "it has a bound")
        var lossy = SentPacketHistory()
        for millisecond in Int64(0)..<3000 {
            let sequence = lossy.record(size: 1000, isProbe: false, now: Self.time(millisecond))
            if sequence >= 100 { _ = lossy.reportLost(sequence &- 100, now: Self.time(millisecond)) }
        }
        #expect(lossy.byteCount == small, "a loss that was told is an answer")
    }

    @Test func sequenceNumbersWrapInTheHistory() {
        var history = SentPacketHistory()
        for number in 0..<70_000 {
            let sequence = history.record(size: 1000, isProbe: false, now: Self.time(Int64(number)))
            #expect(sequence == UInt16(truncatingIfNeeded: number))
            #expect(history.acknowledge(sequence, now: Self.time(Int64(number) + 30))?.size == 1000)
        }
    }

    @Test func groupsTellHowMuchLongerTheWayBecame() {
        var groups = PacketGroups()
        #expect(groups.add(sent: 0, arrival: 100_000_000) == nil)
        #expect(groups.add(sent: 1_000_000, arrival: 101_000_000) == nil, "one burst")
        #expect(groups.add(sent: 20_000_000, arrival: 120_000_000) == nil, "only one is complete")
        #expect(groups.add(sent: 40_000_000, arrival: 145_000_000) == PacketGroups.Variation(delay: 0, arrival: 120_000_000))
        #expect(groups.add(sent: 60_000_000, arrival: 170_000_000) == PacketGroups.Variation(delay: 5_000_000, arrival: 145_000_000))
        #expect(groups.add(sent: 50_000_000, arrival: 171_000_000) == nil, "out of order")
    }

    @Test func aGrowingQueueIsOveruseAndNoiseIsNot() {
        var random = SeededRandom(seed: 1)
        #expect(Self.usage { Int64($0) * 2_000_000 } == .over)
        #expect(Self.usage { _ in 0 } == .normal)
        #expect(Self.usage { _ in Int64.random(in: 0...3_000_000, using: &random) } == .normal)
        #expect(Self.usage { 300_000_000 - Int64($0) * 5_000_000 } == .under)
    }

    /// The usage after 60 groups, 20 ms apart, each of which was underway for `delay` nanoseconds.
    private static func usage(_ delay: (Int) -> Int64) -> PathUsage {
        var groups = PacketGroups()
        var trend = DelayTrend()
        var detector = OveruseDetector()
        for number in 0..<60 {
            let sent = Int64(number) * 20_000_000
            guard let variation = groups.add(sent: sent, arrival: 1_000_000_000 + sent + delay(number)) else { continue }
            detector.update(slope: trend.add(variation), samples: trend.samples, time: variation.arrival)
        }
        return detector.usage
    }

    @Test func theAcknowledgedRateIsThatOfTheLastThird() {
        var rate = AcknowledgedRate()
        #expect(rate.flow == nil)
        for millisecond in Int64(0)..<1000 { rate.add(bytes: 125, sent: millisecond * 1_000_000, arrival: millisecond * 1_000_000) }
        #expect(rate.flow.map { abs($0.arrived.bitsPerSecond - 1_000_000) < 40_000 } ?? false)
        for millisecond in Int64(1000)..<1400 { rate.add(bytes: 25, sent: millisecond * 1_000_000, arrival: millisecond * 1_000_000) }
        #expect(rate.flow.map { abs($0.arrived.bitsPerSecond - 200_000) < 10_000 } ?? false)
        rate.add(bytes: 1000, sent: 0, arrival: 60_000_000_000)
        #expect(rate.flow == nil, "a silence begins anew")
    }

    @Test func aWayThatGetsLongerAtOnceIsNoQueue() throws {
        for leap in Int64(700)..<1000 {
            var rate = AcknowledgedRate()
            for millisecond in Int64(0)..<1000 {
                let way: Int64 = millisecond < leap ? 20_000_000 : 120_000_000
                rate.add(bytes: 125 / 2, sent: millisecond * 1_000_000 - way, arrival: millisecond * 1_000_000)
            }
            let flow = try #require(rate.flow)
            #expect(flow.sent < flow.arrived * 1.05, "\(leap): \(flow)")
        }
    }

    /// Each packet takes `longer` times its distance from the one before it.
    @Test(arguments: [(1.0, 500_000), (1.25, 625_000), (2.0, 1_000_000), (0.8, 400_000), (100.0, 10_000_000)])
    func whatArrivedIsComparedWithHowFastItLeft(longer: Double, expected: Int64) throws {
        var rate = AcknowledgedRate()
        for millisecond in Int64(0)..<1000 {
            let sent = 7_000_000_000 + Int64(Double(millisecond * 1_000_000) / longer)
            // Some are held up by something else, which is no queue.
            let held: Int64 = millisecond % 7 == 0 ? 15_000_000 : 0
            rate.add(bytes: 125 / 2, sent: sent - held, arrival: millisecond * 1_000_000)
        }
        let flow = try #require(rate.flow)
        #expect(abs(flow.arrived.bitsPerSecond - 496_000) < 10_000)
        #expect(abs(flow.sent.bitsPerSecond - expected) < expected / 20, "\(flow.sent) of \(expected)")
    }

    @Test func aProbeShowsTheBottleneck() throws {
        func probe(spacing: Int64) -> Bitrate? {
            var cluster = ProbeCluster(target: .kilobits(4000), now: 0)
            for number in Int64(0)..<10 {
                cluster.sent(size: 1200)
                let packet = SentPacketHistory.Packet(sentAt: number * 2_400_000, size: 1200, isProbe: true, wasReportedLost: false)
                cluster.arrived(packet, arrival: 7_000_000_000 + number * spacing)
            }
            return cluster.result
        }
        let free = try #require(probe(spacing: 2_400_000))
        #expect(abs(free.bitsPerSecond - 4_000_000) < 50_000)
        let narrow = try #require(probe(spacing: 4_800_000))
        #expect(abs(narrow.bitsPerSecond - 1_900_000) < 50_000)
        #expect(probe(spacing: 500_000) == nil, "the receiver was held up")
    }
}
