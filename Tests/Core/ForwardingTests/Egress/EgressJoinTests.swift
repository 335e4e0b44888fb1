import BridgeModel
import NetworkTesting
import RTP
import Testing

@testable import Forwarding

/// The first picture, the pace, and what a viewer costs.
@Suite struct EgressJoinTests {
    @Test func anOldGOPOfAPublisherThatDoesNotListenIsShownAtOnce() throws {
        var scenario = EdgeScenario(bitrates: [1_000_000], seed: 81, warmUp: .seconds(9)) { publisher, _ in
            publisher.keyframeEvery = .seconds(10)
            publisher.listens = false
        }
        let joined = scenario.now
        scenario.run(for: .milliseconds(120))
        let first = try #require(scenario.model.decoded.first)
        #expect(first.content.isKeyframe)
        #expect(first.shownAt.duration(since: joined) < .milliseconds(60))
        scenario.run(for: .seconds(3))
        let frames = scenario.model.frames
        // All of the GOP is due within a third of a second, and live frames keep their distance.
        let cached = frames.filter { $0.shownAt.duration(since: joined) < .milliseconds(400) }
        let span = TimestampUnwrapper.distance(from: first.first.timestamp, to: cached[cached.count - 1].first.timestamp)
        #expect(span < 90_000, "\(span) ticks for nine seconds")
        let live = frames.suffix(30)
        for (earlier, later) in zip(live, live.dropFirst()) {
            let step = TimestampUnwrapper.distance(from: earlier.first.timestamp, to: later.first.timestamp)
            #expect((2990...3010).contains(step))
        }
        #expect(scenario.model.undecodable == 0)
    }

    @Test func ampleBandwidthAddsNoDelay() {
        var scenario = EdgeScenario(bitrates: [2_000_000], conditions: LinkConditions(delay: .zero), seed: 82)
        scenario.run(for: .seconds(4))
        let late = scenario.model.decoded.suffix(60).filter { frame in
            let captured = Double(frame.content.captured) / 90_000
            let shown = Double(frame.shownAt.nanoseconds - 10_000_000_000) / 1e9
            return shown - captured > 0.0015
        }
        #expect(late.isEmpty, "\(late.count) of 60 frames wait for more than a step of the clock")
    }

    @Test func aKeyframeIsSpreadAndAnOrdinaryFrameIsNot() {
        var pacer = EgressPacer(rate: .kilobits(5000))
        var now: Int64 = 1_000_000_000
        var atOnce = 0
        while pacer.isOpen(now: now) {
            pacer.sent(1200, now: now)
            atOnce += 1
        }
        #expect(atOnce == 13, "a burst of 14,400 bytes, and the packet that closes it")
        var departures: [Int64] = []
        for _ in 0..<50 {
            now = max(now, pacer.opensAt)
            #expect(pacer.isOpen(now: now))
            pacer.sent(1200, now: now)
            departures.append(now)
        }
        let span = departures[departures.count - 1] - departures[0]
        #expect(abs(span - 49 * 1_920_000) < 10_000, "1,200 bytes at 5 Mbit/s are 1.92 ms")
    }

    /// Else what left while the path seemed narrow would close it for seconds after it was found to be wide.
    @Test func aPathThatIsFoundToBeWiderIsFreeSooner() {
        var pacer = EgressPacer(rate: .kilobits(30))
        let now: Int64 = 1_000_000_000
        for _ in 0..<12 { pacer.sent(1200, now: now) }
        pacer.pace(at: .kilobits(3000), now: now)
        #expect(pacer.isOpen(now: now), "14,400 bytes are one burst at any rate")
        pacer.sent(1200, now: now)
        #expect(abs(pacer.opensAt - now - 3_200_000) < 10_000, "1,200 bytes at 3 Mbit/s are 3.2 ms, not 320")
        pacer.pace(at: .kilobits(60), now: now)
        #expect(pacer.opensAt <= now, "at a lower rate nothing takes longer than it was to take")
        pacer.pace(at: .kilobits(6000), isProbing: true, now: now)
        #expect(pacer.isOpen(now: now), "a probe measures the path from now on")
    }

    @Test func aViewerTakesLittleMemory() {
        var scenario = EdgeScenario(bitrates: [2_000_000], seed: 83)
        scenario.run(for: .seconds(10))
        #expect(scenario.viewer.byteCount < 4096, "\(scenario.viewer.byteCount) bytes")
        #expect(scenario.largestHeader <= 40)
    }

    @Test func aViewerWithoutFeedbackGetsEverything() {
        var scenario = EdgeScenario(bitrates: [3_000_000], seed: 84) { _, video in video.extensions = ExtensionMap() }
        scenario.run(for: .seconds(5))
        let end = scenario.now
        #expect(scenario.viewer.statistics.dropped == 0)
        #expect(scenario.model.longestFreeze(from: end.advanced(by: .seconds(-4)), to: end) < .milliseconds(60))
    }

    @Test func garbageFromAViewerChangesNothing() {
        var scenario = EdgeScenario(bitrates: [500_000], seed: 85)
        scenario.run(for: .seconds(1))
        var random = SeededRandom(seed: 86)
        for _ in 0..<3000 {
            var bytes = (0..<Int.random(in: 0...120, using: &random)).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            if bytes.count >= 12, random.happens(0.9) {
                let words = bytes.count / 4 - 1
                let head: [UInt8] = [0x80 | bytes[0] & 0x1F, [200, 201, 205, 206][Int(bytes[1] % 4)], 0, UInt8(words)]
                bytes.replaceSubrange(0..<4, with: head)
                bytes.replaceSubrange(8..<12, with: [0, 0, 0x11, 0x11])
                bytes.removeLast(bytes.count % 4)
            }
            scenario.receive(bytes)
            scenario.pump()
        }
        let from = scenario.now
        scenario.run(for: .seconds(1))
        #expect(scenario.model.longestFreeze(from: from, to: scenario.now) < .seconds(1))
        #expect(scenario.reusedNumbers == 0)
    }

    @Test func aTrackWithoutEncodingsGetsNothing() {
        var scenario = EdgeScenario(bitrates: [500_000], seed: 87) { _, video in video.encodings = [] }
        scenario.run(for: .seconds(1))
        #expect(scenario.viewer.statistics.tracks.count == 1)
        #expect(scenario.model.received[0].isEmpty)
        #expect(scenario.model.received[1].count > 40)
    }

    @Test func aViewersClockThatLeapsOnAndOnDoesNotOverflow() {
        var clock = FeedbackClock()
        var latest: Int64 = 0
        for step in 0..<5000 { latest = max(latest, clock.unwrap(Int32(truncatingIfNeeded: step * ((1 << 23) - 1)))) }
        #expect(latest > 0)
        #expect(!latest.multipliedReportingOverflow(by: FeedbackClock.tick).overflow)
    }

    @Test func feedbackTimesGoOnOverTheirWrap() {
        var clock = FeedbackClock()
        let range = Int32(1) << 24
        let before = clock.unwrap(range - 2)
        #expect(clock.unwrap(-1) - before == 256)
        #expect(clock.unwrap(3) - before == 5 * 256)
        #expect(clock.unwrap(range - 1) - before == 256, "an older one stays older")
    }
}
