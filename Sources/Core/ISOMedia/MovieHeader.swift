internal import BridgeModel

/// `moov` (ISO/IEC 14496-12 section 8.2) of a progressive or a fragmented file; what differs is in `SampleTables`.
///
/// Lengths of time have 64 bits (version 1 of each box): ticks of 90 kHz pass 32 bits after thirteen hours.
struct MovieHeader {
    /// Ticks a second of the movie and its edit lists.
    static let timescale: UInt32 = 90_000

    var tracks: [MovieTrack]
    /// The wall-clock time of the movie's beginning.
    var createdAt: WallTime?
    /// By track, in the order of `tracks`; empty tables for a fragmented file.
    var tables: [SampleTable]
    var isFragmented: Bool
    /// What players show of the movie; nil: all of it.
    var shown: Range<Duration>?
    /// What is added to the places of the chunks.
    var chunkBase: UInt64 = 0
    var usesLongOffsets = false

    /// Seconds since 1904-01-01T00:00:00Z.
    private var creationTime: UInt64 {
        let secondsTo1970: Int64 = 2_082_844_800
        return createdAt.map { UInt64(clamping: $0.seconds + secondsTo1970) } ?? 0
    }

    func write(to writer: inout BoxWriter) {
        writer.box("moov") { movie in
            movieHeader(&movie)
            for (track, table) in zip(tracks, tables) { self.track(track, table, &movie) }
            guard isFragmented else { return }
            movie.box("mvex") { extends in
                for track in tracks { trackExtends(track, &extends) }
            }
        }
    }

    private func movieHeader(_ movie: inout BoxWriter) {
        let durations = zip(tracks, tables).map { max(0, shownEnd($1, of: $0) - shownStart) }
        movie.fullBox("mvhd", version: 1) { header in
            times(&header)
            header.append(Self.timescale)
            header.append(UInt64(clamping: durations.max() ?? 0))
            header.append(UInt32(0x1_0000))  // rate 1
            header.append(UInt16(0x100))  // volume 1
            header.append(zeros: 10)
            matrix(&header)
            header.append(zeros: 24)
            header.append((tracks.map(\.number).max() ?? 0) &+ 1)  // next_track_ID
        }
    }

    private func track(_ track: MovieTrack, _ table: SampleTable, _ movie: inout BoxWriter) {
        movie.box("trak") { box in
            trackHeader(track, table, &box)
            editList(track, table, &box)
            box.box("mdia") { media in
                mediaHeader(track, table, &media)
                handler(track.format.kind, &media)
                media.box("minf") { information in mediaInformation(track, table, &information) }
            }
        }
    }

    private func trackHeader(_ track: MovieTrack, _ table: SampleTable, _ box: inout BoxWriter) {
        let isAudio = track.format.kind == .audio
        box.fullBox("tkhd", version: 1, flags: 3) { header in  // enabled, in the movie
            times(&header)
            header.append(track.number)
            header.append(UInt32(0))
            header.append(UInt64(clamping: max(0, shownEnd(table, of: track) - shownStart)))
            header.append(zeros: 12)  // reserved, layer, alternate_group
            header.append(UInt16(isAudio ? 0x100 : 0))
            header.append(UInt16(0))
            matrix(&header)
            header.append(UInt32(UInt16(clamping: isAudio ? 0 : track.width)) << 16)
            header.append(UInt32(UInt16(clamping: isAudio ? 0 : track.height)) << 16)
        }
    }

    /// A track that begins later than the movie has an empty edit in front; of one that begins before what is shown, the beginning is skipped
    /// (section 8.6.6).
    private func editList(_ track: MovieTrack, _ table: SampleTable, _ box: inout BoxWriter) {
        guard !isFragmented, table.start > 0 || shown != nil else { return }
        let start = movieTicks(table.start, of: track)
        let begin = max(start, shownStart)
        let skipped = start < begin ? track.ticks(shown?.lowerBound ?? .zero) - table.start : 0
        box.box("edts") { edits in
            edits.fullBox("elst", version: 1) { list in
                list.append(UInt32(begin > shownStart ? 2 : 1))
                if begin > shownStart { edit(&list, length: begin - shownStart, mediaTime: -1) }
                edit(&list, length: max(0, shownEnd(table, of: track) - begin), mediaTime: max(0, skipped))
            }
        }
    }

    private func edit(_ list: inout BoxWriter, length: Int64, mediaTime: Int64) {
        list.append(UInt64(clamping: length))
        list.append(mediaTime)
        list.append(UInt32(0x1_0000))  // rate 1
    }

    /// Movie ticks.
    private var shownStart: Int64 { shown?.lowerBound.ticks(perSecond: Self.timescale) ?? 0 }

    /// Where the track's last shown moment is, movie ticks.
    private func shownEnd(_ table: SampleTable, of track: MovieTrack) -> Int64 {
        let end = movieTicks(table.end, of: track)
        return shown.map { min(end, $0.upperBound.ticks(perSecond: Self.timescale)) } ?? end
    }

    private func mediaHeader(_ track: MovieTrack, _ table: SampleTable, _ media: inout BoxWriter) {
        media.fullBox("mdhd", version: 1) { header in
            times(&header)
            header.append(track.timescale)
            header.append(UInt64(clamping: table.end - table.start))
            header.append(UInt16(0x55C4))  // language: 'und', three letters of five bits
            header.append(UInt16(0))
        }
    }

    private func handler(_ kind: MediaKind, _ media: inout BoxWriter) {
        media.fullBox("hdlr") { handler in
            handler.append(UInt32(0))
            handler.append(kind == .video ? "vide" : "soun")
            handler.append(zeros: 12)
            handler.append(Array((kind == .video ? "Video" : "Sound").utf8) + [0])
        }
    }

    private func mediaInformation(_ track: MovieTrack, _ table: SampleTable, _ information: inout BoxWriter) {
        switch track.format.kind {
        case .video: information.fullBox("vmhd", flags: 1) { $0.append(zeros: 8) }
        case .audio: information.fullBox("smhd") { $0.append(zeros: 4) }
        }
        information.box("dinf") { data in
            data.fullBox("dref") { references in
                references.append(UInt32(1))
                references.fullBox("url ", flags: 1) { _ in }  // this file
            }
        }
        information.box("stbl") { tables in
            tables.fullBox("stsd") { descriptions in
                descriptions.append(UInt32(1))
                descriptions.sampleEntry(track)
            }
            table.write(to: &tables, chunkBase: chunkBase, usesLongOffsets: usesLongOffsets)
            if case .opus = track.format, !isFragmented { tables.opusPreRoll(samples: table.count) }
        }
    }

    /// Defaults of fragments: the one sample description; the rest is in each fragment (section 8.8.3).
    private func trackExtends(_ track: MovieTrack, _ extends: inout BoxWriter) {
        extends.fullBox("trex") { box in
            box.append(track.number)
            box.append(UInt32(1))
            box.append(zeros: 12)
        }
    }

    private func movieTicks(_ ticks: Int64, of track: MovieTrack) -> Int64 { track.time(ofTicks: ticks).ticks(perSecond: Self.timescale) }

    /// Creation and modification.
    private func times(_ box: inout BoxWriter) {
        box.append(creationTime)
        box.append(creationTime)
    }

    /// Unity.
    private func matrix(_ box: inout BoxWriter) {
        for value: UInt32 in [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000] { box.append(value) }
    }
}

extension BoxWriter {
    /// A decoder of Opus must hear 80 ms before the place that is sought (Opus in ISOBMFF section 4.3.6.2): four samples of the usual 20 ms.
    fileprivate mutating func opusPreRoll(samples: Int) {
        fullBox("sgpd", version: 1) { description in
            description.append("roll")
            description.append(UInt32(2))
            description.append(UInt32(1))
            description.append(Int16(-4))
        }
        fullBox("sbgp") { group in
            group.append("roll")
            group.append(UInt32(1))
            group.append(UInt32(clamping: samples))
            group.append(UInt32(1))
        }
    }
}
