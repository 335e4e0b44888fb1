/// Reads elements of a file through a small piece of it in memory.
struct ByteWindow {
    /// Id and size of an element (RFC 8794 sections 5 and 6).
    struct Element {
        var id: UInt32
        /// nil: unknown.
        var size: UInt64?
        /// Where its id begins.
        var start: UInt64
        /// Where its content begins.
        var content: UInt64
    }

    /// What a SimpleBlock says before its frame (RFC 9559 section 10.2).
    struct Block {
        var track: UInt8
        /// Milliseconds from the cluster's time.
        var relativeTime: Int16
        var isKeyframe: Bool
        /// It stands for a time in which nothing came.
        var isGap: Bool
    }

    /// What is read at once, bytes: the heads of a cluster's first frames, without much of the frames.
    private static let length = 4096
    private let readBytes: MatroskaReader.ReadBytes
    private var offset: UInt64 = 0
    private var bytes: [UInt8] = []

    init(readBytes: @escaping MatroskaReader.ReadBytes) { self.readBytes = readBytes }

    /// The element at `position`; nil when its head is cut or malformed.
    mutating func element(at position: UInt64) -> Element? {
        let head = peek(position, 12)
        guard let (idLength, id) = MatroskaReader.elementID(head),
            let (sizeLength, size) = MatroskaReader.elementSize(head.dropFirst(idLength))
        else { return nil }
        return Element(id: id, size: size, start: position, content: position + UInt64(idLength + sizeLength))
    }

    /// An unsigned integer element's value, clamped; 0 for one of more than eight bytes.
    mutating func unsigned(at position: UInt64, count: UInt64) -> Int64 {
        guard count <= 8 else { return 0 }
        return Int64(clamping: peek(position, Int(count)).reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    /// A block's head; nil when it is shorter, or of a track number that we never write.
    mutating func block(at position: UInt64, count: UInt64) -> Block? {
        let head = peek(position, 4)
        guard count > 4, head.count == 4, let first = head.first, first & 0x80 != 0 else { return nil }
        let at = head.startIndex
        return Block(
            track: first & 0x7F, relativeTime: Int16(bitPattern: UInt16(head[at + 1]) << 8 | UInt16(head[at + 2])),
            isKeyframe: head[at + 3] & 0x80 != 0, isGap: isGap(at: position + 4, count: count - 4))
    }

    private mutating func isGap(at position: UInt64, count: UInt64) -> Bool {
        GapSilence.sizes.contains(Int(clamping: count)) && GapSilence.isGap(peek(position, Int(count)))
    }

    private mutating func peek(_ position: UInt64, _ count: Int) -> ArraySlice<UInt8> {
        if position < offset || position &+ UInt64(count) > offset &+ UInt64(bytes.count) {
            bytes = readBytes(position, Self.length)
            offset = position
        }
        let first = Int(position - offset)
        return bytes[min(first, bytes.count)..<min(bytes.count, first + count)]
    }
}

/// Goes through the blocks of a cluster whose end is known.
struct ClusterWalk {
    /// The cluster's time, milliseconds; known when the first block is.
    private(set) var time: Int64 = 0
    private var position: UInt64
    private let end: UInt64

    init(content: UInt64, end: UInt64) {
        position = content
        self.end = end
    }

    /// The next block; nil at the end and where the bytes make no sense.
    mutating func next(_ source: inout ByteWindow) -> ByteWindow.Block? {
        while position < end, let element = source.element(at: position), let length = element.size,
            length <= end - min(end, element.content)
        {
            position = element.content + length
            if element.id == ElementID.timestamp { time = source.unsigned(at: element.content, count: length) }
            if element.id == ElementID.simpleBlock, let block = source.block(at: element.content, count: length) { return block }
        }
        return nil
    }
}
