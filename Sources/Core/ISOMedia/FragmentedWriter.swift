package import BridgeModel

/// Writes a fragmented MP4 (ISO/IEC 14496-12 section 8.8): one initialisation segment, and media fragments that stand for themselves, for HLS, MSE and
/// streaming; with one track it is a CMAF track (ISO/IEC 23000-19).
///
/// A value without state: a fragment depends on its samples and their times only, so any range can be written at any time, and written again it is
/// the same to the byte. Tracks that start apart need no edit list, since each fragment says its own time.
package struct FragmentedWriter: Sendable, Equatable {
    /// The tracks, with numbers that differ.
    package let tracks: [MovieTrack]
    private let createdAt: WallTime?

    /// `createdAt` is the wall-clock time of the movie's beginning.
    package init(tracks: [MovieTrack], createdAt: WallTime? = nil) {
        self.tracks = tracks
        self.createdAt = createdAt
    }

    /// The `codecs` parameter of the media type: all tracks' strings, with commas.
    package var codecs: String { tracks.map(\.format.codecString).joined(separator: ",") }

    /// `ftyp` and `moov`, without samples.
    package var initSegment: [UInt8] {
        var writer = BoxWriter()
        writer.box("ftyp") { type in
            type.append("iso6")  // tfdt, default-base-is-moof
            type.append(UInt32(0))
            type.append("iso6")
            type.append("mp41")
            if tracks.count == 1 { type.append("cmfc") }
            if tracks.contains(where: { $0.format.entryType == "av01" }) { type.append("av01") }
        }
        MovieHeader(
            tracks: tracks, createdAt: createdAt, tables: tracks.map { _ in SampleTable(usualStep: 1) }, isFragmented: true
        ).write(to: &writer)
        return writer.bytes
    }

    /// One `moof` with its `mdat`; with `beginsSegment` a `styp` in front.
    ///
    /// Samples of a track come in the order of decoding, tracks in any; those of unknown tracks are left out. `ends` says by track number when
    /// the sample behind its last one is due: without it that lasts as long as the one before. `sequence` counts fragments from 1.
    /// Throws `tooLarge` for 2 GB and more.
    package func fragment(
        _ samples: [MovieSample], sequence: UInt32, ends: [UInt32: Duration] = [:], beginsSegment: Bool = false
    ) throws(ISOMediaError) -> [UInt8] {
        let runs = tracks.compactMap { track in
            TrackRun(track, samples.filter { $0.track == track.number }, end: ends[track.number])
        }
        let size = runs.reduce(0) { $0 + $1.size }
        guard size < Int(Int32.max) / 2 else { throw .tooLarge("mdat") }
        var writer = BoxWriter()
        if beginsSegment { segmentType(&writer) }
        let start = writer.bytes.count
        var offsetPlaces: [Int] = []
        writer.box("moof") { fragment in
            fragment.fullBox("mfhd") { $0.append(sequence) }
            for run in runs { offsetPlaces.append(run.write(to: &fragment)) }
        }
        var offset = writer.bytes.count - start + 8
        for (run, place) in zip(runs, offsetPlaces) {
            writer.overwrite(UInt32(clamping: offset), at: place)
            offset += run.size
        }
        writer.box("mdat") { data in
            for run in runs { for sample in run.samples { data.append(sample.bytes) } }
        }
        return writer.bytes
    }

    private func segmentType(_ writer: inout BoxWriter) {
        writer.box("styp") { type in
            type.append("msdh")
            type.append(UInt32(0))
            type.append("msdh")
            if tracks.count == 1 { type.append("cmfs") }
        }
    }
}

/// One track's samples of a fragment: `traf` (section 8.8.6).
private struct TrackRun {
    let track: MovieTrack
    let samples: [MovieSample]
    let size: Int
    /// When they are shown and decoded, ticks.
    private let times: [Int64]
    private let decodeTimes: [Int64]
    private let end: Int64

    /// Nil without samples.
    init?(_ track: MovieTrack, _ samples: [MovieSample], end: Duration?) {
        guard !samples.isEmpty else { return nil }
        self.track = track
        self.samples = samples
        size = samples.reduce(0) { $0 + $1.bytes.count }
        times = samples.map { max(0, track.ticks($0.time)) }
        decodeTimes = rising(times)
        let last = decodeTimes.last ?? 0
        let step = decodeTimes.count > 1 ? last - decodeTimes[decodeTimes.count - 2] : Int64(track.timescale) / 50
        self.end = max(last + 1, end.map(track.ticks) ?? last + step)
    }

    private enum Flag {
        static let baseIsFragment: UInt32 = 0x2_0000
        static let dataOffset: UInt32 = 0x1
        static let duration: UInt32 = 0x100
        static let size: UInt32 = 0x200
        static let flags: UInt32 = 0x400
        static let compositionOffset: UInt32 = 0x800
        static let defaultFlags: UInt32 = 0x20
        /// Section 8.8.3.1: depends on no other sample.
        static let independent: UInt32 = 0x0200_0000
        /// Depends on others, and decoding cannot begin here.
        static let dependent: UInt32 = 0x0101_0000
    }

    /// Returns where the data's offset from the fragment is to be written.
    func write(to fragment: inout BoxWriter) -> Int {
        var offsetPlace = 0
        fragment.box("traf") { box in
            box.fullBox("tfhd", flags: Flag.baseIsFragment | Flag.defaultFlags) { header in
                header.append(track.number)
                header.append(Flag.independent)
            }
            box.fullBox("tfdt", version: 1) { $0.append(UInt64(clamping: decodeTimes.first ?? 0)) }
            offsetPlace = run(&box)
        }
        return offsetPlace
    }

    private func run(_ box: inout BoxWriter) -> Int {
        let hasOffsets = times != decodeTimes
        let hasFlags = !samples.allSatisfy(\.isKeyframe)
        var flags = Flag.dataOffset | Flag.duration | Flag.size
        if hasFlags { flags |= Flag.flags }
        if hasOffsets { flags |= Flag.compositionOffset }
        let nextTimes = decodeTimes.dropFirst() + [end]
        var offsetPlace = 0
        box.fullBox("trun", version: 1, flags: flags) { run in
            run.append(UInt32(clamping: samples.count))
            offsetPlace = run.bytes.count
            run.append(UInt32(0))
            for (index, next) in nextTimes.enumerated() {
                run.append(UInt32(clamping: next - decodeTimes[index]))
                run.append(UInt32(clamping: samples[index].bytes.count))
                if hasFlags { run.append(samples[index].isKeyframe ? Flag.independent : Flag.dependent) }
                if hasOffsets { run.append(Int32(clamping: times[index] - decodeTimes[index])) }
            }
        }
        return offsetPlace
    }
}
