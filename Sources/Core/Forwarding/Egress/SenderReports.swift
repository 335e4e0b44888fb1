internal import BridgeModel
internal import RTP

/// The sender reports of one viewer's track: the publisher's clock, on the viewer's numbers, so that audio and video stay in step
/// (RFC 3550 section 6.4.1).
struct SenderReports: Sendable {
    private struct Sent: Sendable {
        /// The middle 32 bits of its NTP time, by which the viewer names it.
        var name: UInt32
        var at: Int64
    }

    private var last: Sent?
    private var beforeLast: Sent?

    /// The publisher's newest report, moved to `now` and to the viewer's timeline; nil while the publisher has not said what its timestamps mean.
    mutating func make(
        for track: borrowing ViewerTrack, ssrc: UInt32, statistics: EgressTrackStatistics, in cache: borrowing GOPCache,
        now: MonotonicTime
    ) -> SenderReportView? {
        guard let source = track.rewriter.source, let newest = cache.report(of: source.track), source.isEpoch(newest.epoch) else {
            return nil
        }
        let elapsed = min(max(0, Int64(clamping: now.nanoseconds) - Int64(clamping: newest.arrival.nanoseconds)), Self.oldest)
        let seconds = elapsed / 1_000_000_000
        let rest = elapsed % 1_000_000_000
        let ntp = newest.report.ntp &+ UInt64(seconds) << 32 &+ UInt64(rest << 32 / 1_000_000_000)
        let rate = Int64(track.codec.clockRate)
        let ticks = seconds * rate + rest * rate / 1_000_000_000
        let name = UInt32(truncatingIfNeeded: ntp >> 16)
        beforeLast = last
        last = Sent(name: name, at: Int64(clamping: now.nanoseconds))
        return SenderReportView(
            ssrc: ssrc, ntp: ntp,
            rtp: newest.report.rtp &+ track.rewriter.timestampOffset &+ UInt32(truncatingIfNeeded: ticks),
            packetCount: UInt32(truncatingIfNeeded: statistics.packets), octetCount: UInt32(truncatingIfNeeded: statistics.payloadBytes))
    }

    /// Nanoseconds after which a publisher's report is not carried further: its clock drifts.
    private static let oldest: Int64 = 600_000_000_000

    /// The round trip that a report block tells of, in nanoseconds; nil when it names none of our last reports.
    func roundTrip(_ block: ReportBlock, now: MonotonicTime) -> Int64? {
        guard block.lastSenderReport != 0 else { return nil }
        let named = [last, beforeLast].lazy.compactMap { $0 }.first { $0.name == block.lastSenderReport }
        guard let named else { return nil }
        let held = Int64(block.delaySinceLastSenderReport) * 1_000_000_000 / 65_536
        let roundTrip = Int64(clamping: now.nanoseconds) - named.at - held
        return roundTrip >= 0 ? roundTrip : nil
    }
}
