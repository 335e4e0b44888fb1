import Bridge
import Testing

@Suite struct PictureHeaderTests {
    private static let end: [UInt8] = [0, 0, 0, 0] + Array("IEND".utf8) + [0xAE, 0x42, 0x60, 0x82]

    private static func png(_ width: UInt16 = 640, _ height: UInt16 = 360, depth: UInt8 = 8, color: UInt8 = 2, rest: [UInt8] = [0, 0, 0])
        -> [UInt8]
    {
        let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
        let size: [UInt8] = [width, height].flatMap { [0, 0, UInt8($0 >> 8), UInt8($0 & 255)] }
        let header: [UInt8] = [0, 0, 0, 13] + Array("IHDR".utf8)
        return signature + header + size + [depth, color] + rest + [1, 2, 3, 4] + end
    }

    private static func frame(
        _ marker: UInt8 = 0xC0, _ width: UInt16 = 640, _ height: UInt16 = 360, precision: UInt8 = 8, components: UInt8 = 3
    ) -> [UInt8] {
        let size: [UInt8] = [height, width].flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        var list: [UInt8] = []
        for component in 0..<components { list += [component, 0x11, 0] }
        let head: [UInt8] = [0xFF, marker, 0, UInt8(8 + list.count), precision]
        return head + size + [components] + list
    }

    /// Codes with a stuffed zero, a restart marker and a doubled fill byte before the next one.
    private static let scan: [UInt8] = [0xFF, 0xDA, 0, 3, 7, 0x55, 0xFF, 0, 0x33, 0xFF, 0xD0, 0x12, 0xFF]

    private static func jpeg(_ frame: [UInt8] = frame(), scans: Int = 1, end: [UInt8] = [0xFF, 0xD9]) -> [UInt8] {
        // JFIF, a comment that looks like a frame, fill bytes.
        let before: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 0x4A, 0x46, 0xFF, 0xFE, 0, 5, 0xFF, 0xC0, 0, 0xFF, 0xFF]
        let scans = Array(repeating: scan, count: scans).flatMap(\.self)
        return before + frame + scans + end
    }

    @Test func sizesAreRead() throws {
        #expect(try PictureHeader(reading: Self.png()).format == .png)
        for bytes in [
            Self.png(), Self.png(color: 6), Self.png(depth: 1, color: 3), Self.png(rest: [0, 0, 1]), Self.jpeg(), Self.jpeg(scans: 64),
            Self.jpeg(Self.frame(0xC2)), Self.jpeg(Self.frame(components: 1)), Self.jpeg(end: [0xFF, 0xD9, 0, 0]),
        ] {
            let header = try PictureHeader(reading: bytes)
            #expect(header.width == 640 && header.height == 360)
        }
        #expect(try PictureHeader(reading: Self.png(16, 4096)).height == 4096)
        #expect(try PictureHeader(reading: Self.jpeg(Self.frame(0xC1, 4096, 16))).width == 4096)
        #expect(PictureHeader.Format.jpeg.mediaType == "image/jpeg")
    }

    @Test(
        arguments: [
            ([], "a PNG or JPEG"), (Array("GIF89a".utf8), "a PNG or JPEG"), ([0xFF, 0xD8], "a PNG or JPEG"),
            (Array("<svg xmlns='http://www.w3.org/2000/svg'/>".utf8), "a PNG or JPEG"),
            (png(15), "pixels"), (png(640, 4097), "pixels"), (png(0, 0), "pixels"), (png(depth: 16), "16"), (png(depth: 3), "damaged"),
            (png(color: 7), "damaged"), (png(depth: 2, color: 2), "damaged"), (png(rest: [1, 0, 0]), "damaged"),
            (png(rest: [0, 1, 0]), "damaged"), (png(rest: [0, 0, 2]), "damaged"), (Array(png().dropLast()), "damaged"),
            (Array(png().prefix(20)), "damaged"), (Array(png().prefix(8)), "damaged"),
            (jpeg([]), "damaged"), (jpeg(frame(components: 4)), "CMYK"), (jpeg(frame(precision: 12)), "8 bits"),
            (jpeg(frame(0xC3)), "rare"), (jpeg(frame(0xC9)), "rare"), (jpeg(frame() + frame()), "damaged"), (jpeg(scans: 0), "damaged"),
            (jpeg(scans: 65), "scans"), (jpeg(end: []), "damaged"), (jpeg(end: [0xFF]), "damaged"),
            (jpeg(frame(0xC0, 8, 8)), "pixels"), (jpeg(frame(0xC0, 640, 0)), "pixels"),
            ([0xFF, 0xD8, 0xFF, 0xE0], "damaged"), ([0xFF, 0xD8, 0xFF, 0xE0, 0, 1], "damaged"),
            ([0xFF, 0xD8, 0xFF, 0xE0, 0, 9, 1], "damaged"),
            ([0xFF, 0xD8, 0xFF, 0], "damaged"), ([0xFF, 0xD8, 0xFF, 0xD9], "damaged"), (jpeg(end: [0xFF, 0xE0, 0, 2, 0x41]), "damaged"),
            ([0xFF, 0xD8, 0xFF, 0xC0, 0, 4, 8, 1], "damaged"),
        ] as [([UInt8], String)])
    func whatIsNoPictureIsRefused(bytes: [UInt8], reason: String) throws {
        let fault = try #require(throws: PictureHeader.Fault.self) { try PictureHeader(reading: bytes) }
        #expect(fault.text.contains(reason), "\(fault.text)")
    }

    @Test func tooLongAFileIsRefused() {
        let long = Self.jpeg() + [UInt8](repeating: 0, count: PictureHeader.largestFile)
        #expect(throws: PictureHeader.Fault.self) { try PictureHeader(reading: long) }
    }
}
