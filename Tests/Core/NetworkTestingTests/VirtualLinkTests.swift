import BridgeModel
import NetworkTesting
import Testing

@Suite struct VirtualLinkTests {
    private let start = MonotonicTime(nanoseconds: 1_000_000_000)

    /// Sends `count` numbered datagrams, one each millisecond, and takes what arrives within ten more seconds.
    private func play(
        _ conditions: LinkConditions, seed: UInt64 = 1, count: Int = 10_000, size: Int = 1000
    ) -> (arrivals: [VirtualLink<Int>.Arrival], counters: VirtualLink<Int>.Counters) {
        var link = VirtualLink<Int>(conditions, seed: seed)
        var arrivals: [VirtualLink<Int>.Arrival] = []
        for number in 0..<count {
            let now = start.advanced(by: .milliseconds(number))
            link.send(number, size: size, now: now)
            while let arrival = link.receive(now: now) { arrivals.append(arrival) }
        }
        while let arrival = link.receive(now: start.advanced(by: .milliseconds(count + 10_000))) { arrivals.append(arrival) }
        return (arrivals, link.counters)
    }

    @Test func anIdealLinkDeliversAllInOrderAfterItsDelay() {
        let (arrivals, _) = play(LinkConditions(delay: .milliseconds(30)), count: 100)
        #expect(arrivals.map(\.payload) == Array(0..<100))
        #expect(arrivals.enumerated().allSatisfy { $0.element.time == start.advanced(by: .milliseconds($0.offset + 30)) })
    }

    @Test func theSameSeedPlaysTheSameNetwork() {
        let conditions = LinkConditions(jitter: .milliseconds(9), loss: .independent(0.1)).reordering(0.05).duplicating(0.02)
        let first = play(conditions, seed: 5).arrivals.map(\.time)
        #expect(first == play(conditions, seed: 5).arrivals.map(\.time))
        #expect(first != play(conditions, seed: 6).arrivals.map(\.time))
    }

    @Test func theBottleneckPassesItsBandwidthAndDropsWhatItsQueueCannotHold() {
        // 8 Mbit/s offered to 4 Mbit/s for ten seconds.
        let (arrivals, counters) = play(LinkConditions(bandwidth: 4_000_000, queueBytes: 50_000))
        #expect(abs(arrivals.count - 5_050) < 10)
        #expect(counters.overflowed == 10_000 - arrivals.count)
        let middle = arrivals[arrivals.count / 2]
        let delay = middle.time.duration(since: start.advanced(by: .milliseconds(middle.payload)))
        #expect(delay > .milliseconds(110) && delay <= .milliseconds(125))
    }

    @Test func aChangeOfBandwidthHoldsForWhatWaits() {
        var link = VirtualLink<Int>(LinkConditions(bandwidth: 8_000, delay: .zero), seed: 1)
        for number in 0..<3 { link.send(number, size: 1000, now: start) }
        #expect(link.receive(now: start.advanced(by: .milliseconds(1000)))?.payload == 0)
        link.change(LinkConditions(bandwidth: 80_000, delay: .zero), now: start.advanced(by: .milliseconds(1000)))
        #expect(link.nextEvent == start.advanced(by: .milliseconds(1100)))
        #expect(link.queueingDelay(now: start.advanced(by: .milliseconds(1000))) == .milliseconds(200))
        #expect(link.receive(now: start.advanced(by: .milliseconds(1100)))?.payload == 1)
        #expect(link.receive(now: start.advanced(by: .milliseconds(1199))) == nil)
    }

    @Test func independentLossHasItsRate() {
        let (arrivals, counters) = play(LinkConditions(loss: .independent(0.1)))
        #expect(abs(counters.lost - 1000) < 100)
        #expect(arrivals.count + counters.lost == 10_000)
    }

    @Test func burstsHaveTheirRateAndLength() {
        let model = GilbertElliott(becomesBad: 0.01, becomesGood: 0.2)
        let (arrivals, counters) = play(LinkConditions(loss: .bursts(model)), count: 50_000)
        #expect(abs(Double(counters.lost) / 50_000 - model.meanLoss) < 0.01)
        let bursts = zip(arrivals, arrivals.dropFirst()).map { $1.payload - $0.payload - 1 }.filter { $0 > 0 }
        let mean = Double(bursts.reduce(0, +)) / Double(bursts.count)
        #expect(abs(mean - 5) < 1)
    }

    @Test func jitterAloneNeverReorders() {
        let (arrivals, _) = play(LinkConditions(jitter: .milliseconds(50)))
        #expect(zip(arrivals, arrivals.dropFirst()).allSatisfy { $0.payload < $1.payload && $0.time <= $1.time })
    }

    @Test func reorderingAndDuplicationHaveTheirRates() {
        let (arrivals, counters) = play(LinkConditions().reordering(0.1).duplicating(0.05))
        let overtaken = zip(arrivals, arrivals.dropFirst()).filter { $0.payload > $1.payload }.count
        #expect(overtaken > 500)
        #expect(abs(counters.duplicated - 500) < 80)
        #expect(arrivals.count == 10_000 + counters.duplicated)
    }
}
