/// A receiver's estimate of the bandwidth that its sender may use (REMB, draft-alvestrand-rmcat-remb-03 section 2.2).
package struct ReceiverEstimate {
    /// Header, both SSRCs, the identifier, the count and the bitrate.
    static let fixedSize = 20
    static let identifier: UInt32 = 0x5245_4D42  // "REMB"
    /// Bits of the mantissa.
    static let mantissaWidth = 18

    /// Bits a second, for all the listed sources together. An estimate that 64 bits cannot hold is the largest that they can.
    package var bitrate: UInt64
    private let sources: UnsafeRawBufferPointer

    /// Nil when the packet is no REMB, or is cut.
    package init?(_ packet: RTCPPacketView) {
        let bytes = packet.bytes
        guard packet.type == RTCPPacketView.PacketType.payloadFeedback, packet.countOrFormat == 15, bytes.count >= Self.fixedSize,
            bytes.uint32(at: 12) == Self.identifier
        else { return nil }
        let head = bytes.uint32(at: 16)
        let count = Int(head >> 24)
        guard bytes.count >= Self.fixedSize + 4 * count else { return nil }
        let exponent = head >> 18 & 0x3F
        let mantissa = UInt64(head & 0x3_FFFF)
        bitrate = mantissa.leadingZeroBitCount < exponent ? .max : mantissa << exponent
        sources = UnsafeRawBufferPointer(rebasing: bytes[Self.fixedSize..<Self.fixedSize + 4 * count])
    }

    /// The sources that share the estimate.
    package var sourceCount: Int { sources.count / 4 }

    /// The source at `index`, 0..<`sourceCount`.
    package func source(at index: Int) -> UInt32 { sources.uint32(at: 4 * index) }

    /// Exponent and mantissa of a bitrate, rounded down.
    static func encode(_ bitrate: UInt64) -> UInt32 {
        let width = UInt64.bitWidth - bitrate.leadingZeroBitCount
        let exponent = max(0, width - mantissaWidth)
        return UInt32(exponent) << 18 | UInt32(bitrate >> UInt64(exponent))
    }
}
