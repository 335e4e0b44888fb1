import BridgeModel
import Forwarding
import RTP
import Testing

@Suite struct PacketMungerTests {
    private func header(_ sequence: UInt16, _ timestamp: UInt32, ssrc: UInt32 = 1, payloadType: UInt8 = 96) -> RTPHeader {
        RTPHeader(payloadType: payloadType, sequence: sequence, timestamp: timestamp, ssrc: ssrc)
    }

    private func time(_ milliseconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }

    @Test func theFirstSourceKeepsItsNumbers() {
        var munger = PacketMunger(clockRate: 90_000, payloadType: 96)
        #expect(munger.munge(header(7, 70), of: PacketMunger.Source(epoch: 0), arrival: time(0)) == header(7, 70))
    }

    @Test func aReplacedSourceGoesOnWhereTheLastOneStopped() {
        var munger = PacketMunger(clockRate: 90_000, payloadType: 96)
        _ = munger.munge(header(65_535, .max), of: PacketMunger.Source(epoch: 0), arrival: time(0))
        let next = munger.munge(header(500, 77, ssrc: 9, payloadType: 100), of: PacketMunger.Source(epoch: 1), arrival: time(100))
        // 100 ms at 90 kHz after the highest timestamp, over both wraps.
        #expect(next == header(0, 8999))
        #expect(munger.munge(header(501, 77 + 3000, ssrc: 9), of: PacketMunger.Source(epoch: 1), arrival: time(133)) == header(1, 11_999))
    }

    @Test func twoSourcesInOneInstantStillDifferByAMillisecond() {
        var munger = PacketMunger(clockRate: 90_000, payloadType: 96)
        _ = munger.munge(header(1, 10), of: PacketMunger.Source(epoch: 0), arrival: time(5))
        #expect(munger.munge(header(1, 10, ssrc: 2), of: PacketMunger.Source(epoch: 1), arrival: time(5)) == header(2, 100))
    }

    @Test func gapsOfTheSourceStayAndGapsOfTheHubAreClosed() {
        var munger = PacketMunger(clockRate: 90_000, payloadType: 96)
        _ = munger.munge(header(10, 0), of: PacketMunger.Source(epoch: 0), arrival: time(0))
        #expect(munger.munge(header(13, 1), of: PacketMunger.Source(epoch: 0), arrival: time(1))?.sequence == 13)
        munger.resynchronize()
        #expect(munger.munge(header(50, 2), of: PacketMunger.Source(epoch: 0), arrival: time(2))?.sequence == 14)
        #expect(munger.munge(header(51, 3), of: PacketMunger.Source(epoch: 0), arrival: time(3))?.sequence == 15)
    }

    @Test func latePacketsPassUnlessTheirPlaceIsTaken() {
        var munger = PacketMunger(clockRate: 90_000, payloadType: 96)
        _ = munger.munge(header(10, 0), of: PacketMunger.Source(epoch: 0), arrival: time(0))
        _ = munger.munge(header(12, 0), of: PacketMunger.Source(epoch: 0), arrival: time(0))
        #expect(munger.munge(header(11, 0), of: PacketMunger.Source(epoch: 0), arrival: time(0))?.sequence == 11)
        #expect(munger.munge(header(9, 0), of: PacketMunger.Source(epoch: 0), arrival: time(0)) == nil, "from before the start")
        munger.resynchronize()
        _ = munger.munge(header(20, 0), of: PacketMunger.Source(epoch: 0), arrival: time(0))
        #expect(munger.munge(header(19, 0), of: PacketMunger.Source(epoch: 0), arrival: time(0)) == nil, "from inside the closed gap")
    }

    @Test func aLongStreamNeverOutrunsItsFloor() {
        var munger = PacketMunger(clockRate: 90_000, payloadType: 96)
        let mapped = (0..<200_000).count { number in
            munger.munge(header(UInt16(truncatingIfNeeded: number), 0), of: PacketMunger.Source(epoch: 0), arrival: time(0)) != nil
        }
        #expect(mapped == 200_000)
    }

    @Test func reportsMoveWithTheTimestamps() {
        var munger = PacketMunger(clockRate: 90_000, payloadType: 96)
        _ = munger.munge(header(1, 1000), of: PacketMunger.Source(epoch: 0), arrival: time(0))
        _ = munger.munge(header(1, 5000, ssrc: 2), of: PacketMunger.Source(epoch: 1), arrival: time(0))
        let report = munger.munge(SenderReportView(ssrc: 2, ntp: 42, rtp: 6000))
        #expect(report == SenderReportView(ssrc: 1, ntp: 42, rtp: 2090))
    }
}
