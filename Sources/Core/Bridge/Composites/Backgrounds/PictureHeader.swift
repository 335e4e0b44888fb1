/// What a PNG or JPEG says of itself before it is decoded (ISO/IEC 15948 sections 5 and 11.2.1, ITU-T T.81 annex B). Its bytes are the only witness: a
/// name or a media type that came with it proves nothing.
package struct PictureHeader: Sendable, Equatable {
    package enum Format: String, Sendable, Codable, CaseIterable {
        case png, jpeg

        /// IANA media types.
        package var mediaType: String { "image/\(rawValue)" }
    }

    package var format: Format
    /// Pixels.
    package var width: Int
    package var height: Int

    /// Pixels, of each side: smaller ones are no background, and larger ones cost memory that nobody sees.
    package static let sides = 16...4096
    /// Bytes of a file.
    package static let largestFile = 8 << 20
    /// Passes over the whole picture that a progressive JPEG may want: each costs the time of a picture, whatever its length.
    package static let mostScans = 64

    /// Why something is no picture that can be taken; the text says what to do about it.
    package struct Fault: Error, Sendable, Equatable {
        package let text: String

        init(_ text: String) { self.text = text }

        static let unknown = Fault("a PNG or JPEG picture")
        static let damaged = Fault("a PNG or JPEG picture that is whole: this one breaks off or is damaged")
        static let size = Fault("a picture of \(sides.lowerBound) to \(sides.upperBound) pixels' width and height")
    }

    /// Reads all of a JPEG's segments, and of a PNG its first and last chunk.
    package init(reading bytes: some RandomAccessCollection<UInt8>) throws(Fault) {
        var reader = Reader(bytes)
        guard bytes.count <= Self.largestFile else { throw Fault("a picture of up to \(Self.largestFile >> 20) MiB") }
        if reader.skip(Self.signatureOfPNG) {
            self = try reader.png()
        } else if reader.skip([0xFF, 0xD8, 0xFF]) {
            self = try reader.jpeg()
        } else {
            throw .unknown
        }
        guard Self.sides.contains(width), Self.sides.contains(height) else { throw .size }
    }

    fileprivate init(_ format: Format, width: Int, height: Int) {
        self.format = format
        self.width = width
        self.height = height
    }

    private static let signatureOfPNG: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
}

/// Bytes that come one after the other; none beyond the end.
private struct Reader {
    private var rest: [UInt8].SubSequence

    init(_ bytes: some RandomAccessCollection<UInt8>) { rest = Array(bytes.prefix(PictureHeader.largestFile + 1))[...] }

    mutating func skip(_ wanted: [UInt8]) -> Bool {
        guard rest.starts(with: wanted) else { return false }
        rest = rest.dropFirst(wanted.count)
        return true
    }

    private mutating func number(bytes count: Int) throws(PictureHeader.Fault) -> Int {
        guard rest.count >= count else { throw .damaged }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reduce(0) { $0 << 8 | Int($1) }
    }

    // MARK: PNG

    private static let end: [UInt8] = [0, 0, 0, 0] + Array("IEND".utf8) + [0xAE, 0x42, 0x60, 0x82]

    mutating func png() throws(PictureHeader.Fault) -> PictureHeader {
        guard skip([0, 0, 0, 13] + Array("IHDR".utf8)) else { throw .damaged }
        let (width, height) = (try number(bytes: 4), try number(bytes: 4))
        let (depth, color) = (try number(bytes: 1), try number(bytes: 1))
        let rest = (compression: try number(bytes: 1), filter: try number(bytes: 1), interlace: try number(bytes: 1))
        guard rest.compression == 0, rest.filter == 0, rest.interlace <= 1 else { throw .damaged }
        switch (color, depth) {
        // Grey, palette, and the kinds with three colours or transparency.
        case (0, 1), (0, 2), (0, 4), (0, 8), (3, 1), (3, 2), (3, 4), (3, 8), (2, 8), (4, 8), (6, 8): break
        case (0, 16), (2, 16), (4, 16), (6, 16): throw PictureHeader.Fault("a PNG with 8 bits a colour: this one has 16")
        default: throw .damaged
        }
        guard self.rest.suffix(Self.end.count).elementsEqual(Self.end) else { throw .damaged }
        return PictureHeader(.png, width: width, height: height)
    }

    // MARK: JPEG

    private enum Marker {
        static let (startOfScan, endOfImage): (UInt8, UInt8) = (0xDA, 0xD9)
        /// Those that have no length: fill, TEM, RST0 to RST7.
        static func isBare(_ marker: UInt8) -> Bool { marker == 0x01 || (0xD0...0xD7).contains(marker) }
        /// SOF0 to SOF15, without DHT, JPG and DAC, which lie between them.
        static func isFrame(_ marker: UInt8) -> Bool { (0xC0...0xCF).contains(marker) && ![0xC4, 0xC8, 0xCC].contains(marker) }
        /// Baseline, extended and progressive with Huffman codes: what decoders everywhere take.
        static let decodable: ClosedRange<UInt8> = 0xC0...0xC2
    }

    /// The first marker's 0xFF is read already.
    mutating func jpeg() throws(PictureHeader.Fault) -> PictureHeader {
        var header: PictureHeader?
        var scans = 0
        while true {
            // Any number of 0xFF may stand before a marker (B.1.1.2).
            while rest.first == 0xFF { rest = rest.dropFirst() }
            guard let marker = rest.popFirst(), marker != 0 else { throw .damaged }
            if marker == Marker.endOfImage {
                guard let header, scans > 0 else { throw .damaged }
                return header
            }
            if !Marker.isBare(marker) {
                let segment = try segment()
                if Marker.isFrame(marker) {
                    guard header == nil else { throw .damaged }
                    header = try Self.frame(marker, segment)
                }
            }
            if marker == Marker.startOfScan {
                scans += 1
                guard header != nil else { throw .damaged }
                guard scans <= PictureHeader.mostScans else {
                    throw PictureHeader.Fault("a JPEG of up to \(PictureHeader.mostScans) scans")
                }
                skipCodes()
            }
            guard rest.popFirst() == 0xFF else { throw .damaged }
        }
    }

    private mutating func segment() throws(PictureHeader.Fault) -> [UInt8].SubSequence {
        let length = try number(bytes: 2) - 2
        guard length >= 0, rest.count >= length else { throw .damaged }
        defer { rest = rest.dropFirst(length) }
        return rest.prefix(length)
    }

    private static func frame(_ marker: UInt8, _ segment: [UInt8].SubSequence) throws(PictureHeader.Fault) -> PictureHeader {
        guard Marker.decodable.contains(marker) else {
            throw PictureHeader.Fault("a baseline or progressive JPEG: this one is of a rare kind")
        }
        var reader = Reader(segment)
        let precision = try reader.number(bytes: 1)
        let (height, width, components) = (try reader.number(bytes: 2), try reader.number(bytes: 2), try reader.number(bytes: 1))
        guard precision == 8, components == 1 || components == 3, reader.rest.count == 3 * components else {
            throw PictureHeader.Fault("a JPEG in grey or in YCbCr, 8 bits a colour: CMYK is for printers")
        }
        return PictureHeader(.jpeg, width: width, height: height)
    }

    /// Goes on to the 0xFF of the next marker: what is coded has a zero after each 0xFF of its own, or a restart marker (F.1.2.3).
    private mutating func skipCodes() {
        while let place = rest.firstIndex(of: 0xFF) {
            let next = rest[(place + 1)...].first { $0 != 0xFF }
            rest = rest[place...]
            guard let next, next == 0 || (0xD0...0xD7).contains(next) else { return }
            rest = rest.dropFirst(1)
        }
        rest = []
    }
}
