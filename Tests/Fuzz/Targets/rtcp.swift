import RTP

/// An RTCP compound: iteration, sender reports and feedback with all their entries.
func fuzzRTCP(_ bytes: UnsafeRawBufferPointer) {
    var taken = 0
    for packet in RTCPCompound(bytes) {
        taken += packet.bytes.count
        _ = packet.senderSSRC
        _ = SenderReportView(packet)
        switch RTCPFeedback(packet) {
        case .fullIntraRequest(let entries)?: for _ in entries {}
        case .nack(_, let lost)?: for _ in lost {}
        case .pictureLossIndication?, nil: break
        }
    }
    precondition(taken <= bytes.count)
    _ = RTCPCompound.check(bytes)
    _ = SenderReportView(inCompound: bytes)
}
