package import BridgeModel

/// How much one viewer's path takes, from what the viewer says about the packets that were sent to it: transport-wide feedback (delay, loss and what
/// arrived), else its own estimate (REMB) and the loss of its receiver reports. Follows draft-ietf-rmcat-gcc-02, with probing.
///
/// A value without a clock or thread; one for each viewer, some 700 bytes and the history of sent packets.
package struct BandwidthEstimator: Sendable {
    private static let defaultRoundTrip: Int64 = 100_000_000
    private static let floor = Bitrate.kilobits(30)
    /// Receivers repeat their estimate each second or oftener, but only while they get what they measure.
    private static let receiverEstimateLife: Int64 = 3_000_000_000
    /// A queue that drains at so many times the estimate does so on a path that has become wider.
    private static let anotherPath = 1.5

    private var history = SentPacketHistory()
    private var groups = PacketGroups()
    private var trend = DelayTrend()
    private var detector = OveruseDetector()
    private var acknowledged = AcknowledgedRate()
    private var delayControl: DelayBasedControl
    private var lossControl = LossBasedControl()
    private var probes = ProbeSchedule()
    private var receiverEstimate: (rate: Bitrate, at: Int64)?
    private var usage = PathUsage.normal
    private let maximum: Bitrate
    /// Nanoseconds; from sender reports, or from transport-wide feedback.
    package private(set) var roundTrip = Self.defaultRoundTrip
    /// What came shows what the path takes: transport-wide feedback, or loss. A receiver's own estimate does not: it follows what is sent, so that a
    /// picture of few bits makes it small, and one that pauses leaves it there.
    package private(set) var isMeasured = false
    private var hasTransportFeedback = false
    /// No sender report was answered yet: the feedback's own delay is in the round trip.
    private var roundTripIsFromFeedback = true
    private var newestSent: Int64 = 0

    package init(start: Bitrate, maximum: Bitrate) {
        self.maximum = maximum
        delayControl = DelayBasedControl(start: start, maximum: maximum)
    }

    /// What may be sent, all tracks and retransmissions together.
    package var estimate: Bitrate {
        var rate = hasTransportFeedback || receiverEstimate == nil ? delayControl.rate : maximum
        if let bound = lossControl.bound { rate = min(rate, bound) }
        if let receiverEstimate { rate = min(rate, receiverEstimate.rate) }
        return max(Self.floor, min(rate, maximum))
    }

    /// The rate of the burst that is being sent; nil outside of bursts.
    package var probeRate: Bitrate? { probes.isSending ? probes.cluster?.target : nil }

    /// Bytes on the heap.
    package var heapByteCount: Int { history.byteCount }
}

// What is sent.
extension BandwidthEstimator {
    /// The transport-wide sequence number of the next packet.
    package var nextSequence: UInt16 { history.next }

    /// A packet of `size` bytes leaves now, with `nextSequence` in its header.
    package mutating func sent(size: Int, now: MonotonicTime) {
        let isProbe = probes.isSending
        if isProbe { probes.sent(size: size) }
        _ = history.record(size: size, isProbe: isProbe, now: now)
    }

    /// Begins a probe when more could be used than is estimated, and ends one that got no answer. To be called some ten times a second.
    package mutating func update(wanted: Bitrate, now: MonotonicTime) {
        guard hasTransportFeedback else { return }
        let limit = receiverEstimate.map { min($0.rate, maximum) } ?? maximum
        probes.update(estimate: estimate, wanted: min(wanted, limit), now: Int64(clamping: now.nanoseconds))
    }
}

// What the viewer says.
extension BandwidthEstimator {
    /// The packet with this transport-wide number arrived at `arrival`, in nanoseconds of the viewer's clock. Numbers come in ascending order.
    package mutating func packetArrived(_ sequence: UInt16, arrival: Int64, now: MonotonicTime) {
        guard let packet = history.acknowledge(sequence, now: now) else { return }
        if packet.wasReportedLost { lossControl.uncountLost() } else { lossControl.count(received: 1, lost: 0) }
        newestSent = max(newestSent, packet.sentAt)
        acknowledged.add(bytes: packet.size, sent: packet.sentAt, arrival: arrival)
        if packet.isProbe { probes.arrived(packet, arrival: arrival) }
        guard let variation = groups.add(sent: packet.sentAt, arrival: arrival) else { return }
        let slope = trend.add(variation)
        detector.update(slope: slope, samples: trend.samples, time: variation.arrival)
        if detector.usage == .over || usage != .over { usage = detector.usage }
    }

    /// The packet with this transport-wide number had not arrived.
    package mutating func packetMissing(_ sequence: UInt16, now: MonotonicTime) {
        guard history.reportLost(sequence, now: now) != nil else { return }
        lossControl.count(received: 0, lost: 1)
    }

    /// A transport-wide feedback was read to its end.
    package mutating func endFeedback(now: MonotonicTime) {
        let time = Int64(clamping: now.nanoseconds)
        isMeasured = true
        if roundTripIsFromFeedback, newestSent > 0 { smoothRoundTrip(time - newestSent) }
        hasTransportFeedback = true
        let flow = acknowledged.flow
        if usage == .over, probes.isLikelyCause(now: time, roundTrip: roundTrip) {
            // The queue is of our own making, and drains: what flowed before still fits.
            probes.cancel(now: time)
            usage = .under
        }
        let before = estimate
        delayControl.update(usage, flow: flow, roundTrip: roundTrip, now: time)
        lossControl.update(rate: estimate, delivered: flow?.arrived, now: time)
        if let probed = probes.takeResult(now: time), usage != .over {
            delayControl.raise(to: probed)
            lossControl.raise(to: probed)
        }
        if usage != .over, let flow { take(flow, before: before) }
        if usage == .over { probes.postpone(now: time) }
        usage = detector.usage == .over ? .normal : detector.usage
    }

    /// What flows is not too much: a draining queue does so as fast as the path takes packets, and what was lost while it was full sets no lower limit
    /// any more. When that is far beyond the estimate, the path has become another one, and the next probe does not wait.
    private mutating func take(_ flow: AcknowledgedRate.Flow, before: Bitrate) {
        lossControl.raise(to: flow.arrived * DelayBasedControl.backOff)
        if flow.arrived > before * Self.anotherPath { probes.hasten() }
    }

    /// The viewer's own estimate (draft-alvestrand-rmcat-remb-03): a limit, until reports come without it.
    package mutating func receiverEstimated(_ bitrate: Bitrate, now: MonotonicTime) {
        receiverEstimate = (bitrate, Int64(clamping: now.nanoseconds))
    }

    /// A report block: of `packets` that were sent since the last one, while media of rate `sending` was sent, so many did not arrive. Only counts
    /// without transport-wide feedback.
    package mutating func reported(lost: Int, of packets: Int, sending: Bitrate, now: MonotonicTime) {
        let time = Int64(clamping: now.nanoseconds)
        if let receiverEstimate, time - receiverEstimate.at > Self.receiverEstimateLife { self.receiverEstimate = nil }
        guard !hasTransportFeedback, packets > 0 else { return }
        lossControl.count(received: packets - lost, lost: lost)
        // What was never sent was never too much.
        lossControl.update(rate: min(estimate, sending), delivered: nil, now: time)
        if lossControl.bound != nil { isMeasured = true }
    }

    /// A round trip that was measured by a sender report (RFC 3550 section 6.4.1), in nanoseconds.
    package mutating func measured(roundTrip nanoseconds: Int64) {
        guard nanoseconds >= 0 else { return }
        if roundTripIsFromFeedback {
            roundTrip = nanoseconds
            roundTripIsFromFeedback = false
        }
        smoothRoundTrip(nanoseconds)
    }

    private mutating func smoothRoundTrip(_ sample: Int64) {
        let bounded = min(max(sample, 1_000_000), 5_000_000_000)
        roundTrip += (bounded - roundTrip) / 8
    }
}
