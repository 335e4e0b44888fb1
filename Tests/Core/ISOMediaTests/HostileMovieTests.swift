import BridgeModel
import ISOMedia
import Testing

/// Length 0, media time -1, rate 1.
private let emptyEdit: [UInt8] = [UInt8](repeating: 0, count: 8) + [UInt8](repeating: 0xFF, count: 8) + [0, 1, 0, 0]

@Suite struct HostileMovieTests {
    /// A file of ours with some bytes of one of its boxes changed.
    struct Lie: Sendable, CustomTestStringConvertible {
        var box: String
        /// From the box's content.
        var offset: Int
        var bytes: [UInt8]
        var expected: ISOMediaError
        var isFragmented = false

        var testDescription: String { "\(box)+\(offset)" }
    }

    @Test(
        arguments: [
            Lie(box: "moov", offset: 0, bytes: [0, 0, 0, 7], expected: .malformed("mvhd")),
            Lie(box: "mvhd", offset: -8, bytes: [0xFF, 0, 0, 0], expected: .malformed("mvhd")),
            Lie(box: "mvhd", offset: -4, bytes: [0x66], expected: .malformed("mvhd")),
            Lie(box: "tkhd", offset: 20, bytes: [0, 0, 0, 0], expected: .malformed("tkhd")),
            Lie(box: "mdia", offset: -4, bytes: [0x66], expected: .malformed("mdia")),
            Lie(box: "mdhd", offset: 20, bytes: [0, 0, 0, 0], expected: .malformed("mdhd")),
            Lie(box: "stbl", offset: -4, bytes: [0x66], expected: .malformed("stbl")),
            Lie(box: "stsd", offset: 8, bytes: [0, 0, 0, 4], expected: .malformed("avc1")),
            Lie(box: "avcC", offset: -4, bytes: [0x66], expected: .malformed("avcC")),
            Lie(box: "dOps", offset: 0, bytes: [1], expected: .malformed("dOps")),
            Lie(box: "stts", offset: 4, bytes: [0, 0, 0, 0], expected: .malformed("stts")),
            Lie(box: "stts", offset: 4, bytes: [0xFF, 0xFF, 0xFF, 0xFF], expected: .malformed("stts")),
            Lie(box: "stts", offset: 8, bytes: [0xFF, 0xFF, 0xFF, 0xFF], expected: .malformed("stts")),
            Lie(box: "stss", offset: 4, bytes: [0, 0xFF, 0, 0], expected: .malformed("stss")),
            Lie(box: "stsz", offset: 8, bytes: [0x7F, 0, 0, 0], expected: .tooLarge("stsz")),
            Lie(box: "stsz", offset: 8, bytes: [0, 0, 0x10, 0], expected: .malformed("stsz")),
            Lie(box: "stsz", offset: 4, bytes: [0, 0, 0, 9, 0, 0, 0x10, 0], expected: .malformed("stts")),
            Lie(box: "stsc", offset: 4, bytes: [0xFF, 0xFF, 0xFF, 0xFF], expected: .malformed("stsc")),
            Lie(box: "stsc", offset: 8, bytes: [0, 0, 0, 0], expected: .malformed("stsc")),
            Lie(box: "stsc", offset: 12, bytes: [0, 0, 0, 0], expected: .malformed("stsc")),
            Lie(box: "stco", offset: 4, bytes: [0x40, 0, 0, 0], expected: .malformed("stco")),
            Lie(box: "elst", offset: 4, bytes: [0, 0, 0, 9] + emptyEdit + emptyEdit, expected: .malformed("elst")),
            Lie(box: "tfhd", offset: 1, bytes: [0x02, 0, 0x3F], expected: .malformed("tfhd"), isFragmented: true),
            Lie(box: "trun", offset: 4, bytes: [0xFF, 0xFF, 0xFF, 0xFF], expected: .malformed("trun"), isFragmented: true),
            Lie(box: "trun", offset: 2, bytes: [0x0F, 0x05], expected: .malformed("trun"), isFragmented: true),
            Lie(box: "trun", offset: 0, bytes: [0, 0, 0, 0, 0x7F, 0, 0, 0], expected: .malformed("trun"), isFragmented: true),
        ])
    func boxesThatContradictThemselvesAreRefused(lie: Lie) throws {
        let whole =
            try lie.isFragmented ? fragmented(someSamples(), tracks: someTracks()) : progressive(someSamples(), tracks: someTracks())
        var bytes = whole.bytes
        let name = Array(lie.box.utf8)
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: name) }) + 4 + lie.offset
        bytes.replaceSubrange(place..<place + lie.bytes.count, with: lie.bytes)
        #expect(throws: lie.expected) { _ = try VirtualFile(bytes: bytes).read() }
    }

    @Test(
        arguments: [
            [], [0], [0, 0, 0, 8], Array("....moov".utf8), [0, 0, 0, 8] + Array("ftyp".utf8), [0, 0, 0, 0] + Array("mdat".utf8),
            [0, 0, 0, 1] + Array("moov".utf8) + [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
            [0, 0, 0, 1] + Array("moov".utf8) + [0, 0, 0, 0, 0, 0, 0, 4], [UInt8](repeating: 0xFF, count: 64),
            [UInt8](repeating: 0, count: 64),
        ] as [[UInt8]])
    func filesWithoutAMovieAreNamedSo(bytes: [UInt8]) {
        #expect(throws: ISOMediaError.noMovie) { try VirtualFile(bytes: bytes).read() }
    }

    @Test func aTrackOfAnUnknownFormatIsLeftOut() throws {
        var bytes = try progressive(someSamples(), tracks: someTracks()).bytes
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: Array("avc1".utf8)) })
        bytes.replaceSubrange(place..<place + 4, with: Array("xyz1".utf8))
        #expect(try VirtualFile(bytes: bytes).read().tracks.map(\.number) == [2])
    }

    @Test(arguments: [true, false])
    func damagedFilesNeverTrap(isFragmented: Bool) throws {
        let whole = try isFragmented ? fragmented(someSamples(), tracks: someTracks()) : progressive(someSamples(), tracks: someTracks())
        var state: UInt64 = 42
        for _ in 0..<1500 {
            var damaged = whole
            for _ in 0..<4 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                damaged.bytes[Int(state >> 33) % min(3000, damaged.bytes.count)] = UInt8(truncatingIfNeeded: state >> 20)
            }
            guard let movie = try? damaged.read() else { continue }
            for sample in movie.tracks.flatMap({ movie.samples(ofTrack: $0.number) }) {
                #expect(sample.offset + UInt64(sample.size) <= UInt64(damaged.bytes.count))
            }
        }
    }
}
