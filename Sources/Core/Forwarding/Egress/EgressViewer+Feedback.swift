package import BridgeModel
package import RTP

// What the viewer says.
extension EgressViewer {
    /// Packets that one transport-wide feedback may speak of: more than a history holds is an attack.
    private static let largestFeedback = 8192

    /// Takes one packet of a compound that the viewer sent. Packets about other sources than the viewer's are ignored.
    package mutating func receive(_ packet: RTCPPacketView, in cache: borrowing GOPCache, now: MonotonicTime) {
        switch RTCPMessage(packet) {
        case .receiverReport(_, let blocks), .senderReport(_, let blocks):
            for block in blocks { receive(block, now: now) }
        case .feedback(.pictureLossIndication(let media)): keyframeRequested(media)
        case .feedback(.fullIntraRequest(let entries)):
            for entry in entries { keyframeRequested(entry.ssrc) }
        case .feedback(.nack(let media, let lost)): receive(lost, media: media, now: now)
        case .receiverEstimate(let estimate):
            estimator.receiverEstimated(Bitrate(bitsPerSecond: Int64(clamping: estimate.bitrate)), now: now)
            pace(now: Int64(clamping: now.nanoseconds))
        case .transportFeedback(let feedback): receive(feedback, now: now)
        case .sourceDescription, .goodbye, nil: break
        }
    }

    /// What the chosen layers cost, sound included.
    private var sendingRate: Bitrate {
        tracks.reduce(soundRate) { $0 + ($1.media.isVideo ? $1.selector.cost : .zero) }
    }

    private func index(of ssrc: UInt32) -> Int? { tracks.firstIndex { $0.ssrc == ssrc } }

    private mutating func keyframeRequested(_ ssrc: UInt32) {
        guard let index = index(of: ssrc) else { return }
        tracks[index].statistics.keyframeRequests &+= 1
        if let track = tracks[index].media.keyframeRequest() { keyframeRequests.insert(track) }
    }

    private mutating func receive(_ lost: LostSequences, media: UInt32, now: MonotonicTime) {
        guard let index = index(of: media), tracks[index].answersNACK else { return }
        let roundTrip = estimator.roundTrip
        for sequence in lost {
            tracks[index].statistics.requestedAgain &+= 1
            tracks[index].queue.request(sequence, roundTrip: roundTrip, now: Int64(clamping: now.nanoseconds))
        }
    }

    private mutating func receive(_ block: ReportBlock, now: MonotonicTime) {
        guard let index = index(of: block.ssrc) else { return }
        tracks[index].noteReport()
        tracks[index].statistics.fractionLost = block.fractionLost
        tracks[index].statistics.cumulativeLost = block.cumulativeLost
        tracks[index].statistics.jitter = block.jitter
        let packets = tracks[index].reports.packets(until: block.extendedHighestSequence)
        estimator.reported(fractionLost: block.fractionLost, packets: packets, sending: sendingRate, now: now)
        if let roundTrip = tracks[index].reports.roundTrip(block, now: now) { estimator.measured(roundTrip: roundTrip) }
    }

    private mutating func receive(_ feedback: TransportFeedback, now: MonotonicTime) {
        guard Int(feedback.statusCount) <= Self.largestFeedback else { return }
        let reference = feedbackClock.unwrap(feedback.referenceTime)
        for status in feedback.statuses {
            guard let ticks = status.arrivalTicks else {
                estimator.packetMissing(status.sequence, now: now)
                continue
            }
            estimator.packetArrived(status.sequence, arrival: (reference + ticks) * FeedbackClock.tick, now: now)
        }
        estimator.endFeedback(now: now)
        pace(now: Int64(clamping: now.nanoseconds))
    }
}

/// The viewer's clock, as its transport-wide feedback tells it: reference times are 24-bit numbers of 64 ms, which wrap after twelve days.
struct FeedbackClock: Sendable {
    /// Nanoseconds of one tick.
    static let tick = 1_000_000_000 / TransportFeedback.ticksPerSecond

    /// In units of 64 ms: nine years. A clock that says it is later leaps, and begins anew.
    private static let latest: Int64 = 1 << 32

    private var newest: Int64?

    /// Ticks of a reference time since the clock's beginning, far enough from zero that a late feedback stays positive.
    mutating func unwrap(_ reference: Int32) -> Int64 {
        let range = TransportFeedback.referenceRange
        let value = Int64(reference) & (range - 1)
        guard let newest, newest < Self.latest else {
            self.newest = value + range
            return (value + range) * TransportFeedback.ticksPerReference
        }
        var step = (value - newest) & (range - 1)
        if step >= range / 2 { step -= range }
        let unwrapped = newest + step
        self.newest = max(newest, unwrapped)
        return unwrapped * TransportFeedback.ticksPerReference
    }
}
