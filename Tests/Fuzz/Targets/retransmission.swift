import RTP

/// A retransmission is unwrapped in its own bytes: its payload stays where it was, and nothing is read or written outside.
func fuzzRetransmission(_ bytes: UnsafeRawBufferPointer) {
    var copy = Array(bytes)
    copy.withUnsafeMutableBytes { buffer in
        guard let original = RetransmissionPacket.restore(buffer, payloadType: 96, ssrc: 7) else {
            precondition(bytes.elementsEqual(buffer), "what is refused is not changed")
            return
        }
        guard let sent = RTPPacketView(reading: bytes), let packet = RTPPacketView(reading: UnsafeRawBufferPointer(original)) else {
            preconditionFailure("an unwrapped packet is a packet")
        }
        precondition(packet.sequence == RetransmissionPacket.originalSequence(sent) && packet.ssrc == 7 && packet.payloadType == 96)
        precondition(packet.timestamp == sent.timestamp && packet.marker == sent.marker)
        precondition(packet.payload.elementsEqual(sent.payload.dropFirst(RetransmissionPacket.prefixSize)))
    }
}
