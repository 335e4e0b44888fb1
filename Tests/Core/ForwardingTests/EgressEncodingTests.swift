import BridgeModel
import Forwarding
import RTP
import Testing

/// A sink of a simulcast track: one encoding after the other, as one stream.
@Suite struct EgressEncodingTests {
    /// Frames of both encodings, 33 ms each; the keyframes are those of the first frame.
    private static func run(
        _ stream: inout SyntheticStream, frames: Int, large: Bool = true, small: Bool = true, keyframe: Set<UInt8> = []
    ) {
        for frame in 0..<frames {
            if large { stream.sendFrame(keyframe: frame == 0 && keyframe.contains(0), packets: 3, track: 0) }
            if small { stream.sendFrame(keyframe: frame == 0 && keyframe.contains(2), track: 2) }
            stream.sendAudio()
            stream.advance(.milliseconds(33))
        }
    }

    private static func recorder(_ stream: borrowing SyntheticStream) -> EgressTrack {
        EgressTrack(SyntheticStream.video, .recorded(since: MonotonicTime(nanoseconds: 0)), stream)
    }

    /// The encodings of packets, by the SSRC that their source sent.
    private static func tracks(_ packets: [EgressTrack.Packet], in stream: borrowing SyntheticStream) -> [UInt8] {
        var tracks: [UInt8] = []
        for packet in packets { tracks.append(stream.cache[packet.index].track) }
        return tracks
    }

    @Test func itMovesAtTheKeyframeAndNothingIsMissing() {
        var stream = SyntheticStream()
        Self.run(&stream, frames: 5, keyframe: [0, 2])
        var sink = Self.recorder(stream)
        var packets = sink.drain(stream)
        sink.aim(at: 2, in: stream.cache)
        #expect(sink.wantedKeyframe == 2 && !sink.awaitsKeyframe)
        Self.run(&stream, frames: 4)
        packets += sink.drain(stream)
        Self.run(&stream, frames: 3, keyframe: [2])
        packets += sink.drain(stream)
        #expect(Self.tracks(packets, in: stream) == [UInt8](repeating: 0, count: 30) + [2, 2, 2])
        #expect(sink.wantedKeyframe == nil && sink.flowingEncoding == 2)
        #expect(packets.isContinuous && packets.hasRisingTimestamps)
        #expect(Set(packets.map(\.header.ssrc)).count == 1)
        #expect(!packets.contains(where: \.isDiscontinuity) && sink.dropped == 0)
        let step = TimestampUnwrapper.distance(from: packets[29].header.timestamp, to: packets[30].header.timestamp)
        #expect(step <= 90, "the same moment as the large frame: \(step) ticks")
    }

    @Test func anEncodingThatStoppedLeavesAGapOfItsLength() {
        var stream = SyntheticStream()
        Self.run(&stream, frames: 5, keyframe: [0, 2])
        var sink = Self.recorder(stream)
        var packets = sink.drain(stream)
        Self.run(&stream, frames: 20, large: false)
        packets += sink.drain(stream)
        sink.aim(at: 2, in: stream.cache)
        Self.run(&stream, frames: 2, large: false, keyframe: [2])
        packets += sink.drain(stream)
        #expect(packets.isContinuous && packets.count == 17)
        let gap = TimestampUnwrapper.distance(from: packets[14].header.timestamp, to: packets[15].header.timestamp)
        #expect(gap == 21 * 33 * 90, "the time between is kept: \(gap) ticks")
        sink.aim(at: 0, in: stream.cache)
        Self.run(&stream, frames: 2, keyframe: [0])
        packets += sink.drain(stream)
        #expect(packets.isContinuous && packets.hasRisingTimestamps && packets.count == 23)
        #expect(Self.tracks(packets, in: stream).suffix(6) == [0, 0, 0, 0, 0, 0])
    }

    @Test func aSlowRecorderGetsWhatWasSentBeforeTheSwitch() {
        var stream = SyntheticStream()
        Self.run(&stream, frames: 1, keyframe: [0, 2])
        var sink = Self.recorder(stream)
        #expect(sink.drain(stream).count == 3)
        sink.aim(at: 2, in: stream.cache)
        // Nothing is taken meanwhile.
        Self.run(&stream, frames: 10)
        Self.run(&stream, frames: 5, keyframe: [2])
        let packets = sink.drain(stream)
        #expect(Self.tracks(packets, in: stream) == [UInt8](repeating: 0, count: 33) + [UInt8](repeating: 2, count: 5))
        #expect(packets.isContinuous && packets.hasRisingTimestamps && sink.dropped == 0)
    }

    @Test func whoWaitsForAKeyframeWaitsForTheOtherOnesAtOnce() {
        var stream = SyntheticStream()
        Self.run(&stream, frames: 2)
        var sink = Self.recorder(stream)
        #expect(sink.wantedKeyframe == 0)
        sink.aim(at: 2, in: stream.cache)
        #expect(sink.wantedKeyframe == 2)
        Self.run(&stream, frames: 2, keyframe: [2])
        #expect(Self.tracks(sink.drain(stream), in: stream) == [2, 2])
        sink.aim(at: 0, in: stream.cache)
        sink.aim(at: 2, in: stream.cache)
        #expect(sink.wantedKeyframe == nil, "the wish was taken back")
    }

    @Test func reportsAreThoseOfTheEncodingThatFlows() throws {
        var stream = SyntheticStream()
        Self.run(&stream, frames: 2, keyframe: [0, 2])
        var sink = Self.recorder(stream)
        _ = sink.drain(stream)
        stream.sendReport(track: 0, ntp: 5 << 32)
        stream.sendReport(track: 2, ntp: 5 << 32)
        #expect(sink.drainReports(stream).count == 1)
        sink.aim(at: 2, in: stream.cache)
        Self.run(&stream, frames: 2, keyframe: [2])
        let reports = sink.drainReports(stream)
        let report = try #require(reports.first)
        #expect(reports.count == 1 && report.ssrc == 0xA0)
        // Both encodings' clocks began 60,000 ticks apart: on the sink's timeline they do not.
        #expect(TimestampUnwrapper.distance(from: 10_000 + 2 * 2970, to: report.rtp) <= 90)
    }
}
