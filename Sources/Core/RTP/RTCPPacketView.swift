/// One packet of an RTCP compound (RFC 3550 section 6.4), read in place; it borrows its bytes.
package struct RTCPPacketView {
    /// Packet types of the IANA registry "RTCP Control Packet Types".
    package enum PacketType {
        package static let senderReport: UInt8 = 200
        package static let receiverReport: UInt8 = 201
        package static let sourceDescription: UInt8 = 202
        package static let goodbye: UInt8 = 203
        /// Transport-layer feedback (RFC 4585 section 6.2).
        package static let transportFeedback: UInt8 = 205
        /// Payload-specific feedback (RFC 4585 section 6.3).
        package static let payloadFeedback: UInt8 = 206
    }

    /// The whole packet, header included, its padding not.
    package let bytes: UnsafeRawBufferPointer

    fileprivate init(checked bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The five bits after version and padding: a report count, or the format of a feedback message.
    package var countOrFormat: UInt8 { bytes[0] & 0x1F }

    /// See `PacketType`.
    package var type: UInt8 { bytes[1] }

    /// The sender of the packet; nil when the packet is a bare header.
    package var senderSSRC: UInt32? { bytes.count >= 8 ? bytes.uint32(at: 4) : nil }
}

/// The packets of an RTCP compound, in order. Iteration ends at the first packet that is malformed; `isWellFormed` tells whether there was one.
package struct RTCPCompound: Sequence, IteratorProtocol {
    private var rest: UnsafeRawBufferPointer
    /// False once a packet's version, length or padding did not fit.
    package private(set) var isWellFormed = true

    package init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    /// Whether every packet can be read: what follows the last one is nothing.
    package static func check(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var compound = RTCPCompound(bytes)
        var packets = 0
        while compound.next() != nil { packets += 1 }
        return compound.isWellFormed && packets > 0
    }

    package mutating func next() -> RTCPPacketView? {
        guard !rest.isEmpty else { return nil }
        guard let (size, padding) = Self.measure(rest) else {
            isWellFormed = false
            rest = UnsafeRawBufferPointer(start: nil, count: 0)
            return nil
        }
        let packet = RTCPPacketView(checked: UnsafeRawBufferPointer(rebasing: rest[..<(size - padding)]))
        rest = rest.suffix(fromOffset: size)
        return packet
    }

    /// Bytes of the first packet and how many of them are padding; nil when it is malformed.
    private static func measure(_ bytes: UnsafeRawBufferPointer) -> (size: Int, padding: Int)? {
        guard bytes.count >= 4, bytes[0] >> 6 == 2 else { return nil }
        // The length field counts 32-bit words minus one (RFC 3550 section 6.4.1).
        let size = 4 * (Int(bytes.uint16(at: 2)) + 1)
        guard size <= bytes.count else { return nil }
        guard bytes[0] & 0x20 != 0 else { return (size, 0) }
        // Padding counts itself and leaves the header (section 6.4.1). That section wants a multiple of four, in the last packet only; libwebrtc fills the
        // last word of transport-wide feedback with one to three bytes of it, also in front of other packets, so both are read.
        let padding = Int(bytes[size - 1])
        guard padding > 0, padding <= size - 4 else { return nil }
        return (size, padding)
    }
}
