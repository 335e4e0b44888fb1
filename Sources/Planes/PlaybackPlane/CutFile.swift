internal import BridgeModel
internal import Bridge
internal import ISOMedia
internal import Matroska
internal import Playback
internal import Synchronization

/// The frames of a cut in their order, on the cut's timeline; can be gone through again.
struct CutFrames: Sendable {
    let plan: CutPlan
    let views: [RecordingView]
    let tracks: Set<UInt8>

    /// Goes through the frames.
    struct Cursor {
        private let frames: CutFrames
        private var run = 0
        private var reader: FrameReader?

        fileprivate init(_ frames: CutFrames) { self.frames = frames }

        /// The next frame; nil at the end.
        mutating func next() -> MatroskaFrame? {
            while frames.plan.runs.indices.contains(run) {
                let current = frames.plan.runs[run]
                if reader == nil { reader = frames.reader(of: current) }
                if var frame = reader?.next() {
                    frame.time += current.offset
                    return frame
                }
                reader = nil
                run += 1
            }
            return nil
        }
    }

    var cursor: Cursor { Cursor(self) }

    private func reader(of run: CutPlan.Run) -> FrameReader? {
        let view = views.first { $0.media.recording == run.recording }
        return view?.source(run.frames.file).map { FrameReader(run.frames, of: $0, tracks: tracks) }
    }
}

/// A cut as a file that is made while it is read: `prepare` until it is ready, then `next` gives its bytes part by part. Calls block; one at a time.
final class CutFile: Sendable {
    /// About as much is made at once, bytes.
    private static let partSize = 256 * 1024
    /// Frames that are looked at in one go, for the index.
    private static let countedAtOnce = 2000

    /// Takes a frame and gives the bytes that it adds, in their order.
    private enum Writer {
        /// Counts the samples, for the index in front.
        case counting(ProgressiveWriter)
        case movie(header: [UInt8], left: Int)
        case webm(MatroskaWriter)
    }

    private struct State {
        var writer: Writer
        var cursor: CutFrames.Cursor
        var isOver = false
        var corrections: [MatroskaWriter.Overwrite] = []
    }

    /// Its tracks' codecs, for the media type (RFC 6381).
    let codecs: [String]
    private let frames: CutFrames
    private let state: Mutex<State>

    /// Call `prepare` next. Throws `nothingRecorded`, `unsuitable`, `formatChanges`, `failed`.
    init(_ cut: MediaCut, plan: CutPlan, views: [RecordingView]) throws(PlaybackError) {
        let tracks = try Self.tracks(of: plan, views, container: cut.container)
        let frames = CutFrames(plan: plan, views: views, tracks: Set(tracks.tracks.map(\.number)))
        let writer: Writer
        if cut.container == .mp4 {
            let movieTracks = try tracks.tracks.movieTracks(from: tracks.source)
            writer = .counting(Self.movie(plan, tracks: movieTracks, isExact: cut.isExact))
            codecs = movieTracks.map(\.format.codecString)
        } else {
            writer = .webm(MatroskaWriter(.webm, tracks: tracks.tracks, startedAt: plan.startedAt, cluster: .seconds(1)))
            codecs = tracks.tracks.map(\.webMCodecName)
        }
        self.frames = frames
        state = Mutex(State(writer: writer, cursor: frames.cursor))
    }

    /// Reads some of what the header needs: true until it has all. Throws `nothingRecorded`, `failed`.
    func prepare() throws(PlaybackError) -> Bool {
        try state.withLock { state throws(PlaybackError) in
            guard case .counting(var writer) = state.writer else { return false }
            // The writer is in one place only while it grows: without this, all of it would be copied.
            state.writer = .movie(header: [], left: 0)
            for _ in 0..<Self.countedAtOnce {
                guard let frame = state.cursor.next() else {
                    state.writer = try Self.counted(writer)
                    state.cursor = frames.cursor
                    return false
                }
                _ = writer.add(track: UInt32(frame.track), time: frame.time, isKeyframe: frame.isKeyframe, size: frame.bytes.count)
            }
            state.writer = .counting(writer)
            return true
        }
    }

    /// The tracks, which must be the same all over the cut.
    private static func tracks(
        of plan: CutPlan, _ views: [RecordingView], container: Container
    ) throws(PlaybackError) -> (tracks: [MatroskaTrack], source: MediaSource) {
        var found: (tracks: [MatroskaTrack], source: MediaSource)?
        for run in plan.runs {
            let view = views.first { $0.media.recording == run.recording }
            guard let source = view?.source(run.frames.file) else { continue }
            let tracks = try source.index.tracks.fitting(container)
            guard let first = found else {
                found = (tracks, source)
                continue
            }
            // What else changes is said in the frames.
            let isSame = first.tracks.elementsEqual(tracks) { $0.number == $1.number && $0.codec == $1.codec }
            guard isSame else { throw .formatChanges }
        }
        guard let found else { throw .nothingRecorded }
        return found
    }

    private static func movie(_ plan: CutPlan, tracks: [MovieTrack], isExact: Bool) -> ProgressiveWriter {
        var writer = ProgressiveWriter(tracks: tracks, createdAt: plan.startedAt)
        if isExact { writer.shown = plan.leadIn..<plan.leadIn + plan.length }
        return writer
    }

    private static func counted(_ writer: ProgressiveWriter) throws(PlaybackError) -> Writer {
        guard writer.count > 0 else { throw .nothingRecorded }
        do throws(ISOMediaError) {
            return .movie(header: try writer.header(), left: writer.count)
        } catch {
            throw .failed(BridgeError(.limitReached, "The range is too long for one file; ask for a shorter one."))
        }
    }

    /// The next part of the file; nil at its end.
    func next() -> [UInt8]? {
        state.withLock { state in
            guard !state.isOver else { return nil }
            var part: [UInt8] = []
            while part.count < Self.partSize, !state.isOver { part += Self.step(&state) }
            return part.isEmpty ? nil : part
        }
    }

    /// What is to be written over the file once it is whole, where that can be done: sizes and the index' place.
    var corrections: [MatroskaWriter.Overwrite] { state.withLock(\.corrections) }

    private static func step(_ state: inout State) -> [UInt8] {
        switch state.writer {
        case .counting:
            state.isOver = true
            return []
        case .movie(let header, let left):
            // The index in front holds so many samples, whatever the recorder has added since.
            guard header.isEmpty else {
                state.writer = .movie(header: [], left: left)
                return header
            }
            guard left > 0, let frame = state.cursor.next() else {
                state.isOver = true
                return []
            }
            state.writer = .movie(header: [], left: left - 1)
            return frame.bytes
        case .webm(var writer):
            state.writer = .movie(header: [], left: 0)
            if let frame = state.cursor.next() {
                writer.append(frame)
            } else {
                state.isOver = true
                _ = writer.finish()
            }
            let output = writer.takeOutput()
            state.writer = .webm(writer)
            state.corrections += output.overwritten
            return output.appended
        }
    }
}

extension MatroskaTrack {
    /// As the `codecs` parameter of WebM names it.
    fileprivate var webMCodecName: String {
        guard codec == .av1 else { return codec.rawValue }
        return (try? SampleFormat(codec: codec, codecPrivate: codecPrivate, size: (width, height), firstKeyframe: []))?.codecString ?? "av1"
    }
}
