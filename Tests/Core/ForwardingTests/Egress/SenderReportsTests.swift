import BridgeModel
import NetworkTesting
import RTP
import Testing

@testable import Forwarding

@Suite struct SenderReportsTests {
    @Test func reportsCarryThePublishersClockAndOurCounts() throws {
        var scenario = EdgeScenario(bitrates: [300_000], seed: 91)
        scenario.run(for: .seconds(3))
        let reports = scenario.model.reports.filter { $0.ssrc == EdgeScenario.videoSSRC }
        #expect((3...4).contains(reports.count), "one a second, the first at once: \(reports.count)")
        let last = try #require(reports.last)
        // The publisher's clock began with 3,900,000,000 s when its captures began with 0.
        let seconds = Double(last.ntp >> 32) - 3_900_000_000 + Double(last.ntp & 0xFFFF_FFFF) / 4_294_967_296
        let frame = try #require(scenario.model.frames.last)
        let captured = Double(frame.content.captured) / 90_000
        let reported = Double(TimestampUnwrapper.distance(from: frame.first.timestamp, to: last.rtp)) / 90_000
        #expect(abs(captured + reported - seconds) < 0.001)
        let statistics = scenario.viewer.statistics.tracks[1]
        #expect(UInt64(last.packetCount) <= statistics.packets)
        #expect(UInt64(last.octetCount) <= statistics.payloadBytes)
        #expect(last.packetCount > 50)
    }

    @Test func aPublisherWithoutReportsIsNotGuessedAbout() {
        var scenario = EdgeScenario(bitrates: [300_000], seed: 92) { publisher, _ in publisher.sendsReports = false }
        scenario.run(for: .seconds(2))
        #expect(scenario.model.reports.isEmpty)
        #expect(scenario.model.decoded.count > 50)
    }

    @Test func theRoundTripIsThatOfTheNetwork() {
        var scenario = EdgeScenario(bitrates: [300_000], conditions: LinkConditions(delay: .milliseconds(70)), seed: 93)
        scenario.run(for: .seconds(20))
        let roundTrip = Double(scenario.viewer.statistics.roundTrip) / 1e6
        #expect((135...160).contains(roundTrip), "\(roundTrip) ms of 140")
    }

    @Test func aReportThatNamesNoneOfOursTellsNothing() {
        let reports = SenderReports()
        var block = ReportBlock(ssrc: 1)
        block.lastSenderReport = 7
        #expect(reports.roundTrip(block, now: MonotonicTime(nanoseconds: 1)) == nil)
    }
}
