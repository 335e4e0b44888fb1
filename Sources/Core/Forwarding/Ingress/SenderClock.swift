package import BridgeModel
package import RTP

/// A source's own clock as its sender reports tell it: which wall-clock time a timestamp stands for. It is handed on as it is, so that audio and video
/// stay in step from end to end, and it is what receiver reports answer to.
package struct SenderClock: Sendable {
    /// The newest report; nil before the first.
    package private(set) var newest: SenderReportView?
    private var arrivedAt = MonotonicTime(nanoseconds: 0)

    package init() {}

    /// Takes a report that came at `arrival`. One that is older than the newest is not used: it was overtaken.
    package mutating func receive(_ report: SenderReportView, arrival: MonotonicTime) {
        if let newest, Int64(bitPattern: report.ntp &- newest.ntp) < 0, arrival.duration(since: arrivedAt) < Self.overtaking { return }
        newest = report
        arrivedAt = arrival
    }

    /// How late a report can be; later than this a smaller NTP time is a clock that was set.
    private static let overtaking: Duration = .seconds(1)

    /// Fills in the fields by which the source measures its round trip (RFC 3550 section 6.4.1).
    package func complete(_ block: inout ReportBlock, now: MonotonicTime) {
        guard let newest else { return }
        block.lastSenderReport = UInt32(truncatingIfNeeded: newest.ntp >> 16)
        let nanoseconds = max(0, now.duration(since: arrivedAt).wholeNanoseconds)
        // Units of 1/65536 s: whole seconds and their rest apart, since the product of a long time would not fit.
        let delay = (nanoseconds / 1_000_000_000) << 16 + ((nanoseconds % 1_000_000_000) << 16) / 1_000_000_000
        block.delaySinceLastSenderReport = UInt32(clamping: delay)
    }

    /// The NTP time (32.32 fixed point) at which `timestamp` was sampled, at `clockRate` Hz; nil before the first report.
    package func ntp(of timestamp: UInt32, clockRate: UInt32) -> UInt64? {
        guard let newest, clockRate > 0 else { return nil }
        let ticks = TimestampUnwrapper.distance(from: newest.rtp, to: timestamp)
        // At most 2^31 ticks, and 32 bits of fraction: the product fits into 64 bits with its sign.
        return newest.ntp &+ UInt64(bitPattern: (ticks << 32) / Int64(clockRate))
    }
}
