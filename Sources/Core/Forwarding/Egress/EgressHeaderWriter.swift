internal import BridgeModel
internal import RTP

/// The bytes of a packet that are the viewer's own, written into the caller's buffer: RTP header, header extensions, and what is rewritten of the payload.
struct EgressHeaderWriter: Sendable {
    /// What is written for one packet.
    struct Content {
        var header: RTPHeader
        var hop: ExtensionRewriter.HopValues
        /// RTX's original sequence number (RFC 4588 section 4).
        var originalSequence: UInt16?
        var offsets = SequenceMap.Offsets()
    }

    /// Room for the block of extensions: the header, RTX and the longest rewritten descriptor are beside it.
    private static let extensionCapacity = ExtensionRewriter.maximumBlockSize

    let target: ExtensionMap
    private var rewriter: ExtensionRewriter

    init(source: ExtensionMap, target: ExtensionMap) {
        self.target = target
        rewriter = ExtensionRewriter(from: source, to: target)
    }

    /// Another source sends with other ids.
    mutating func setSource(_ map: ExtensionMap) { rewriter = ExtensionRewriter(from: map, to: target) }

    /// Writes what belongs in front of the shared bytes of `stored`; the packet with sizes and ranges.
    func write(
        _ content: Content, descriptor: PacketDescriptor, stored: UnsafeRawBufferPointer, into bytes: UnsafeMutableRawBufferPointer
    ) -> EgressPacket {
        content.header.write(to: bytes)
        var size = RTPPacketView.fixedHeaderSize
        let block = UnsafeMutableRawBufferPointer(rebasing: bytes[size..<size + Self.extensionCapacity])
        if !target.isEmpty, let view = RTPPacketView(reading: stored) {
            var hop = content.hop
            hop.frameNumber = descriptor.numbering.frameNumber(with: content.offsets)
            let written = rewriter.write(view, hop: hop, into: block)
            size += mark(written.size, in: bytes)
        }
        let headerSize = size
        if let original = content.originalSequence {
            bytes.storeBytes(of: original.bigEndian, toByteOffset: size, as: UInt16.self)
            size += 2
        }
        var payloadStart = Int(descriptor.payloadStart)
        let numbering = descriptor.numbering
        if numbering.isChanged(by: content.offsets) {
            let head = UnsafeMutableRawBufferPointer(rebasing: bytes[size..<size + Int(numbering.size)])
            head.copyMemory(from: UnsafeRawBufferPointer(rebasing: stored[payloadStart..<payloadStart + Int(numbering.size)]))
            numbering.apply(content.offsets, to: head)
            size += Int(numbering.size)
            payloadStart += Int(numbering.size)
        }
        return EgressPacket(
            purpose: content.originalSequence == nil ? .media : .retransmission, headerSize: headerSize, prefixSize: size - headerSize,
            index: 0, payload: payloadStart..<Int(descriptor.payloadEnd), paddingSize: 0, endsFrame: content.header.marker)
    }

    /// Writes the header of a packet without payload; `padding` bytes follow it.
    func writeEmpty(
        _ header: RTPHeader, hop: ExtensionRewriter.HopValues, padding: UInt8, into bytes: UnsafeMutableRawBufferPointer
    ) -> EgressPacket {
        header.write(to: bytes)
        let fixed = RTPPacketView.fixedHeaderSize
        var size = fixed
        withUnsafeTemporaryAllocation(byteCount: fixed, alignment: 4) { bare in
            header.write(to: bare)
            guard !target.isEmpty, let view = RTPPacketView(reading: UnsafeRawBufferPointer(bare)) else { return }
            let block = UnsafeMutableRawBufferPointer(rebasing: bytes[fixed..<fixed + Self.extensionCapacity])
            size += mark(rewriter.write(view, hop: hop, into: block).size, in: bytes)
        }
        if padding > 0 { bytes[0] |= 0x20 }
        return EgressPacket(
            purpose: .padding, headerSize: size, prefixSize: 0, index: 0, payload: 0..<0, paddingSize: padding, endsFrame: true)
    }

    /// Sets the X bit when there is a block of extensions (RFC 3550 section 5.1).
    private func mark(_ blockSize: Int, in bytes: UnsafeMutableRawBufferPointer) -> Int {
        if blockSize > 0 { bytes[0] |= 0x10 }
        return blockSize
    }
}
