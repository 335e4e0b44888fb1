internal import BridgeModel
internal import Matroska
internal import Playback

/// A file in a recording, at one moment.
struct MediaSource: Sendable {
    /// Among the files of the recording, those included that cannot be read or are not looked into.
    let number: Int
    let file: IndexedFile
    let index: MediaIndex
    /// What brings the file's times onto the recording's timeline; whole milliseconds, as names of HLS resources are.
    let offset: Duration
}

/// Reads the frames of a run, on the recording's timeline.
struct FrameReader {
    /// A track may lag behind the others in the file by as much: the recorder does not wait longer for it.
    private static let lag: Duration = .milliseconds(500)

    private var cursor: FrameCursor?
    private let source: MediaSource
    private let run: FileRun
    private let tracks: Set<UInt8>
    /// When the first frame of each track behind the run is due, as far as that was seen.
    private(set) var nextTimes: [UInt8: Duration] = [:]

    init(_ run: FileRun, of source: MediaSource, tracks: Set<UInt8>) {
        self.run = run
        self.source = source
        self.tracks = tracks
        cursor = source.file.frames(of: source.index, from: source.index.fragment(at: run.from - source.offset))
    }

    /// The next frame of the run in the order of the file; nil at its end.
    mutating func next() -> MatroskaFrame? {
        while var frame = cursor?.next() {
            frame.time += source.offset
            guard frame.time < run.to + Self.lag else { return nil }
            guard tracks.contains(frame.track), frame.time >= run.from else { continue }
            guard frame.time < run.to else {
                if nextTimes[frame.track] == nil { nextTimes[frame.track] = frame.time }
                continue
            }
            return frame
        }
        return nil
    }
}
