package import BridgeModel

/// Reads a file of `MatroskaWriter`, whole or cut at any byte, frame by frame.
///
/// The bytes come through a closure, so that Core stays without IO and files of any size need little memory. What is cut off at the end
/// is the end of the file; a header that cannot be read is an error.
package struct MatroskaReader {
    /// Gives up to `count` bytes from `offset` on: fewer at the end of the file, none behind it.
    package typealias ReadBytes = (_ offset: UInt64, _ count: Int) -> [UInt8]

    /// Why a file cannot be read.
    package enum Failure: Error, Sendable, Equatable {
        /// It does not begin as Matroska does, or ends before its first track.
        case noHeader
    }

    /// Larger frames are not believed, bytes.
    package static let largestFrame = 64 * 1024 * 1024
    /// The header is read at once; it is far smaller.
    private static let largestHeaderElement: UInt64 = 1024 * 1024
    /// Later times are not believed.
    static let latestMilliseconds = Int64(Int32.max) * 1000

    /// The tracks that are understood.
    package private(set) var tracks: [MatroskaTrack] = []
    /// The wall-clock time of time zero; nil when the file does not say.
    package private(set) var startedAt: WallTime?
    private let readBytes: ReadBytes
    private var window = Window()
    private var offset: UInt64 = 0
    private var clusterTime: Int64 = 0

    /// Reads the header. Throws `noHeader`.
    package init(readBytes: @escaping ReadBytes) throws(Failure) {
        self.readBytes = readBytes
        guard let first = nextElement(), first.id == ElementID.ebml, let size = first.size else { throw .noHeader }
        offset += min(size, Self.largestHeaderElement)
        guard let segment = nextElement(), segment.id == ElementID.segment else { throw .noHeader }
        while let element = nextElement() {
            guard element.id != ElementID.cluster else {
                offset = element.start
                break
            }
            guard let size = element.size, size <= Self.largestHeaderElement, let content = take(Int(size)) else { break }
            switch element.id {
            case ElementID.info: readInfo(content)
            case ElementID.tracks:
                tracks = Self.children(content).compactMap { $0.id == ElementID.trackEntry ? Self.track($0.content) : nil }
            default: continue
            }
        }
        guard !tracks.isEmpty else { throw .noHeader }
    }

    /// The next frame in file order; nil at the end, at a cut, and where the bytes make no sense any more.
    package mutating func next() -> MatroskaFrame? {
        while let element = nextElement() {
            switch element.id {
            case ElementID.cluster: continue
            case ElementID.timestamp:
                guard let size = element.size, size <= 8, let content = take(Int(size)) else { return nil }
                clusterTime = Int64(clamping: Self.unsigned(content))
            case ElementID.simpleBlock:
                guard let size = element.size, size <= UInt64(Self.largestFrame), let content = take(Int(size)) else { return nil }
                if let frame = frame(content) { return frame }
            default:
                guard let size = element.size, size < 1 << 56 else { return nil }
                offset += size
            }
        }
        return nil
    }

    /// Where the next element is read, bytes from the beginning of the file.
    var position: UInt64 { offset }

    /// Goes to a cluster, by its place in a `ClusterIndex`; the next frame is its first.
    package mutating func move(toCluster position: UInt64) {
        offset = position
        clusterTime = 0
    }

    private func frame(_ block: [UInt8]) -> MatroskaFrame? {
        guard block.count > 4, block[0] & 0x80 != 0 else { return nil }
        let number = block[0] & 0x7F
        guard tracks.contains(where: { $0.number == number }) else { return nil }
        let relative = Int16(bitPattern: UInt16(block[1]) << 8 | UInt16(block[2]))
        let milliseconds = min(max(0, clusterTime &+ Int64(relative)), Self.latestMilliseconds)
        return MatroskaFrame(
            track: number, time: .milliseconds(milliseconds), isKeyframe: block[3] & 0x80 != 0, bytes: Array(block[4...]))
    }

    private mutating func readInfo(_ content: [UInt8]) {
        for child in Self.children(content) where child.id == ElementID.dateUTC && child.content.count == 8 {
            let (time, overflow) = Int64(bitPattern: Self.unsigned(child.content)).addingReportingOverflow(year2001)
            startedAt = overflow ? nil : WallTime(nanoseconds: time)
        }
    }

    private static func track(_ content: [UInt8]) -> MatroskaTrack? {
        let fields = Dictionary(children(content).map { ($0.id, $0.content) }, uniquingKeysWith: { first, _ in first })
        let number = fields[ElementID.trackNumber].map(unsigned) ?? 0
        let codecPrivate = fields[ElementID.codecPrivate] ?? []
        let name = String(decoding: fields[ElementID.codecID] ?? [], as: UTF8.self)
        guard (1...127).contains(number), let codec = Codec(matroskaID: name, codecPrivate: codecPrivate) else { return nil }
        let details = children(fields[ElementID.video] ?? fields[ElementID.audio] ?? [])
        let value = { (id: UInt32) in
            Int(min(65_535, details.first { $0.id == id }.map { unsigned($0.content) } ?? 0))
        }
        return MatroskaTrack(
            number: UInt8(number), codec: codec, width: value(ElementID.pixelWidth), height: value(ElementID.pixelHeight),
            channels: max(1, value(ElementID.channels)), codecPrivate: codecPrivate)
    }
}

// EBML (RFC 8794): element by element.
extension MatroskaReader {
    private struct Element {
        var id: UInt32
        /// nil: unknown.
        var size: UInt64?
        var start: UInt64
    }

    /// A piece of the file in memory, so that small reads cost little.
    private struct Window {
        var offset: UInt64 = 0
        var bytes: [UInt8] = []
    }

    /// Id and size at `offset`, which moves behind them; nil when they are cut or malformed.
    private mutating func nextElement() -> Element? {
        let start = offset
        let head = peek(12)
        guard let (idLength, id) = Self.elementID(head), let (sizeLength, size) = Self.elementSize(head.dropFirst(idLength)) else {
            return nil
        }
        offset += UInt64(idLength + sizeLength)
        return Element(id: id, size: size, start: start)
    }

    /// `count` bytes from `offset`, which moves behind them; nil when the file ends before.
    private mutating func take(_ count: Int) -> [UInt8]? {
        let bytes = peek(count)
        guard bytes.count == count else { return nil }
        offset += UInt64(count)
        return Array(bytes)
    }

    private mutating func peek(_ count: Int) -> ArraySlice<UInt8> {
        let end = window.offset + UInt64(window.bytes.count)
        if offset < window.offset || offset + UInt64(count) > end {
            window = Window(offset: offset, bytes: readBytes(offset, max(count, 256 * 1024)))
        }
        let first = Int(offset - window.offset)
        return window.bytes[first..<min(window.bytes.count, first + count)]
    }

    /// One to four bytes, the marker kept (RFC 8794 section 5).
    static func elementID(_ bytes: ArraySlice<UInt8>) -> (length: Int, id: UInt32)? {
        guard let first = bytes.first, first != 0 else { return nil }
        let length = first.leadingZeroBitCount + 1
        guard length <= 4, bytes.count >= length else { return nil }
        return (length, bytes.prefix(length).reduce(0) { $0 << 8 | UInt32($1) })
    }

    /// One to eight bytes, the marker removed; all ones is 'unknown' (RFC 8794 section 6.2).
    static func elementSize(_ bytes: ArraySlice<UInt8>) -> (length: Int, size: UInt64?)? {
        guard let first = bytes.first, first != 0 else { return nil }
        let length = first.leadingZeroBitCount + 1
        guard bytes.count >= length else { return nil }
        let mask = (UInt64(1) << UInt64(7 * length)) - 1
        let value = bytes.prefix(length).reduce(0) { $0 << 8 | UInt64($1) } & mask
        return (length, value == mask ? nil : value)
    }

    /// The elements within a master element that is in memory; a malformed rest is left out.
    private static func children(_ content: [UInt8]) -> [(id: UInt32, content: [UInt8])] {
        var rest = content[...]
        var found: [(id: UInt32, content: [UInt8])] = []
        while let (idLength, id) = elementID(rest), let (sizeLength, size) = elementSize(rest.dropFirst(idLength)) {
            rest = rest.dropFirst(idLength + sizeLength)
            guard let size, size <= UInt64(rest.count) else { break }
            found.append((id, Array(rest.prefix(Int(size)))))
            rest = rest.dropFirst(Int(size))
        }
        return found
    }

    private static func unsigned(_ bytes: [UInt8]) -> UInt64 {
        bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
