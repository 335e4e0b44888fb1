internal import Bridge
internal import BridgeModel
internal import Matroska
internal import Playback

/// A recording at one moment: what can be played of it, and the files to read it from.
struct RecordingView: Sendable {
    let stream: StreamID
    let media: RecordedMedia
    let sources: [MediaSource]

    /// Nil when no file holds media. `index` gives the index of a file as it is now.
    init?(_ row: RecordingRow, files: [(file: RecordedFile, indexed: IndexedFile, index: MediaIndex)]) {
        guard let first = files.first else { return nil }
        let begin = { (one: (file: RecordedFile, indexed: IndexedFile, index: MediaIndex)) in
            one.index.startedAt ?? one.file.startedAt ?? row.firstFrameWrittenAt ?? row.startedAt
        }
        let startedAt = begin(first)
        var media = RecordedMedia(recording: row.id, startedAt: startedAt, isLive: row.state.isRunning)
        var sources: [MediaSource] = []
        for one in files {
            let distance = begin(one).nanoseconds.subtractingReportingOverflow(startedAt.nanoseconds).partialValue
            let source = MediaSource(file: one.indexed, index: one.index, offset: .milliseconds(distance / 1_000_000))
            media.append(one.index.fragments(file: sources.count, offset: source.offset))
            sources.append(source)
        }
        guard !media.fragments.isEmpty else { return nil }
        stream = row.context.stream
        self.media = media
        self.sources = sources
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
