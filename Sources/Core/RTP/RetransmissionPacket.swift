/// Retransmissions in a stream of their own (RFC 4588 section 4): the payload begins with the original sequence number.
package enum RetransmissionPacket {
    /// Bytes of the original sequence number in front of the payload.
    package static let prefixSize = 2

    /// The sequence number of the packet that is sent again; nil when there is none: padding that measures the path.
    package static func originalSequence(_ packet: RTPPacketView) -> UInt16? {
        packet.payload.count >= prefixSize ? packet.payload.uint16(at: 0) : nil
    }

    /// Turns a retransmission back into the original packet, where it lies: its header moves over the original sequence number, so that the packet begins
    /// `prefixSize` bytes later and the payload stays in place. Header extensions stay as they are.
    ///
    /// `bytes` is the whole packet; `payloadType` and `ssrc` are the media's. Nil, and nothing is changed, when it is no packet or holds no original.
    package static func restore(
        _ bytes: UnsafeMutableRawBufferPointer, payloadType: UInt8, ssrc: UInt32
    ) -> UnsafeMutableRawBufferPointer? {
        guard let packet = RTPPacketView(reading: UnsafeRawBufferPointer(bytes)), let sequence = originalSequence(packet) else {
            return nil
        }
        var header = RTPHeader(packet)
        header.payloadType = payloadType
        header.sequence = sequence
        header.ssrc = ssrc
        let original = UnsafeMutableRawBufferPointer(rebasing: bytes[prefixSize...])
        // The regions overlap: this is a memmove.
        original.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<packet.payloadRange.lowerBound]))
        header.rewrite(original)
        return original
    }
}
