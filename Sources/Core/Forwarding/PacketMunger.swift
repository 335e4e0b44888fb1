package import BridgeModel
package import RTP

/// Rewrites one track's headers for one subscriber, so that it sees a single stream: one SSRC, sequence numbers and timestamps that go on, whatever
/// happens to the source.
///
/// Gaps that the source's network tore stay gaps: the receiver is to conceal or ask. Gaps that the hub made (`resynchronize`) are closed.
package struct PacketMunger: Sendable {
    /// How far behind the newest packet a late one may be (RFC 3550 appendix A.1, MAX_MISORDER is 100; video bursts are longer).
    private static let reorderWindow: Int64 = 1000

    /// What the mapping of one source to the output is anchored at.
    private struct Mapping {
        var source: Source
        var sequenceOffset: UInt16
        var timestampOffset: UInt32
        /// The oldest source sequence number that has a place in the output.
        var floor: UInt16
        /// The newest source sequence number that was mapped.
        var newest: UInt16
    }

    /// Who sent the packets: a track of the cache, and which of its sources.
    package struct Source: Sendable, Equatable {
        package var track: UInt8
        package var epoch: UInt32

        package init(track: UInt8 = 0, epoch: UInt32) {
            self.track = track
            self.epoch = epoch
        }
    }

    private struct Output {
        var sequence: UInt16
        var timestamp: UInt32
        var arrival: MonotonicTime
    }

    private let clockRate: UInt32
    private let payloadType: UInt8
    private var ssrc: UInt32?
    private var mapping: Mapping?
    private var last: Output?
    private var closesGap = false

    /// `payloadType` is what the subscriber was told; it stays when a replaced source uses another.
    package init(clockRate: UInt32, payloadType: UInt8) {
        self.clockRate = clockRate
        self.payloadType = payloadType
    }

    /// The source that the mapping holds for; nil before the first packet.
    package var source: Source? { mapping?.source }

    /// The next packet follows the last one without a gap: what lies between was dropped on purpose.
    package mutating func resynchronize() { closesGap = true }

    /// The header to send for a packet of `source` that came at `arrival`. Nil for a packet from before the subscriber's start or from
    /// inside a gap that was closed: it has no place in the output.
    package mutating func munge(_ header: RTPHeader, of source: Source, arrival: MonotonicTime) -> RTPHeader? {
        if mapping?.source != source {
            begin(source, with: header, arrival: arrival)
        } else if closesGap {
            closeGap(before: header)
        }
        guard var mapping, admit(header.sequence, into: &mapping) else { return nil }
        var output = header
        output.payloadType = payloadType
        output.sequence = header.sequence &+ mapping.sequenceOffset
        output.timestamp = header.timestamp &+ mapping.timestampOffset
        output.ssrc = ssrc ?? header.ssrc
        if mapping.newest == header.sequence {
            last = Output(sequence: output.sequence, timestamp: output.timestamp, arrival: arrival)
        }
        self.mapping = mapping
        return output
    }

    /// A sender report of the current source, on the subscriber's SSRC and timeline.
    package func munge(_ report: SenderReportView) -> SenderReportView {
        guard let mapping, let ssrc else { return report }
        var output = report
        output.ssrc = ssrc
        output.rtp = report.rtp &+ mapping.timestampOffset
        return output
    }

    /// A new source goes on where the last one stopped: the next sequence number, and a timestamp later by the time between the two arrivals.
    private mutating func begin(_ source: Source, with header: RTPHeader, arrival: MonotonicTime) {
        closesGap = false
        guard let last else {
            ssrc = header.ssrc
            mapping = Mapping(
                source: source, sequenceOffset: 0, timestampOffset: 0, floor: header.sequence, newest: header.sequence)
            return
        }
        mapping = Mapping(
            source: source, sequenceOffset: last.sequence &+ 1 &- header.sequence,
            timestampOffset: last.timestamp &+ ticks(arrival.duration(since: last.arrival)) &- header.timestamp, floor: header.sequence,
            newest: header.sequence)
    }

    private mutating func closeGap(before header: RTPHeader) {
        closesGap = false
        guard let last else { return }
        mapping?.sequenceOffset = last.sequence &+ 1 &- header.sequence
        mapping?.floor = header.sequence
        mapping?.newest = header.sequence
    }

    private func admit(_ sequence: UInt16, into mapping: inout Mapping) -> Bool {
        guard SequenceUnwrapper.distance(from: mapping.newest, to: sequence) >= 0 else {
            return SequenceUnwrapper.distance(from: mapping.floor, to: sequence) >= 0
        }
        mapping.newest = sequence
        // The floor follows, or it would seem to lie ahead after half of the range.
        if SequenceUnwrapper.distance(from: mapping.floor, to: sequence) > Self.reorderWindow {
            mapping.floor = sequence &- UInt16(Self.reorderWindow)
        }
        return true
    }

    /// At least a millisecond, so that two frames never share a time, in files neither, which count milliseconds; at most a minute, whatever the clock
    /// says.
    private func ticks(_ duration: Duration) -> UInt32 {
        let milliseconds = min(max(1, duration.wholeMilliseconds), 60_000)
        return UInt32(milliseconds * Int64(clockRate) / 1000)
    }
}
