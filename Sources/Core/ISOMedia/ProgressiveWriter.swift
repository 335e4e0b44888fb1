package import BridgeModel

/// Writes a progressive MP4 with its index in front ('faststart'), so that a player begins and seeks while it loads (ISO/IEC 14496-12).
///
/// In two passes over the same samples in the same order: `add` each, write `header`, then write the bytes of each one after the other. What is kept
/// is some twenty bytes a sample, never the sample. A value without IO.
///
/// What is not there yet cannot be read twice: then the bytes are written behind room for the index, and `index` comes at the end.
package struct ProgressiveWriter: Sendable {
    private let tracks: [MovieTrack]
    private let createdAt: WallTime?
    private var tables: [SampleTable]
    private var size: UInt64 = 0
    /// What players show of the movie: what comes before is decoded and left out, which makes a cut between keyframes exact. nil: all of it.
    package var shown: Range<Duration>?

    /// A sample of 20 ms, where there is only one.
    private static let usualRate: Int64 = 50

    /// `createdAt` is the wall-clock time of the movie's beginning.
    package init(tracks: [MovieTrack], createdAt: WallTime? = nil) {
        self.tracks = tracks
        self.createdAt = createdAt
        tables = tracks.map { SampleTable(usualStep: Int64($0.timescale) / Self.usualRate) }
    }

    /// Samples until now.
    package var count: Int { tables.reduce(0) { $0 + $1.count } }

    /// Bytes of all samples until now.
    package var mediaSize: UInt64 { size }

    /// Length of the movie, the last samples' own lengths included.
    package var duration: Duration { zip(tracks, tables).map { $0.time(ofTicks: $1.end) }.max() ?? .zero }

    /// Counts a sample of `size` bytes; false for one of an unknown track, which must be left out of the file, too. Samples of a track come in the
    /// order of decoding, those of all tracks best in the order of time, in groups of about a second; a time before zero is zero.
    package mutating func add(track: UInt32, time: Duration, isKeyframe: Bool, size: Int) -> Bool {
        guard let index = tracks.firstIndex(where: { $0.number == track }), let size = UInt32(exactly: size) else { return false }
        tables[index].add(time: max(0, tracks[index].ticks(time)), isKeyframe: isKeyframe, size: size, offset: self.size)
        self.size += UInt64(size)
        return true
    }

    /// Everything before the first sample. Throws `tooLarge` when the index passes 4 GB. Tracks without samples are left out.
    package func header() throws(ISOMediaError) -> [UInt8] {
        let used = zip(tracks, tables).filter { $0.1.count > 0 }
        var movie = MovieHeader(tracks: used.map(\.0), createdAt: createdAt, tables: used.map(\.1), isFragmented: false, shown: shown)
        let mediaHeader: UInt64 = size + 8 > UInt64(UInt32.max) ? 16 : 8
        // The places of the chunks depend on the header's length, which does not depend on them but for their width.
        movie.usesLongOffsets = true
        var first = UInt64(written(movie).count) + mediaHeader
        if first + size <= UInt64(UInt32.max) {
            movie.usesLongOffsets = false
            first = UInt64(written(movie).count) + mediaHeader
        }
        movie.chunkBase = first
        var bytes = written(movie)
        guard bytes.count < Int(UInt32.max) else { throw .tooLarge("moov") }
        bytes += mediaData(headerSize: mediaHeader)
        return bytes
    }

    /// The index of a file whose samples lie behind `room` bytes.
    package struct Index: Sendable, Equatable {
        /// The beginning of the file; what follows it in the room is a free box's, and of no meaning.
        package var front: [UInt8]
        /// The end of the room: the header of the media data.
        package var mediaHeader: [UInt8]
        /// Behind the last sample: the index, where the room was too small for it.
        package var back: [UInt8]
    }

    /// The index for samples that were written behind `room` bytes, in the order of `add`; it stands in front where there is room. Throws `tooLarge`
    /// when it passes 4 GB, or the room does not hold the smallest beginning.
    package func index(room: UInt64) throws(ISOMediaError) -> Index {
        let used = zip(tracks, tables).filter { $0.1.count > 0 }
        var movie = MovieHeader(tracks: used.map(\.0), createdAt: createdAt, tables: used.map(\.1), isFragmented: false, shown: shown)
        movie.usesLongOffsets = room + size > UInt64(UInt32.max)
        movie.chunkBase = room
        let mediaHeader = mediaData(headerSize: size + 8 > UInt64(UInt32.max) ? 16 : 8)
        let whole = written(movie)
        let type = fileType(movie)
        guard whole.count < Int(UInt32.max), room < UInt64(UInt32.max) else { throw .tooLarge("moov") }
        for front in [whole, type] {
            guard let free = freeBox(from: front.count, to: Int(room) - mediaHeader.count) else { continue }
            let back = front == whole ? [] : Array(whole[type.count...])
            return Index(front: front + free, mediaHeader: mediaHeader, back: back)
        }
        throw .tooLarge("ftyp")
    }

    /// The header of a free box between these places of the file; empty where they meet, nil where none fits.
    private func freeBox(from start: Int, to end: Int) -> [UInt8]? {
        guard start != end else { return [] }
        guard end >= start + 8 else { return nil }
        var writer = BoxWriter()
        writer.append(UInt32(end - start))
        writer.append("free")
        return writer.bytes
    }

    private func written(_ movie: MovieHeader) -> [UInt8] {
        var writer = BoxWriter()
        movie.write(to: &writer)
        return fileType(movie) + writer.bytes
    }

    private func fileType(_ movie: MovieHeader) -> [UInt8] {
        var writer = BoxWriter()
        writer.box("ftyp") { type in
            type.append("isom")
            type.append(UInt32(0x200))
            for brand: FourCC in ["isom", "iso2", "mp41"] { type.append(brand) }
            if movie.tracks.contains(where: { $0.format.entryType == "av01" }) { type.append("av01") }
        }
        return writer.bytes
    }

    private func mediaData(headerSize: UInt64) -> [UInt8] {
        var writer = BoxWriter()
        writer.append(headerSize == 8 ? UInt32(size + 8) : 1)
        writer.append("mdat")
        if headerSize == 16 { writer.append(size + 16) }
        return writer.bytes
    }
}
