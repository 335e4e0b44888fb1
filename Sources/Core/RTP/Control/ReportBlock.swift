/// What one receiver says about one source (RFC 3550 section 6.4.1).
package struct ReportBlock: Equatable, Sendable {
    /// Bytes of a block on the wire.
    package static let size = 24
    /// Blocks that fit into one report (the count has five bits).
    package static let maximumPerReport = 31

    /// The source that the block is about.
    package var ssrc: UInt32
    /// Part of the packets lost since the last report, in 1/256.
    package var fractionLost: UInt8
    /// Packets lost since the beginning, -2^23 ..< 2^23; duplicates can make it negative.
    package var cumulativeLost: Int32
    /// Sequence number cycles in the upper half, the highest sequence number in the lower one.
    package var extendedHighestSequence: UInt32
    /// Interarrival jitter in units of the source's RTP clock.
    package var jitter: UInt32
    /// The middle 32 bits of the NTP timestamp of the source's last sender report; 0 before the first.
    package var lastSenderReport: UInt32
    /// Between that report's arrival and this block, in 1/65536 s; 0 before the first.
    package var delaySinceLastSenderReport: UInt32

    package init(
        ssrc: UInt32, fractionLost: UInt8 = 0, cumulativeLost: Int32 = 0, extendedHighestSequence: UInt32 = 0, jitter: UInt32 = 0
    ) {
        self.ssrc = ssrc
        self.fractionLost = fractionLost
        self.cumulativeLost = cumulativeLost
        self.extendedHighestSequence = extendedHighestSequence
        self.jitter = jitter
        lastSenderReport = 0
        delaySinceLastSenderReport = 0
    }

    /// Reads the block at `offset`, which the caller has checked.
    init(reading bytes: UnsafeRawBufferPointer, at offset: Int) {
        let loss = bytes.uint32(at: offset + 4)
        self.init(
            ssrc: bytes.uint32(at: offset), fractionLost: UInt8(loss >> 24),
            // 24 bits, signed: the shift left and the arithmetic one back extend the sign.
            cumulativeLost: Int32(bitPattern: loss << 8) >> 8, extendedHighestSequence: bytes.uint32(at: offset + 8),
            jitter: bytes.uint32(at: offset + 12))
        lastSenderReport = bytes.uint32(at: offset + 16)
        delaySinceLastSenderReport = bytes.uint32(at: offset + 20)
    }

    /// Writes the block at `offset`, where the caller has made room. A loss count out of range is clamped.
    func write(to bytes: UnsafeMutableRawBufferPointer, at offset: Int) {
        let clamped = min(max(cumulativeLost, -0x80_0000), 0x7F_FFFF)
        bytes.store(ssrc, at: offset)
        bytes.store(UInt32(fractionLost) << 24 | UInt32(bitPattern: clamped) & 0xFF_FFFF, at: offset + 4)
        bytes.store(extendedHighestSequence, at: offset + 8)
        bytes.store(jitter, at: offset + 12)
        bytes.store(lastSenderReport, at: offset + 16)
        bytes.store(delaySinceLastSenderReport, at: offset + 20)
    }
}

/// The report blocks of a sender or receiver report. A count that is larger than the packet ends with the last whole block.
package struct ReportBlocks: Sequence, IteratorProtocol {
    private let bytes: UnsafeRawBufferPointer
    private var offset: Int
    private var remaining: Int

    /// Empty for packets of other types.
    package init(_ packet: RTCPPacketView) {
        bytes = packet.bytes
        remaining = Int(packet.countOrFormat)
        switch packet.type {
        case RTCPPacketView.PacketType.senderReport: offset = SenderReportView.size
        case RTCPPacketView.PacketType.receiverReport: offset = 8
        default:
            offset = 0
            remaining = 0
        }
    }

    package mutating func next() -> ReportBlock? {
        guard remaining > 0, offset + ReportBlock.size <= bytes.count else { return nil }
        defer {
            remaining -= 1
            offset += ReportBlock.size
        }
        return ReportBlock(reading: bytes, at: offset)
    }
}
