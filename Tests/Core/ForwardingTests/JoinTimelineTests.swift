import Forwarding
import RTP
import Testing

@Suite struct JoinTimelineTests {
    @Test(arguments: [UInt32(1_000_000), 0, 5000, .max])
    func aTwoSecondGOPIsPressedIntoSixtyThreeMilliseconds(anchor: UInt32) {
        let timeline = JoinTimeline(anchor: anchor)
        let sent = (0...60).map { timeline.compress(anchor &- UInt32(60 - $0) * 3000) }
        let steps = zip(sent, sent.dropFirst()).map { TimestampUnwrapper.distance(from: $0, to: $1) }
        #expect(steps.allSatisfy { (93...94).contains($0) }, "one millisecond a frame")
        #expect(TimestampUnwrapper.distance(from: sent[0], to: anchor) == 5625, "62.5 ms")
        #expect(sent.last == anchor)
    }

    @Test func liveTimestampsStay() {
        let timeline = JoinTimeline(anchor: .max)
        #expect(timeline.compress(.max) == .max)
        #expect(timeline.compress(2999) == 2999)
    }
}
