internal import Bridge
internal import BridgeModel
internal import Matroska
internal import Playback

/// A file with its index as they are now.
struct OpenedFile: Sendable {
    var file: RecordedFile
    var indexed: IndexedFile
    var index: MediaIndex
    /// Of the file, bytes.
    var size: UInt64
}

/// A recording at one moment: what can be played of it, and the files to read it from.
struct RecordingView: Sendable {
    let stream: StreamID
    let media: RecordedMedia
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
            self.files = files.map { file in
                let startedAt = file.index.startedAt ?? file.file.startedAt ?? row.firstFrameWrittenAt ?? row.startedAt
                return File(path: file.file.path, size: file.size, startedAt: startedAt)
            }
        }
    }

    /// Nil when no file holds media.
    init?(_ row: RecordingRow, version: Version, files: [OpenedFile]) {
        guard let startedAt = version.files.first?.startedAt else { return nil }
        var media = RecordedMedia(recording: row.id, startedAt: startedAt, isLive: version.isLive)
        var sources: [MediaSource] = []
        for (one, known) in zip(files, version.files) {
            let distance = known.startedAt.nanoseconds.subtractingReportingOverflow(startedAt.nanoseconds).partialValue
            let source = MediaSource(file: one.indexed, index: one.index, offset: .milliseconds(distance / 1_000_000))
            media.append(one.index.fragments(file: sources.count, offset: source.offset))
            sources.append(source)
        }
        guard !media.fragments.isEmpty else { return nil }
        stream = row.context.stream
        self.media = media
        self.sources = sources
        self.version = version
    }

    /// Whether two of its files can be played with one initialization section.
    func haveSameFormat(_ one: Int, _ other: Int) -> Bool {
        one == other || sources[one].index.tracks == sources[other].index.tracks
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
