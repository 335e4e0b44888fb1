internal import BridgeModel
internal import ISOMedia
internal import Matroska
internal import Playback

/// Initialization sections and media segments for HLS, out of a recording's files. Calls block.
struct FragmentedOutput {
    private let view: RecordingView

    init(_ view: RecordingView) { self.view = view }

    /// The writer for the tracks of a file, or of the last one. Throws `unsuitable`.
    private func writer(file: Int) throws(PlaybackError) -> FragmentedWriter {
        guard let source = view.source(file) ?? view.sources.last else { throw .nothingRecorded }
        let tracks = try source.index.tracks.fittingHLS()
        return FragmentedWriter(tracks: try tracks.movieTracks(from: source), createdAt: view.media.startedAt)
    }

    /// `codecs` of the media type, and the size of the picture; of the newest file. Throws `unsuitable`.
    func variant() throws(PlaybackError) -> (codecs: [String], size: (width: Int, height: Int)) {
        let tracks = try writer(file: view.sources.last?.number ?? 0).tracks
        let video = tracks.first { $0.format.kind == .video }
        return (tracks.map(\.format.codecString), (video?.width ?? 0, video?.height ?? 0))
    }

    /// Throws `unsuitable`.
    func initialization(file: Int) throws(PlaybackError) -> [UInt8] { try writer(file: file).initSegment }

    /// All frames of `from..<to` in one fragment. Throws `unsuitable`, `failed`.
    func media(from: Duration, to: Duration) throws(PlaybackError) -> [UInt8] {
        let runs = view.media.runs(from: from, to: to)
        guard let first = runs.first else { return [] }
        let writer = try writer(file: first.file)
        let numbers = Set(writer.tracks.map { UInt8(truncatingIfNeeded: $0.number) })
        var samples: [MovieSample] = []
        var ends: [UInt32: Duration] = [:]
        for run in runs {
            guard let source = view.source(run.file) else { continue }
            var reader = FrameReader(run, of: source, tracks: numbers)
            while let frame = reader.next() { samples.append(MovieSample(frame)) }
            for (track, time) in reader.nextTimes { ends[UInt32(track)] = time }
        }
        samples.sort { $0.time < $1.time }
        let sequence = UInt32(truncatingIfNeeded: from.wholeMilliseconds / 10 + 1)
        do throws(ISOMediaError) {
            return try writer.fragment(samples, sequence: sequence, ends: ends, beginsSegment: true)
        } catch {
            throw .failed(BridgeError(.internal, "A piece of the recording is too large to be sent as one."))
        }
    }
}

extension MovieSample {
    init(_ frame: MatroskaFrame) {
        self.init(track: UInt32(frame.track), time: frame.time, isKeyframe: frame.isKeyframe, bytes: frame.bytes)
    }
}

extension [MatroskaTrack] {
    /// As MP4 describes them; VP9's description is in its first keyframe, which is looked for in the file. Throws `unsuitable`.
    func movieTracks(from source: MediaSource) throws(PlaybackError) -> [MovieTrack] {
        var tracks: [MovieTrack] = []
        for track in self {
            let keyframe = track.codec == .vp9 ? source.firstKeyframe(of: track.number) : []
            do throws(ISOMediaError) {
                tracks.append(
                    try MovieTrack(
                        number: UInt32(track.number), codec: track.codec, codecPrivate: track.codecPrivate,
                        size: (track.width, track.height), channels: track.channels, firstKeyframe: keyframe))
            } catch {
                throw .unsuitable(codec: track.codec.encodingName, instead: "WebM")
            }
        }
        return tracks
    }
}

extension MediaSource {
    /// Frames that are looked at for a keyframe; a file begins with one.
    private static let searchLimit = 1000

    fileprivate func firstKeyframe(of track: UInt8) -> [UInt8] {
        guard var cursor = file.frames(of: index, from: 0) else { return [] }
        for _ in 0..<Self.searchLimit {
            guard let frame = cursor.next() else { return [] }
            if frame.track == track, frame.isKeyframe { return frame.bytes }
        }
        return []
    }
}
