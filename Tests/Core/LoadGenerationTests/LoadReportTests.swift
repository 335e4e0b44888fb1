import BridgeModel
import LoadGeneration
import Testing

@Suite struct LoadReportTests {
    /// A hundred viewers: 90 joined after 1...90 ms, 4 were refused, 6 failed; each received 990 of 1000 packets.
    private var report: LoadReport {
        var tally = LoadTally()
        (tally.publishers.attempted, tally.publishers.joined) = (1, 1)
        (tally.viewers.attempted, tally.viewers.joined) = (100, 90)
        for _ in 0..<4 { tally.viewers.fail(.refused(retryAfter: 5)) }
        for _ in 0..<5 { tally.viewers.fail(.status(401)) }
        tally.viewers.fail(.noMedia)
        tally.joinSpan = .seconds(2)
        var counters = ViewerCounters()
        (counters.packets, counters.expected, counters.stamped, counters.bytes) = (990, 1000, 990, 990_000)
        for index in 1...90 {
            var milestones = JoinMilestones()
            milestones.firstPacket = .milliseconds(index)
            tally.endViewer(PeerRecord(milestones: milestones, counters: counters, ending: index == 90 ? .consentLost : nil))
        }
        var latency = DurationHistogram()
        for index in 1...100 { latency.add(.microseconds(index * 100)) }
        let viewers = (0..<90).map { _ in WindowTally.Viewer(stream: 0, counters: counters) }
        let window = WindowTally(length: .seconds(5), viewers: viewers, published: [1000], latency: latency, processor: .seconds(1))
        return LoadReport(
            scenario: LoadScenario(kind: .steady, publishers: 1, viewers: 100), tally: tally, window: window, elapsed: .seconds(9),
            wasStopped: false)
    }

    @Test func theJSONSaysWhatWasCounted() throws {
        let json = try JSONValue.read(Array(report.json.text.utf8))
        let viewers = try #require(json["viewers"])
        #expect(viewers["joined"]?.integer == 90 && viewers["refused"]?.integer == 4 && viewers["failed"]?.integer == 6)
        #expect(viewers["failures"] == ["http_401": 5, "no_media": 1] && viewers["ended_early"] == ["consent_lost": 1])
        #expect(json["joins_per_second"]?.integer == 45)
        #expect(json["window"]?["rate_ratio"] == .number(0.99) && json["loss_percent"] == .number(1))
        #expect(json["window"]?["generator_cpu_percent"]?.integer == 20)
        guard case .number(let p50)? = json["join_ms"]?["first_packet"]?["p50"],
            case .number(let p99)? = json["window"]?["latency_ms"]?["p99"]
        else {
            Issue.record("no percentiles in \(report.json.text)")
            return
        }
        #expect(abs(p50 - 45) < 1.5 && abs(p99 - 9.9) < 0.3)
        #expect(json["join_ms"]?["keyframe"]?.isNull == true)
    }

    @Test func theTextNamesReasonsWithWhatToDo() {
        let text = report.text
        #expect(text.contains("90 of 100 joined, 4 refused, 6 failed, 1 ended early"))
        #expect(text.contains("5 failed: http_401: the token is missing"))
        #expect(text.contains("1 ended: consent_lost"))
        #expect(text.contains("rate ratio    0.9900, the least 0.9900"))
    }

    @Test func aStreamWithoutStampsIsHeldAgainstItsBestViewer() {
        var (best, worse) = (ViewerCounters(), ViewerCounters())
        (best.packets, worse.packets) = (1000, 900)
        let window = WindowTally(
            length: .seconds(1), viewers: [.init(stream: 0, counters: best), .init(stream: 0, counters: worse)], published: [0],
            latency: DurationHistogram(), processor: .zero)
        #expect(window.rateRatios?.mean == 0.95 && window.rateRatios?.least == 0.9)
    }

    @Test func expectationsThatAreKeptAreNotMissed() {
        var expectations = LoadExpectations()
        expectations.rateRatio = 0.98
        expectations.lossPercent = 1.5
        expectations.joinP95 = .milliseconds(95)
        expectations.latencyP99 = .milliseconds(11)
        expectations.failures = 7
        expectations.refusals = 4
        expectations.joinsPerSecond = 45
        #expect(expectations.misses(in: report) == [])
    }

    @Test func eachMissedExpectationIsNamed() {
        var expectations = LoadExpectations()
        expectations.rateRatio = 0.998
        expectations.lossPercent = 0.5
        expectations.joinP95 = .milliseconds(50)
        expectations.latencyP99 = .milliseconds(1)
        expectations.failures = 6
        expectations.refusals = 3
        expectations.joinsPerSecond = 46
        let misses = expectations.misses(in: report)
        #expect(misses.count == 7, "\(misses)")
        #expect(misses.first == "the rate ratio is 0.9900, expected at least 0.9980")
    }

    @Test func whatWasNotMeasuredIsMissed() {
        var expectations = LoadExpectations()
        expectations.rateRatio = 0.5
        var unmeasured = report
        unmeasured.window = nil
        #expect(expectations.misses(in: unmeasured) == ["the rate ratio was not measured"])
    }

    @Test func aRunInWhichNobodyJoinsIsNoSuccess() {
        var tally = LoadTally()
        tally.viewers.attempted = 3
        for _ in 0..<3 { tally.viewers.fail(.status(401)) }
        let report = LoadReport(
            scenario: LoadScenario(kind: .storm, publishers: 0, viewers: 3), tally: tally, window: nil, elapsed: .seconds(1),
            wasStopped: false)
        #expect(LoadExpectations().misses(in: report) == ["no viewer joined"])
    }
}
