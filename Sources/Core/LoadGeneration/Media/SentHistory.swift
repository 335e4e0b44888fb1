internal import RTP

/// The last packets of a publisher, to be sent again.
struct SentHistory {
    /// Packets that are kept: five seconds at 2 Mbit/s.
    static let capacity = 1024

    private let slotBytes: Int
    /// Made with the first packet.
    private var bytes: [UInt8] = []
    private var entries: [(sequence: UInt16, count: Int)] = []
    private var rtxSequence: UInt16

    init(packetBytes: Int, rtxSequence: UInt16) {
        slotBytes = packetBytes
        self.rtxSequence = rtxSequence
    }

    mutating func keep(_ packet: UnsafeRawBufferPointer, sequence: UInt16) {
        guard packet.count <= slotBytes else { return }
        if bytes.isEmpty {
            bytes = [UInt8](repeating: 0, count: Self.capacity * slotBytes)
            entries = Array(repeating: (0, 0), count: Self.capacity)
        }
        let slot = Int(sequence) % Self.capacity
        entries[slot] = (sequence, packet.count)
        bytes.withUnsafeMutableBytes {
            UnsafeMutableRawBufferPointer(rebasing: $0[slot * slotBytes..<slot * slotBytes + packet.count]).copyMemory(from: packet)
        }
    }

    /// Writes the packet as it was, or as RTX: its header with numbers of its own, the original sequence number, the payload (RFC 4588 section 4).
    mutating func write(
        _ sequence: UInt16, as rtx: (ssrc: UInt32, payloadType: UInt8)?, headerBytes: Int, to output: UnsafeMutableRawBufferPointer
    ) -> Int {
        let slot = Int(sequence) % Self.capacity
        guard !entries.isEmpty, entries[slot].sequence == sequence, entries[slot].count > 0 else { return 0 }
        let count = entries[slot].count
        let prefix = rtx == nil ? 0 : RetransmissionPacket.prefixSize
        guard output.count >= count + prefix else { return 0 }
        bytes.withUnsafeBytes { all in
            let packet = UnsafeRawBufferPointer(rebasing: all[slot * slotBytes..<slot * slotBytes + count])
            output.copyMemory(from: UnsafeRawBufferPointer(rebasing: packet[..<headerBytes]))
            UnsafeMutableRawBufferPointer(rebasing: output[(headerBytes + prefix)...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: packet[headerBytes...]))
        }
        guard let rtx else { return count }
        output.store(sequence, at: headerBytes)
        guard let written = RTPPacketView(reading: UnsafeRawBufferPointer(rebasing: output[..<(count + prefix)])) else { return 0 }
        var header = RTPHeader(written)
        (header.ssrc, header.payloadType, header.sequence) = (rtx.ssrc, rtx.payloadType, rtxSequence)
        header.rewrite(output)
        rtxSequence &+= 1
        return count + prefix
    }
}
