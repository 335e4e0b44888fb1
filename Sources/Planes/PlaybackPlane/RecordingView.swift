internal import Bridge
internal import BridgeModel
internal import Matroska
internal import Playback

/// A file with its index as they are now.
struct OpenedFile: Sendable {
    /// Its number among the files of its recording.
    var place: Int
    var file: RecordedFile
    var indexed: IndexedFile
    var index: MediaIndex
    /// Of the file, bytes.
    var size: UInt64

    /// The wall-clock time of its time zero.
    func startedAt(in row: RecordingRow) -> WallTime { index.startedAt ?? file.startedAt ?? row.firstFrameWrittenAt ?? row.startedAt }
}

/// A recording at one moment: what can be played of it, and the files to read it from.
struct RecordingView: Sendable {
    let stream: StreamID
    let media: RecordedMedia
    /// In the order of their numbers; never empty.
    let sources: [MediaSource]
    /// What it was made of.
    let version: Version

    /// Two views of one recording with the same version are the same.
    struct Version: Sendable, Equatable {
        struct File: Sendable, Equatable {
            var path: String
            var size: UInt64
            /// The wall-clock time of its time zero.
            var startedAt: WallTime
        }

        var isLive: Bool
        var files: [File]

        init(_ row: RecordingRow, _ files: [OpenedFile]) {
            isLive = row.state.isRunning
            self.files = files.map { File(path: $0.file.path, size: $0.size, startedAt: $0.startedAt(in: row)) }
        }

        /// Only the last file is longer than in `earlier`.
        func isGrowth(of earlier: Version) -> Bool {
            guard let last = files.last, let before = earlier.files.last, files.count == earlier.files.count else { return false }
            return (last.path, last.startedAt) == (before.path, before.startedAt) && last.size >= before.size
                && files.dropLast() == earlier.files.dropLast()
        }
    }

    /// Nil when no file holds media. What `earlier`, an earlier view of the same files, has is not made again. `origin` is the recording's time zero;
    /// nil: that of the first of these files.
    init?(_ row: RecordingRow, version: Version, files: [OpenedFile], earlier: RecordingView?, origin: WallTime?) {
        if let earlier, let grown = earlier.grown(to: version, last: files.last) {
            self = grown
            return
        }
        guard let startedAt = origin ?? version.files.first?.startedAt else { return nil }
        var media = RecordedMedia(recording: row.id, startedAt: startedAt, isLive: version.isLive)
        var sources: [MediaSource] = []
        for (one, known) in zip(files, version.files) {
            let distance = known.startedAt.nanoseconds.subtractingReportingOverflow(startedAt.nanoseconds).partialValue
            let source = MediaSource(number: one.place, file: one.indexed, index: one.index, offset: .milliseconds(distance / 1_000_000))
            media.append(one.index.fragments(file: one.place, offset: source.offset))
            sources.append(source)
        }
        guard !media.fragments.isEmpty else { return nil }
        stream = row.context.stream
        self.media = media
        self.sources = sources
        self.version = version
    }

    private init(_ earlier: RecordingView, media: RecordedMedia, sources: [MediaSource], version: Version) {
        stream = earlier.stream
        self.media = media
        self.sources = sources
        self.version = version
    }

    /// With what has been appended to its last file; nil when more has changed than that.
    private func grown(to version: Version, last: OpenedFile?) -> RecordingView? {
        guard let last, let before = sources.last, version.isGrowth(of: self.version), sources.count == version.files.count
        else { return nil }
        // A fragment that was the last one may have changed, and the first one of a file depends on the file before.
        let kept = before.index.count - 1
        guard kept > 0, last.index.count > kept, last.indexed === before.file else { return nil }
        var media = media
        media.isLive = version.isLive
        media.replaceLast(with: last.index.fragments(file: before.number, offset: before.offset, from: kept))
        let source = MediaSource(number: before.number, file: before.file, index: last.index, offset: before.offset)
        return RecordingView(self, media: media, sources: sources.dropLast() + [source], version: version)
    }

    /// The file of this number; nil for one that is not among its files.
    func source(_ number: Int) -> MediaSource? {
        var (low, high) = (0, sources.count)
        while low < high {
            let middle = low + (high - low) / 2
            if sources[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return sources.indices.contains(low) && sources[low].number == number ? sources[low] : nil
    }

    /// Whether two of its files can be played with one initialization section.
    func haveSameFormat(_ one: Int, _ other: Int) -> Bool {
        one == other || source(one)?.index.tracks == source(other)?.index.tracks
    }
}

extension [MatroskaTrack] {
    /// The tracks that a file of this container gets. All video must fit; sound that does not is left out. Throws `unsuitable`.
    func fitting(_ container: Container) throws(PlaybackError) -> [MatroskaTrack] {
        for track in self where track.codec.kind == .video && !container.holds(track.codec) {
            throw .unsuitable(codec: track.codec.encodingName, instead: container == .mp4 ? "WebM" : "MP4")
        }
        let fitting = filter { container.holds($0.codec) }
        guard !fitting.isEmpty else {
            throw .unsuitable(codec: self.first?.codec.encodingName ?? "", instead: container == .mp4 ? "WebM" : "MP4")
        }
        return fitting
    }

    /// What HLS takes: the first video and the first sound. Throws `unsuitable`.
    func fittingHLS() throws(PlaybackError) -> [MatroskaTrack] {
        let fitting = try fitting(.mp4)
        let video = fitting.first { $0.codec.kind == .video }
        let sound = fitting.first { $0.codec.kind == .audio }
        return [video, sound].compactMap { $0 }
    }
}
