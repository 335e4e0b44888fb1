package import BridgeModel
package import RTP

// What the viewer says.
extension EgressFeed {
    /// Takes one packet of a compound that the viewer sent, as far as it is about this feed's sources; the rest is for `EgressPath.receive`.
    package mutating func receive(_ packet: RTCPPacketView, over path: inout EgressPath, now: MonotonicTime) {
        switch RTCPMessage(packet) {
        case .receiverReport(_, let blocks), .senderReport(_, let blocks):
            for block in blocks { receive(block, over: &path, now: now) }
        case .feedback(.pictureLossIndication(let media)): keyframeRequested(media)
        case .feedback(.fullIntraRequest(let entries)):
            for entry in entries { keyframeRequested(entry.ssrc) }
        case .feedback(.nack(let media, let lost)): receive(lost, media: media, roundTrip: path.estimator.roundTrip, now: now)
        case .receiverEstimate, .transportFeedback, .sourceDescription, .goodbye, nil: break
        }
    }

    private func index(of ssrc: UInt32) -> Int? { tracks.firstIndex { $0.ssrc == ssrc } }

    private mutating func keyframeRequested(_ ssrc: UInt32) {
        guard let index = index(of: ssrc) else { return }
        tracks[index].statistics.keyframeRequests &+= 1
        if let track = tracks[index].media.keyframeRequest() { keyframeRequests.insert(track) }
    }

    private mutating func receive(_ lost: LostSequences, media: UInt32, roundTrip: Int64, now: MonotonicTime) {
        guard let index = index(of: media), tracks[index].answersNACK else { return }
        for sequence in lost {
            tracks[index].statistics.requestedAgain &+= 1
            tracks[index].queue.request(sequence, roundTrip: roundTrip, now: Int64(clamping: now.nanoseconds))
        }
    }

    private mutating func receive(_ block: ReportBlock, over path: inout EgressPath, now: MonotonicTime) {
        guard let index = index(of: block.ssrc) else { return }
        tracks[index].noteReport()
        tracks[index].statistics.fractionLost = block.fractionLost
        tracks[index].statistics.cumulativeLost = block.cumulativeLost
        tracks[index].statistics.jitter = block.jitter
        let (packets, lost) = tracks[index].loss.take(block)
        path.estimator.reported(lost: lost, of: packets, sending: path.sendingRate, now: now)
        if let roundTrip = tracks[index].reports.roundTrip(block, now: now) { path.estimator.measured(roundTrip: roundTrip) }
    }
}
