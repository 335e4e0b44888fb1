/// The fixed header of an RTP packet (RFC 3550 section 5.1) as a value: to make packets, and to rewrite one without touching the rest.
package struct RTPHeader: Equatable, Sendable {
    package var marker: Bool
    /// 0...127; only seven bits are written.
    package var payloadType: UInt8
    package var sequence: UInt16
    package var timestamp: UInt32
    package var ssrc: UInt32

    package init(marker: Bool = false, payloadType: UInt8, sequence: UInt16, timestamp: UInt32, ssrc: UInt32) {
        self.marker = marker
        self.payloadType = payloadType
        self.sequence = sequence
        self.timestamp = timestamp
        self.ssrc = ssrc
    }

    /// The header of a packet that was read.
    package init(_ packet: RTPPacketView) {
        self.init(
            marker: packet.marker, payloadType: packet.payloadType, sequence: packet.sequence, timestamp: packet.timestamp,
            ssrc: packet.ssrc)
    }

    /// Writes a header without CSRC, extension and padding into the first twelve bytes.
    package func write(to bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count >= RTPPacketView.fixedHeaderSize, "a packet buffer holds its header")
        bytes[0] = 0x80
        rewrite(bytes)
    }

    /// Replaces marker, payload type, sequence number, timestamp and SSRC in place; version, padding, extension and CSRC count stay.
    package func rewrite(_ bytes: UnsafeMutableRawBufferPointer) {
        precondition(bytes.count >= RTPPacketView.fixedHeaderSize, "only a checked packet is rewritten")
        bytes[1] = (marker ? 0x80 : 0) | (payloadType & 0x7F)
        bytes.storeBytes(of: sequence.bigEndian, toByteOffset: 2, as: UInt16.self)
        bytes.storeBytes(of: timestamp.bigEndian, toByteOffset: 4, as: UInt32.self)
        bytes.storeBytes(of: ssrc.bigEndian, toByteOffset: 8, as: UInt32.self)
    }
}
