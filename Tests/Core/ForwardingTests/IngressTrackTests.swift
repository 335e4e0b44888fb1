import BridgeModel
import Forwarding
import RTP
import Testing

@Suite struct IngressTrackTests {
    private func accept(
        _ track: inout IngressTrack, sequence: UInt16, timestamp: UInt32, ssrc: UInt32 = 1, payloadType: UInt8 = 96,
        at milliseconds: UInt64,
        payload: [UInt8] = [0x10, 0x01]
    ) -> IngressTrack.Acceptance? {
        let header = RTPHeader(payloadType: payloadType, sequence: sequence, timestamp: timestamp, ssrc: ssrc)
        var bytes = [UInt8](repeating: 0, count: 12) + payload
        bytes.withUnsafeMutableBytes { header.write(to: $0) }
        return bytes.withUnsafeBytes { buffer in
            RTPPacketView(reading: buffer).flatMap {
                track.accept($0, arrival: MonotonicTime(nanoseconds: milliseconds * 1_000_000))
            }
        }
    }

    @Test func packetsBytesLossAndKeyframesAreCounted() {
        var track = IngressTrack(SyntheticStream.video)
        _ = accept(&track, sequence: 65_535, timestamp: 0, at: 0, payload: [0x10, 0, 0, 0, 0x9D, 0x01, 0x2A])
        _ = accept(&track, sequence: 2, timestamp: 3000, at: 33)
        #expect(track.statistics.lost == 2)
        _ = accept(&track, sequence: 1, timestamp: 3000, at: 34)
        #expect(track.statistics.lost == 1)
        #expect(track.statistics.packets == 3)
        #expect(track.statistics.bytes == 19 + 14 + 14)
        #expect(track.statistics.keyframes == 1)
        #expect(track.statistics.lastPacketAt == MonotonicTime(nanoseconds: 34_000_000))
    }

    @Test func anotherPayloadTypeIsRefused() {
        var track = IngressTrack(SyntheticStream.video)
        #expect(accept(&track, sequence: 1, timestamp: 0, payloadType: 97, at: 0) == nil)
        #expect(track.statistics.packets == 0)
    }

    @Test func aPayloadThatIsNotUnderstoodPasses() {
        var track = IngressTrack(SyntheticStream.video)
        #expect(accept(&track, sequence: 1, timestamp: 0, at: 0, payload: []) != nil)
        #expect(track.statistics.keyframes == 0)
    }

    struct Step: CustomTestStringConvertible {
        var what: String
        var sequence: UInt16
        var timestamp: UInt32
        var ssrc: UInt32 = 1
        var milliseconds: UInt64
        var beginsEpoch: Bool
        var testDescription: String { what }
    }

    /// Each follows a packet with sequence number 1000 and timestamp 900,000 at 10 s.
    static let steps = [
        Step(what: "the next frame", sequence: 1001, timestamp: 903_000, milliseconds: 10_033, beginsEpoch: false),
        Step(what: "a burst of loss", sequence: 3000, timestamp: 990_000, milliseconds: 11_000, beginsEpoch: false),
        Step(what: "a late packet", sequence: 990, timestamp: 897_000, milliseconds: 10_010, beginsEpoch: false),
        Step(what: "a pause of a minute", sequence: 1001, timestamp: 6_300_000, milliseconds: 70_000, beginsEpoch: false),
        Step(what: "another SSRC", sequence: 1001, timestamp: 903_000, ssrc: 2, milliseconds: 10_033, beginsEpoch: true),
        Step(what: "a leap of sequence numbers", sequence: 40_000, timestamp: 903_000, milliseconds: 10_033, beginsEpoch: true),
        Step(what: "sequence numbers far back", sequence: 61_000, timestamp: 903_000, milliseconds: 10_033, beginsEpoch: true),
        Step(what: "a leap of timestamps", sequence: 1001, timestamp: 1_500_000, milliseconds: 10_033, beginsEpoch: true),
        Step(what: "timestamps that went back", sequence: 1001, timestamp: 0, milliseconds: 10_033, beginsEpoch: true),
        Step(what: "a pause that the timestamps do not show", sequence: 1001, timestamp: 903_000, milliseconds: 16_000, beginsEpoch: true),
    ]

    @Test(arguments: steps) func aSourceThatWasResetBeginsAnEpoch(step: Step) throws {
        var track = IngressTrack(SyntheticStream.video)
        _ = accept(&track, sequence: 1000, timestamp: 900_000, at: 10_000)
        let accepted = try #require(
            accept(&track, sequence: step.sequence, timestamp: step.timestamp, ssrc: step.ssrc, at: step.milliseconds))
        #expect(accepted.beginsEpoch == step.beginsEpoch)
        #expect(track.epoch == (step.beginsEpoch ? 1 : 0))
    }

    @Test func aReportOfAnotherSourceIsNotTheTracks() {
        var track = IngressTrack(SyntheticStream.video)
        _ = accept(&track, sequence: 1, timestamp: 0, ssrc: 5, at: 0)
        #expect(track.accepts(SenderReportView(ssrc: 5, ntp: 0, rtp: 0)))
        #expect(!track.accepts(SenderReportView(ssrc: 6, ntp: 0, rtp: 0)))
    }
}
