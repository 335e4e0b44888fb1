package import BridgeModel

/// Reads the structure of an MP4, progressive or fragmented: its tracks, and where each sample lies.
///
/// The bytes come through a closure, so that Core stays without IO. The index is read into memory, samples are not. A fragmented file that is cut
/// holds the samples of its whole fragments; everything else that contradicts itself is an error.
package struct MovieReader: Sendable {
    /// Gives up to `count` bytes from `offset` on: fewer at the end of the file, none behind it.
    package typealias ReadBytes = (_ offset: UInt64, _ count: Int) -> [UInt8]

    /// The tracks whose format is known, in the order of the file.
    package private(set) var tracks: [MovieTrack] = []
    /// The wall-clock time of the movie's beginning, to the second; nil when the file does not say.
    package private(set) var createdAt: WallTime?
    private var samplesByTrack: [UInt32: [SampleReference]] = [:]
    private var timescales: [UInt32: UInt32] = [:]
    private var fragmentDefaults: [UInt32: FragmentReader.Defaults] = [:]
    private var movieTimescale: UInt32 = 1
    /// Samples that are believed yet: none is smaller than a byte.
    private var sampleLimit: Int

    /// An index that is larger is not believed, bytes.
    private static let largestIndex: UInt64 = 512 * 1024 * 1024
    /// Boxes at the top of a file; a day in fragments of a second has twice 86,400.
    private static let largestBoxCount = 1_000_000

    /// Reads the index of a file of `fileSize` bytes. Throws `noMovie`, `malformed` or `tooLarge`.
    package init(fileSize: UInt64, readBytes: ReadBytes) throws(ISOMediaError) {
        sampleLimit = Int(min(fileSize, UInt64(SampleTableReader.largestCount)))
        var ends: [UInt32: Int64] = [:]
        var offset: UInt64 = 0
        for _ in 0..<Self.largestBoxCount {
            guard let top = Self.topBox(at: offset, fileSize: fileSize, readBytes) else { break }
            if top.type == "moov" || top.type == "moof" {
                guard top.size <= Self.largestIndex else { throw .tooLarge(top.type) }
                let content = readBytes(offset + top.header, Int(top.size - top.header))
                guard UInt64(content.count) == top.size - top.header else { break }
                let box = Box(type: top.type, content: content[...])
                if top.type == "moov" { try readMovie(box) } else { try readFragment(box, at: offset, &ends) }
            }
            offset += top.size
        }
        guard !tracks.isEmpty else { throw .noMovie }
        leaveOutSamples(beyond: fileSize)
    }

    /// A track's samples in the order of decoding; none for an unknown track.
    package func samples(ofTrack number: UInt32) -> [SampleReference] { samplesByTrack[number] ?? [] }

    private struct TopBox {
        var type: FourCC
        /// Of the box with its header.
        var size: UInt64
        var header: UInt64
    }

    /// Nil at the end, at a cut, and where there is no box.
    private static func topBox(at offset: UInt64, fileSize: UInt64, _ readBytes: ReadBytes) -> TopBox? {
        guard offset < fileSize else { return nil }
        var reader = BoxReader(readBytes(offset, 16)[...])
        let size = UInt64(reader.number(UInt32.self))
        let type = FourCC(rawValue: reader.number())
        guard !reader.isExhausted else { return nil }
        let header: UInt64 = size == 1 ? 16 : 8
        let length = size == 0 ? fileSize - offset : size == 1 ? reader.number(UInt64.self) : size
        guard !reader.isExhausted, length >= header, length <= fileSize - offset else { return nil }
        return TopBox(type: type, size: length, header: header)
    }

    /// A file whose end is missing has samples without bytes.
    private mutating func leaveOutSamples(beyond fileSize: UInt64) {
        for (track, samples) in samplesByTrack {
            samplesByTrack[track] = samples.filter { $0.offset <= fileSize && UInt64($0.size) <= fileSize - $0.offset }
        }
    }

    private mutating func readMovie(_ movie: Box) throws(ISOMediaError) {
        guard tracks.isEmpty else { throw .malformed("moov") }
        let boxes = try movie.children()
        try readMovieHeader(boxes.required("mvhd"))
        for box in boxes where box.type == "trak" {
            guard let (track, timescale, samples) = try readTrack(box) else { continue }
            guard !tracks.contains(where: { $0.number == track.number }) else { throw .malformed("tkhd") }
            tracks.append(track)
            timescales[track.number] = timescale
            samplesByTrack[track.number] = samples
            sampleLimit -= samples.count
        }
        for box in try boxes.first("mvex")?.children() ?? [] where box.type == "trex" {
            var reader = BoxReader(box.content)
            reader.skip(4)
            let track = reader.number(UInt32.self)
            reader.skip(4)
            fragmentDefaults[track] = FragmentReader.Defaults(
                duration: reader.number(), size: reader.number(), flags: reader.number())
            guard !reader.isExhausted else { throw .malformed("trex") }
        }
    }

    private mutating func readMovieHeader(_ box: Box) throws(ISOMediaError) {
        var reader = BoxReader(box.content)
        let version = reader.versionAndFlags().version
        let created = reader.number(version: version)
        _ = reader.number(version: version)
        movieTimescale = max(1, reader.number())
        guard !reader.isExhausted else { throw .malformed("mvhd") }
        let secondsTo1970: UInt64 = 2_082_844_800
        guard created > secondsTo1970, created - secondsTo1970 < 1 << 33 else { return }
        createdAt = WallTime(milliseconds: Int64(created - secondsTo1970) * 1000)
    }

    private func readTrack(_ box: Box) throws(ISOMediaError) -> (MovieTrack, timescale: UInt32, [SampleReference])? {
        let boxes = try box.children()
        var header = BoxReader(try boxes.required("tkhd").content)
        let version = header.versionAndFlags().version
        header.skip(version == 1 ? 16 : 8)
        let number = header.number(UInt32.self)
        guard !header.isExhausted, number > 0 else { throw .malformed("tkhd") }
        let media = try boxes.required("mdia").children()
        var mediaHeader = BoxReader(try media.required("mdhd").content)
        let mediaVersion = mediaHeader.versionAndFlags().version
        mediaHeader.skip(mediaVersion == 1 ? 16 : 8)
        let timescale = mediaHeader.number(UInt32.self)
        guard !mediaHeader.isExhausted, timescale > 0 else { throw .malformed("mdhd") }
        let tables = try media.required("minf").children().required("stbl")
        let descriptions = try tables.children().required("stsd")
        guard let track = try SampleEntryReader.track(number: number, timescale: timescale, descriptions) else { return nil }
        let edit = try Self.edit(boxes.first("edts"))
        let start = Duration(ticks: edit.start, perSecond: movieTimescale).ticks(perSecond: timescale)
        return (
            track, timescale,
            try SampleTableReader(tables, limit: sampleLimit).samples(timescale: timescale, start: start, shift: edit.shift)
        )
    }

    /// What the edit list puts before the track (movie ticks), and where in the track it begins (track ticks): an empty edit and a whole one, as
    /// muxers write them.
    private static func edit(_ box: Box?) throws(ISOMediaError) -> (start: Int64, shift: Int64) {
        guard let box, let list = try box.children().first("elst") else { return (0, 0) }
        var reader = BoxReader(list.content)
        let version = reader.versionAndFlags().version
        let count = reader.number(UInt32.self)
        var start: Int64 = 0
        for _ in 0..<min(count, 16) {
            let length = Int64(clamping: reader.number(version: version))
            let mediaTime = version == 1 ? reader.number(Int64.self) : Int64(reader.number(Int32.self))
            reader.skip(4)
            guard !reader.isExhausted else { throw .malformed("elst") }
            guard mediaTime == -1 else { return (start, mediaTime) }
            start = Int64(clamping: UInt64(start) &+ UInt64(max(0, length)))
        }
        return (start, 0)
    }

    private mutating func readFragment(_ box: Box, at offset: UInt64, _ ends: inout [UInt32: Int64]) throws(ISOMediaError) {
        let reader = FragmentReader(offset: offset, defaults: fragmentDefaults, limit: sampleLimit)
        for (number, samples) in try reader.samples(box, ends: &ends) {
            sampleLimit -= samples.count
            guard let timescale = timescales[number] else { continue }
            samplesByTrack[number, default: []] += samples.map {
                SampleReference(
                    offset: $0.offset, size: $0.size, time: Duration(ticks: $0.ticks, perSecond: timescale), isKeyframe: $0.isKeyframe)
            }
        }
    }
}
