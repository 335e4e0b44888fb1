/// What one packet of an RTCP compound says, of what the bridge understands; read in place.
package enum RTCPMessage {
    case senderReport(SenderReportView, ReportBlocks)
    case receiverReport(sender: UInt32, ReportBlocks)
    case sourceDescription(SourceDescriptionItems)
    case goodbye(GoodbyeSources)
    /// PLI, FIR or NACK.
    case feedback(RTCPFeedback)
    case receiverEstimate(ReceiverEstimate)
    case transportFeedback(TransportFeedback)

    /// Nil for packets of other types and formats (extended reports, application-defined ones) and for those that are too short for what they claim.
    package init?(_ packet: RTCPPacketView) {
        switch (packet.type, packet.countOrFormat) {
        case (RTCPPacketView.PacketType.senderReport, _):
            guard let report = SenderReportView(packet) else { return nil }
            self = .senderReport(report, ReportBlocks(packet))
        case (RTCPPacketView.PacketType.receiverReport, _):
            guard let sender = packet.senderSSRC else { return nil }
            self = .receiverReport(sender: sender, ReportBlocks(packet))
        case (RTCPPacketView.PacketType.sourceDescription, _): self = .sourceDescription(SourceDescriptionItems(packet))
        case (RTCPPacketView.PacketType.goodbye, _): self = .goodbye(GoodbyeSources(packet))
        case (RTCPPacketView.PacketType.transportFeedback, 15):
            guard let feedback = TransportFeedback(packet) else { return nil }
            self = .transportFeedback(feedback)
        case (RTCPPacketView.PacketType.payloadFeedback, 15):
            guard let estimate = ReceiverEstimate(packet) else { return nil }
            self = .receiverEstimate(estimate)
        default:
            guard let feedback = RTCPFeedback(packet) else { return nil }
            self = .feedback(feedback)
        }
    }
}
