import RTP

/// An RTCP compound: iteration, and every message with all its entries.
func fuzzRTCP(_ bytes: UnsafeRawBufferPointer) {
    var taken = 0
    for packet in RTCPCompound(bytes) {
        taken += packet.bytes.count
        _ = packet.senderSSRC
        _ = SenderReportView(packet)
        readEntries(of: RTCPMessage(packet))
    }
    precondition(taken <= bytes.count)
    _ = RTCPCompound.check(bytes)
    _ = SenderReportView(inCompound: bytes)
}

private func readEntries(of message: RTCPMessage?) {
    switch message {
    case .senderReport(_, let blocks)?, .receiverReport(_, let blocks)?: for _ in blocks {}
    case .sourceDescription(let items)?: for item in items { _ = item.value.reduce(0) { $0 &+ Int($1) } }
    case .goodbye(let sources)?: for _ in sources {}
    case .feedback(.fullIntraRequest(let entries))?: for _ in entries {}
    case .feedback(.nack(_, let lost))?: for _ in lost {}
    case .receiverEstimate(let estimate)?: for index in 0..<estimate.sourceCount { _ = estimate.source(at: index) }
    case .transportFeedback(let feedback)?: for _ in feedback.statuses {}
    case .feedback(.pictureLossIndication)?, nil: break
    }
}
