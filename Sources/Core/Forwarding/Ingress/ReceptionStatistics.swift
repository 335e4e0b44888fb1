package import BridgeModel
package import RTP

/// What a receiver reports of one source (RFC 3550 section 6.4.1, appendix A.3 and A.8).
///
/// Sequence numbers come extended and without duplicates. Retransmissions in a stream of their own are not counted: the report tells what the network
/// lost, not what was repaired.
package struct ReceptionStatistics: Sendable {
    private let clockRate: Int64
    /// The first extended sequence number; nil before it.
    private var base: Int64?
    private var highest: Int64 = 0
    private var received: Int64 = 0
    private var expectedAtLastReport: Int64 = 0
    private var receivedAtLastReport: Int64 = 0
    /// Sixteen times the jitter, as appendix A.8 keeps it.
    private var scaledJitter: Int64 = 0
    private var firstArrival = MonotonicTime(nanoseconds: 0)
    /// Arrival minus timestamp of the last packet, in units of the RTP clock.
    private var transit: Int64?
    private var timestamps = TimestampUnwrapper()

    /// `clockRate` in Hz; zero counts as 90 kHz.
    package init(clockRate: UInt32) { self.clockRate = clockRate == 0 ? 90_000 : Int64(clockRate) }

    /// Packets that should have come.
    package var expected: Int64 { base.map { highest - $0 + 1 } ?? 0 }
    /// Packets that the network lost; negative when the first packets came out of order.
    package var lost: Int64 { expected - received }
    /// Interarrival jitter in units of the RTP clock (section 6.4.1).
    package var jitter: UInt32 { UInt32(clamping: scaledJitter >> 4) }

    /// Takes a packet that came for the first time.
    package mutating func receive(sequence: Int64, timestamp: UInt32, arrival: MonotonicTime) {
        received += 1
        guard let base else {
            self.base = sequence
            highest = sequence
            firstArrival = arrival
            transit = -timestamps.unwrap(timestamp)
            return
        }
        self.base = min(base, sequence)
        highest = max(highest, sequence)
        measureJitter(timestamp: timestamps.unwrap(timestamp), arrival: arrival)
    }

    /// Appendix A.8, for each packet in the order of arrival, late ones too. Microseconds since the first packet keep the product within 64 bits for
    /// three years.
    private mutating func measureJitter(timestamp: Int64, arrival: MonotonicTime) {
        let microseconds = (Int64(clamping: arrival.nanoseconds) - Int64(clamping: firstArrival.nanoseconds)) / 1000
        let transit = microseconds &* clockRate / 1_000_000 &- timestamp
        defer { self.transit = transit }
        guard let previous = self.transit else { return }
        let difference = Int64(min((transit &- previous).magnitude, UInt64(UInt32.max)))
        scaledJitter += difference - ((scaledJitter + 8) >> 4)
    }

    /// The block for the next report; nil before the first packet. The fraction lost counts from the last call on.
    package mutating func reportBlock(ssrc: UInt32) -> ReportBlock? {
        guard base != nil else { return nil }
        let expectedNow = expected - expectedAtLastReport
        let lostNow = expectedNow - (received - receivedAtLastReport)
        expectedAtLastReport = expected
        receivedAtLastReport = received
        let fraction = expectedNow > 0 && lostNow > 0 ? min(lostNow * 256 / expectedNow, 255) : 0
        return ReportBlock(
            ssrc: ssrc, fractionLost: UInt8(fraction), cumulativeLost: Int32(clamping: lost),
            extendedHighestSequence: UInt32(truncatingIfNeeded: highest), jitter: jitter)
    }
}
