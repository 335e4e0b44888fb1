internal import BridgeModel
internal import ISOMedia
internal import Matroska
internal import Playback

/// Where the fragments of a file lie, whatever its container.
enum MediaIndex: Sendable {
    case clusters(ClusterIndex)
    case movie(MovieIndex)

    /// Its tracks, in Matroska's words.
    var tracks: [MatroskaTrack] {
        switch self {
        case .clusters(let index): index.tracks
        case .movie(let index): index.tracks
        }
    }

    /// The wall-clock time of time zero; an MP4 knows it to the second only, which is too coarse.
    var startedAt: WallTime? {
        switch self {
        case .clusters(let index): index.startedAt
        case .movie: nil
        }
    }

    /// How many fragments it has.
    var count: Int {
        switch self {
        case .clusters(let index): index.entries.count
        case .movie(let index): index.fragments.count
        }
    }

    /// Its fragments from number `first` on, later by `offset`, as those of the file of this number.
    func fragments(file: Int, offset: Duration, from first: Int = 0) -> [MediaFragment] {
        switch self {
        case .clusters(let index):
            let entries = index.entries.dropFirst(first)
            let ends = entries.dropFirst().map(\.offset) + (entries.last.map { [$0.offset] } ?? [])
            return zip(entries, ends).map { entry, end in
                MediaFragment(
                    file: file, start: entry.start + offset, end: entry.end + offset, isKeyframe: entry.isKeyframe,
                    bytes: end - entry.offset)
            }
        case .movie(let index):
            return index.fragments.dropFirst(first).map { part in
                MediaFragment(
                    file: file, start: part.start + offset, end: part.end + offset, isKeyframe: part.isKeyframe, bytes: part.bytes)
            }
        }
    }

    /// The fragment to read from for frames at `time`; the first for what is before it.
    func fragment(at time: Duration) -> Int {
        switch self {
        case .clusters(let index): index.entry(at: time) ?? 0
        case .movie(let index): index.fragments.lastIndex { $0.start <= time } ?? 0
        }
    }
}

/// The samples of an MP4 in the order of time, in runs of about a second.
struct MovieIndex: Sendable {
    /// A run of samples: from a keyframe, or a second after the run before.
    struct Part: Sendable {
        var first: Int
        var start: Duration
        var end: Duration
        var isKeyframe: Bool
        var bytes: UInt64
    }

    private static let longestPart: Duration = .seconds(1)
    /// Two samples of a track that are further apart have a gap between them.
    private static let longestStep: Duration = .milliseconds(1500)

    let tracks: [MatroskaTrack]
    let samples: [(track: UInt8, sample: SampleReference)]
    let fragments: [Part]

    /// Nil for a file that cannot be understood.
    init?(fileSize: UInt64, readBytes: MatroskaReader.ReadBytes) {
        guard let movie = try? MovieReader(fileSize: fileSize, readBytes: readBytes) else { return nil }
        tracks = movie.tracks.compactMap(MatroskaTrack.init)
        var samples: [(track: UInt8, sample: SampleReference)] = []
        for track in tracks { samples += movie.samples(ofTrack: UInt32(track.number)).map { (track.number, $0) } }
        samples.sort { $0.sample.time < $1.sample.time }
        self.samples = samples
        fragments = Self.parts(of: samples, videos: Set(tracks.filter { $0.codec.kind == .video }.map(\.number)))
    }

    private static func parts(of samples: [(track: UInt8, sample: SampleReference)], videos: Set<UInt8>) -> [Part] {
        var parts: [Part] = []
        for (place, (track, sample)) in samples.enumerated() {
            let isKey = sample.isKeyframe && videos.contains(track)
            if let last = parts.indices.last {
                let isGap = sample.time - parts[last].end > longestStep
                let isLong = sample.time - parts[last].start >= longestPart
                // A picture may stand behind the sound of the same moment.
                if isKey, sample.time == parts[last].start { parts[last].isKeyframe = true }
                if !isGap, !isLong, !isKey || parts[last].isKeyframe && sample.time == parts[last].start {
                    parts[last].end = sample.time
                    parts[last].bytes += UInt64(sample.size)
                    continue
                }
                if !isGap { parts[last].end = sample.time }
            }
            parts.append(
                Part(first: place, start: sample.time, end: sample.time, isKeyframe: isKey || videos.isEmpty, bytes: UInt64(sample.size)))
        }
        return parts
    }
}

extension MatroskaTrack {
    /// An MP4's track in Matroska's words; nil for what a recording never holds.
    fileprivate init?(_ track: MovieTrack) {
        guard let number = UInt8(exactly: track.number), let (codec, configuration) = track.format.matroskaData else { return nil }
        self.init(
            number: number, codec: codec, width: track.width, height: track.height, channels: track.channels, codecPrivate: configuration)
    }
}
