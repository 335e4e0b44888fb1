/// Writes an RTCP compound into a buffer, packet after packet (RFC 3550 section 6.1: a report first, unless reduced-size RTCP of RFC 5506 was negotiated).
///
/// It borrows its buffer, allocates nothing and never writes past the end: what does not fit is refused and leaves no trace.
package struct RTCPWriter {
    /// A packet that can still grow by entries of its kind.
    private enum Open {
        case none
        case report(start: Int, blocks: Int)
        case nack(start: Int, entry: Int)
    }

    private let bytes: UnsafeMutableRawBufferPointer
    private var open = Open.none
    /// Bytes of the compound so far.
    package private(set) var count = 0

    package init(_ bytes: UnsafeMutableRawBufferPointer) { self.bytes = bytes }

    /// Bytes that are left.
    package var room: Int { bytes.count - count }

    /// Adds a sender report; `appendReportBlock` adds to it. False when there is no room.
    package mutating func appendSenderReport(_ report: SenderReportView) -> Bool {
        guard room >= SenderReportView.size else { return false }
        report.write(to: UnsafeMutableRawBufferPointer(rebasing: bytes[count...]))
        open = .report(start: count, blocks: 0)
        count += SenderReportView.size
        return true
    }

    /// Adds a receiver report; `appendReportBlock` adds to it. False when there is no room.
    package mutating func appendReceiverReport(sender: UInt32) -> Bool {
        let start = count
        guard begin(RTCPPacketView.PacketType.receiverReport, format: 0, sender: sender, size: 8) else { return false }
        open = .report(start: start, blocks: 0)
        return true
    }

    /// Adds a block to the report that was written last. False when there is no room, the report is full, or another packet came after it.
    package mutating func appendReportBlock(_ block: ReportBlock) -> Bool {
        guard case .report(let start, let blocks) = open, blocks < ReportBlock.maximumPerReport, room >= ReportBlock.size else {
            return false
        }
        block.write(to: bytes, at: count)
        count += ReportBlock.size
        open = .report(start: start, blocks: blocks + 1)
        bytes[start] = 0x80 | UInt8(blocks + 1)
        storeLength(of: start)
        return true
    }

    /// Adds a source description with the canonical name alone (RFC 3550 section 6.5.1). False when there is no room or the name is longer than 255 bytes.
    package mutating func appendCanonicalName(_ name: some StringProtocol, of ssrc: UInt32) -> Bool {
        let length = name.utf8.count
        // The chunk's zeros end the items and fill the word: at least one.
        let size = (4 + 4 + 2 + length + 4) & ~3
        let start = count
        guard length <= UInt8.max, begin(RTCPPacketView.PacketType.sourceDescription, format: 1, sender: ssrc, size: size) else {
            return false
        }
        bytes[start + 8] = SourceDescriptionItems.ItemType.canonicalName
        bytes[start + 9] = UInt8(length)
        for (index, byte) in name.utf8.enumerated() { bytes[start + 10 + index] = byte }
        for offset in start + 10 + length..<count { bytes[offset] = 0 }
        return true
    }

    /// Adds a BYE of one source, without a reason (RFC 3550 section 6.6). False when there is no room.
    package mutating func appendGoodbye(of ssrc: UInt32) -> Bool {
        begin(RTCPPacketView.PacketType.goodbye, format: 1, sender: ssrc, size: 8)
    }

    /// Adds a picture loss indication (RFC 4585 section 6.3.1). False when there is no room.
    package mutating func appendPictureLossIndication(sender: UInt32, media: UInt32) -> Bool {
        beginFeedback(RTCPPacketView.PacketType.payloadFeedback, format: 1, sender: sender, media: media, size: 12)
    }

    /// Adds a full intra request of one entry (RFC 5104 section 4.3.1); `sequence` is another one for each new request. False when there is no room.
    package mutating func appendFullIntraRequest(sender: UInt32, media: UInt32, sequence: UInt8) -> Bool {
        let start = count
        // The media SSRC of the common header is not used: it is zero (section 4.3.1.2).
        guard beginFeedback(RTCPPacketView.PacketType.payloadFeedback, format: 4, sender: sender, media: 0, size: 20) else { return false }
        bytes.store(media, at: start + 12)
        bytes.store(UInt32(sequence) << 24, at: start + 16)
        return true
    }

    /// Begins a generic NACK with its first lost packet; `appendLost` adds more (RFC 4585 section 6.2.1). False when there is no room.
    package mutating func appendNack(sender: UInt32, media: UInt32, lost sequence: UInt16) -> Bool {
        let start = count
        guard beginFeedback(RTCPPacketView.PacketType.transportFeedback, format: 1, sender: sender, media: media, size: 16) else {
            return false
        }
        bytes.store(UInt32(sequence) << 16, at: start + 12)
        open = .nack(start: start, entry: start + 12)
        return true
    }

    /// Adds a lost packet, in ascending order, to the NACK that was written last. False when there is no room or another packet came after it.
    package mutating func appendLost(_ sequence: UInt16) -> Bool {
        guard case .nack(let start, let entry) = open else { return false }
        let written = UnsafeRawBufferPointer(bytes)
        let distance = sequence &- written.uint16(at: entry)
        if distance == 0 { return true }
        if distance <= 16 {
            bytes.store(written.uint16(at: entry + 2) | 1 << (distance - 1), at: entry + 2)
            return true
        }
        guard room >= 4 else { return false }
        bytes.store(UInt32(sequence) << 16, at: count)
        open = .nack(start: start, entry: count)
        count += 4
        storeLength(of: start)
        return true
    }

    /// Adds a receiver's estimate in bits a second for `media` (REMB, draft-alvestrand-rmcat-remb-03). False when there is no room.
    package mutating func appendReceiverEstimate(sender: UInt32, bitrate: UInt64, media: UInt32) -> Bool {
        let start = count
        let size = ReceiverEstimate.fixedSize + 4
        // The media SSRC of the common header is always zero (section 2.2).
        guard beginFeedback(RTCPPacketView.PacketType.payloadFeedback, format: 15, sender: sender, media: 0, size: size) else {
            return false
        }
        bytes.store(ReceiverEstimate.identifier, at: start + 12)
        bytes.store(1 << 24 | ReceiverEstimate.encode(bitrate), at: start + 16)
        bytes.store(media, at: start + 20)
        return true
    }

    /// Adds transport-wide feedback. `arrivals` are the packets from `header.baseSequence` on; see `TransportFeedbackEncoder`. How many of them it
    /// speaks of: fewer than all when there is no room or their times lie too far apart, none (and nothing is written) when not one fits or none arrived.
    package mutating func appendTransportFeedback(
        _ header: TransportFeedbackEncoder.Header, arrivals: UnsafeBufferPointer<Int64>
    ) -> Int {
        let encoder = TransportFeedbackEncoder(header, arrivals: arrivals)
        let (size, statuses) = encoder.write(to: UnsafeMutableRawBufferPointer(rebasing: bytes[count...]))
        count += size
        open = .none
        return statuses
    }

    private mutating func begin(_ type: UInt8, format: UInt8, sender: UInt32, size: Int) -> Bool {
        guard room >= size else { return false }
        bytes[count] = 0x80 | format
        bytes[count + 1] = type
        bytes.store(UInt16(size / 4 - 1), at: count + 2)
        bytes.store(sender, at: count + 4)
        count += size
        open = .none
        return true
    }

    private mutating func beginFeedback(_ type: UInt8, format: UInt8, sender: UInt32, media: UInt32, size: Int) -> Bool {
        let start = count
        guard begin(type, format: format, sender: sender, size: size) else { return false }
        bytes.store(media, at: start + 8)
        return true
    }

    /// Writes the length field of the packet at `start`, which is the last one.
    private func storeLength(of start: Int) {
        bytes.store(UInt16(truncatingIfNeeded: (count - start) / 4 - 1), at: start + 2)
    }
}
