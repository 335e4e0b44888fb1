/// Bytes of packets in the order in which they came, in blocks that are reused: storing one costs a copy, and memory only while the store grows.
struct PacketStore {
    /// Where a packet lies.
    struct Location {
        fileprivate var block: UInt64
        fileprivate var offset: UInt32
        fileprivate var count: UInt32

        var byteCount: Int { Int(count) }
    }

    private static let blockSize = 64 * 1024
    /// Blocks that are kept for reuse: a keyframe's worth.
    private static let spareLimit = 4

    private struct Block {
        var bytes: [UInt8]
        var used = 0
        var packets = 0
    }

    private var blocks = IndexedQueue<Block>()
    private var spares: [[UInt8]] = []

    /// Copies a packet of at most one block; nil when it is larger.
    mutating func append(_ packet: UnsafeRawBufferPointer) -> Location? {
        guard packet.count <= Self.blockSize else { return nil }
        if blocks.isEmpty || blocks[blocks.endIndex - 1].used + packet.count > Self.blockSize {
            blocks.append(Block(bytes: spares.popLast() ?? [UInt8](repeating: 0, count: Self.blockSize)))
        }
        let block = blocks.endIndex - 1
        let offset = blocks[block].used
        blocks[block].bytes.withUnsafeMutableBytes { bytes in
            UnsafeMutableRawBufferPointer(rebasing: bytes[offset...]).copyMemory(from: packet)
        }
        blocks[block].used += packet.count
        blocks[block].packets += 1
        return Location(block: block, offset: UInt32(offset), count: UInt32(packet.count))
    }

    /// Gives up the oldest packet, which lies at `location`.
    mutating func removeFirst(_ location: Location) {
        blocks[location.block].packets -= 1
        while !blocks.isEmpty, blocks[blocks.firstIndex].packets == 0, blocks.firstIndex + 1 < blocks.endIndex {
            var bytes: [UInt8] = []
            swap(&bytes, &blocks[blocks.firstIndex].bytes)
            if spares.count < Self.spareLimit { spares.append(bytes) }
            blocks.removeFirst()
        }
    }

    /// The bytes of a packet that was not removed, for the time of `body`.
    func withBytes<Result>(at location: Location, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        blocks[location.block].bytes.withUnsafeBytes { bytes in
            let start = Int(location.offset)
            return body(UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(location.count)]))
        }
    }
}
