/// The items of a source description packet (RFC 3550 section 6.5), chunk after chunk. Iteration ends at the first chunk or item that does not fit.
package struct SourceDescriptionItems: Sequence, IteratorProtocol {
    /// One item of one source.
    package struct Item {
        package var ssrc: UInt32
        /// See `ItemType`.
        package var type: UInt8
        /// UTF-8 by the standard, anything by the sender.
        package var value: UnsafeRawBufferPointer
    }

    /// Item types of the IANA registry "RTP SDES Item Types".
    package enum ItemType {
        package static let canonicalName: UInt8 = 1
        /// RFC 8852.
        package static let rid: UInt8 = 12
        /// RFC 8852.
        package static let repairedRID: UInt8 = 13
        /// RFC 8843.
        package static let mid: UInt8 = 15
    }

    private let bytes: UnsafeRawBufferPointer
    private var offset = 4
    private var remaining: Int
    /// The source of the chunk that is being read; nil between chunks.
    private var ssrc: UInt32?

    /// Empty for packets of other types.
    package init(_ packet: RTCPPacketView) {
        bytes = packet.bytes
        remaining = packet.type == RTCPPacketView.PacketType.sourceDescription ? Int(packet.countOrFormat) : 0
    }

    package mutating func next() -> Item? {
        while true {
            guard let ssrc = ssrc ?? beginChunk() else { return nil }
            guard offset < bytes.count else { return end() }
            guard bytes[offset] != 0 else {
                endChunk()
                continue
            }
            guard offset + 2 <= bytes.count else { return end() }
            let start = offset + 2
            let size = Int(bytes[offset + 1])
            guard size <= bytes.count - start else { return end() }
            defer { offset = start + size }
            return Item(ssrc: ssrc, type: bytes[offset], value: UnsafeRawBufferPointer(rebasing: bytes[start..<start + size]))
        }
    }

    private mutating func beginChunk() -> UInt32? {
        guard remaining > 0, offset + 4 <= bytes.count else { return nil }
        remaining -= 1
        ssrc = bytes.uint32(at: offset)
        offset += 4
        return ssrc
    }

    /// The null item ends a chunk, and its zeros reach to the next whole word: at least one, at most four.
    private mutating func endChunk() {
        offset = (offset + 4) & ~3
        ssrc = nil
    }

    private mutating func end() -> Item? {
        remaining = 0
        ssrc = nil
        offset = bytes.count
        return nil
    }
}

/// The sources that a BYE packet takes leave of (RFC 3550 section 6.6). A count that is larger than the packet ends with the last whole entry.
package struct GoodbyeSources: Sequence, IteratorProtocol {
    private let bytes: UnsafeRawBufferPointer
    private var offset = 4
    private var remaining: Int

    /// Empty for packets of other types.
    package init(_ packet: RTCPPacketView) {
        bytes = packet.bytes
        remaining = packet.type == RTCPPacketView.PacketType.goodbye ? Int(packet.countOrFormat) : 0
    }

    package mutating func next() -> UInt32? {
        guard remaining > 0, offset + 4 <= bytes.count else { return nil }
        defer {
            remaining -= 1
            offset += 4
        }
        return bytes.uint32(at: offset)
    }
}
