/// A feedback message that a forwarder acts on (RFC 4585, RFC 5104), read in place.
package enum RTCPFeedback {
    /// Picture loss indication (RFC 4585 section 6.3.1): the media source's decoder state is lost.
    case pictureLossIndication(media: UInt32)
    /// Full intra request (RFC 5104 section 4.3.1), one entry for each media source.
    case fullIntraRequest(FullIntraRequestEntries)
    /// Generic NACK (RFC 4585 section 6.2.1).
    case nack(media: UInt32, LostSequences)

    /// Nil when the packet is no feedback, of a format that is not read here, or too short.
    package init?(_ packet: RTCPPacketView) {
        // Header, sender SSRC and media SSRC (RFC 4585 section 6.1).
        guard packet.bytes.count >= 12 else { return nil }
        let media = packet.bytes.uint32(at: 8)
        let control = packet.bytes.suffix(fromOffset: 12)
        switch (packet.type, packet.countOrFormat) {
        case (RTCPPacketView.PacketType.payloadFeedback, 1):
            self = .pictureLossIndication(media: media)
        case (RTCPPacketView.PacketType.payloadFeedback, 4):
            guard control.count >= 8 else { return nil }
            self = .fullIntraRequest(FullIntraRequestEntries(control))
        case (RTCPPacketView.PacketType.transportFeedback, 1):
            guard control.count >= 4 else { return nil }
            self = .nack(media: media, LostSequences(control))
        default:
            return nil
        }
    }
}

/// The entries of a full intra request: eight bytes each (RFC 5104 section 4.3.1.1); a broken rest is not read.
package struct FullIntraRequestEntries: Sequence, IteratorProtocol {
    private let control: UnsafeRawBufferPointer
    private var offset = 0

    init(_ control: UnsafeRawBufferPointer) { self.control = control }

    package mutating func next() -> (ssrc: UInt32, sequence: UInt8)? {
        guard offset + 8 <= control.count else { return nil }
        defer { offset += 8 }
        return (control.uint32(at: offset), control[offset + 4])
    }
}

/// The sequence numbers that a generic NACK names: each entry is one number and a bit mask of the sixteen after it (RFC 4585 section 6.2.1).
package struct LostSequences: Sequence, IteratorProtocol {
    private let control: UnsafeRawBufferPointer
    private var offset = 0
    /// Next bit of the entry at `offset`: -1 for its own number, then 0...15.
    private var bit = -1

    init(_ control: UnsafeRawBufferPointer) { self.control = control }

    package mutating func next() -> UInt16? {
        while offset + 4 <= control.count {
            let first = control.uint16(at: offset)
            let mask = control.uint16(at: offset + 2)
            if bit < 0 {
                bit = 0
                return first
            }
            while bit < 16 {
                defer { bit += 1 }
                if mask & (1 << UInt16(bit)) != 0 { return first &+ UInt16(bit) &+ 1 }
            }
            offset += 4
            bit = -1
        }
        return nil
    }
}
