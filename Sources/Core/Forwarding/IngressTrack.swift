package import BridgeModel
package import RTP

/// One track on its way in: counts, finds frames and keyframes, and notices when the source became another one.
package struct IngressTrack: Sendable {
    /// A sequence step that is too large for loss or reordering (RFC 3550 appendix A.1, MAX_DROPOUT): the source was reset.
    private static let sequenceLeap: Int64 = 3000
    /// How far a timestamp may stray from the arrival clock between two packets before it counts as a reset, in nanoseconds.
    private static let timestampLeap: Int64 = 5_000_000_000

    private struct Newest {
        var sequence: UInt16
        var timestamp: UInt32
        var arrival: MonotonicTime
    }

    /// Counters since the track was first published; they go on over a replaced source.
    package private(set) var statistics = TrackCounters()
    /// Counts the sources: another SSRC, a leap of sequence numbers or timestamps, or a replaced publisher begins a new one.
    package private(set) var epoch: UInt32 = 0
    private let codec: Codec
    private let clockRate: UInt32
    private let payloadType: UInt8
    private var ssrc: UInt32?
    private var tracker = FrameTracker()
    private var newest: Newest?

    package init(_ description: TrackDescription, epoch: UInt32 = 0, continuing statistics: TrackCounters = TrackCounters()) {
        codec = description.codec
        clockRate = description.clockRate
        payloadType = description.payloadType
        self.epoch = epoch
        self.statistics = statistics
    }

    /// What became of a packet.
    package struct Acceptance: Sendable {
        package var header: RTPHeader
        package var frame: FrameTracker.Observation
        /// The packet is the first of another source.
        package var beginsEpoch: Bool
        /// A newer packet of the source came before it.
        package var isLate: Bool
        /// What the payload says by itself.
        package var traits: PayloadTraits
    }

    /// Takes a packet that came at `arrival`; nil when its payload type is not the track's.
    ///
    /// A payload that our descriptor does not understand passes as no keyframe: receivers may know more than we do. So does padding alone.
    package mutating func accept(_ packet: RTPPacketView, arrival: MonotonicTime) -> Acceptance? {
        guard packet.payloadType == payloadType else { return nil }
        return accept(packet, media: packet.payload, beginsEpoch: isReset(RTPHeader(packet), arrival: arrival), arrival: arrival)
    }

    /// Takes a packet whose payload type is known to be the track's, or to wrap it: `media` are the codec's bytes in it, empty where they cannot be read.
    /// `beginsEpoch` is what `isReset` said of it.
    mutating func accept(
        _ packet: RTPPacketView, media: UnsafeRawBufferPointer, beginsEpoch: Bool, arrival: MonotonicTime
    ) -> Acceptance {
        let header = RTPHeader(packet)
        if beginsEpoch {
            epoch &+= 1
            newest = nil
            tracker = FrameTracker()
        }
        let traits = PayloadTraits(codec: codec, payload: media) ?? PayloadTraits(rawValue: 0)
        let isLate = newest.map { SequenceUnwrapper.distance(from: $0.sequence, to: header.sequence) < 0 } ?? false
        let frame = observe(header, traits: traits, isLate: isLate)
        count(header, bytes: packet.payloadRange.upperBound, arrival: arrival, isKeyframe: frame.revealsKeyframe)
        return Acceptance(header: header, frame: frame, beginsEpoch: beginsEpoch, isLate: isLate, traits: traits)
    }

    /// Counts a packet without payload, which belongs to no frame.
    mutating func acceptPadding(_ packet: RTPPacketView, arrival: MonotonicTime) {
        count(RTPHeader(packet), bytes: packet.payloadRange.upperBound, arrival: arrival, isKeyframe: false)
    }

    /// A late packet of an earlier frame leaves the present frame alone: that one neither ends nor begins again.
    private mutating func observe(_ header: RTPHeader, traits: PayloadTraits, isLate: Bool) -> FrameTracker.Observation {
        if isLate, header.timestamp != newest?.timestamp { return FrameTracker.Observation() }
        return tracker.observe(timestamp: header.timestamp, marker: header.marker, traits: traits)
    }

    /// Whether a sender report speaks of the source whose packets come in.
    package func accepts(_ report: SenderReportView) -> Bool { ssrc == report.ssrc }

    /// Whether a packet with this header cannot belong to the source that was heard so far.
    func isReset(_ header: RTPHeader, arrival: MonotonicTime) -> Bool {
        guard let ssrc, let newest else { return false }
        guard ssrc == header.ssrc else { return true }
        guard abs(SequenceUnwrapper.distance(from: newest.sequence, to: header.sequence)) < Self.sequenceLeap else { return true }
        let step = TimestampUnwrapper.distance(from: newest.timestamp, to: header.timestamp)
        let expected = Int64(clamping: arrival.nanoseconds) - Int64(clamping: newest.arrival.nanoseconds)
        let media = step * 1_000_000_000 / Int64(clockRate)
        return abs(media - expected) > Self.timestampLeap
    }

    private mutating func count(_ header: RTPHeader, bytes: Int, arrival: MonotonicTime, isKeyframe: Bool) {
        ssrc = header.ssrc
        statistics.packets += 1
        statistics.bytes += UInt64(bytes)
        statistics.lastPacketAt = arrival
        if isKeyframe { statistics.keyframes += 1 }
        guard let newest else {
            newest = Newest(sequence: header.sequence, timestamp: header.timestamp, arrival: arrival)
            return
        }
        let step = SequenceUnwrapper.distance(from: newest.sequence, to: header.sequence)
        guard step > 0 else {
            // A late packet was counted as lost when its successor came.
            if step < 0, statistics.lost > 0 { statistics.lost -= 1 }
            return
        }
        statistics.lost += UInt64(step - 1)
        self.newest = Newest(sequence: header.sequence, timestamp: header.timestamp, arrival: arrival)
    }
}

/// Counters of one track since it was published.
package struct TrackCounters: Sendable, Equatable {
    package var packets: UInt64 = 0
    package var bytes: UInt64 = 0
    /// Sequence numbers that never came.
    package var lost: UInt64 = 0
    package var keyframes: UInt64 = 0
    package var lastPacketAt: MonotonicTime?

    package init() {}
}
