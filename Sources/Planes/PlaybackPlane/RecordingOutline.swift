internal import Bridge
internal import BridgeModel
internal import Playback

/// When a recording has media, and which file has it.
struct RecordingOutline: Sendable {
    struct File: Sendable {
        var path: String
        /// The wall-clock time of its time zero.
        var from: WallTime
        var to: WallTime
    }

    var spans: RecordedSpans
    var files: [File]

    init(_ row: RecordingRow) {
        spans = RecordedSpans(recording: row.id, isLive: row.state.isRunning)
        files = []
    }

    /// What the ledger says of a file that it knows.
    mutating func add(_ file: RecordedFile) {
        guard let segment = file.segment, let from = segment.startedAt, let to = segment.endsAt else { return }
        spans.append(from: from, length: segment.duration, gaps: segment.gaps.map { ($0.offset, $0.length) })
        files.append(File(path: file.path, from: from, to: to))
    }

    /// What files say themselves.
    mutating func add(_ view: RecordingView) {
        let media = view.media
        for span in RecordedSpans(media).spans { spans.append(span) }
        let ends = Dictionary(media.fragments.map { ($0.file, $0.end) }, uniquingKeysWith: { $1 })
        for source in view.sources {
            let end = (ends[source.number] ?? source.offset) + RecordedMedia.lastFrame
            files.append(File(path: source.file.path, from: media.wallTime(source.offset), to: media.wallTime(end)))
        }
    }
}

extension RecordedFile {
    /// The ledger has its times, so that it need not be opened for them. A segment with a failure may have become another file than was meant.
    var isKnown: Bool {
        guard let segment else { return false }
        return segment.state.hasFile && segment.startedAt != nil && segment.duration > .zero && segment.failure == nil
    }
}

/// Files of a recording that are to be opened.
struct FileSelection: Sendable {
    /// With their places among all of them.
    let files: [(place: Int, file: RecordedFile)]
    let isWhole: Bool
    /// The recording's time zero, where the first file is not among them.
    let origin: WallTime?

    /// All files.
    init(_ all: [RecordedFile]) { self.init(all.indices, of: all) }

    init(_ places: some Collection<Int>, of all: [RecordedFile], origin: WallTime? = nil) {
        files = places.map { ($0, all[$0]) }
        isWhole = files.count == all.count
        self.origin = origin
    }
}

extension [RecordedFile] {
    /// A file's frames may lie outside its row's times by as much, and a segment of a list outside its file.
    private static let margin: Duration = .seconds(15)

    /// The places of those that may hold media of a window; of one that the ledger does not know, nobody knows.
    func near(_ window: ClosedRange<WallTime>) -> [Int] {
        let (from, to) = (window.lowerBound.advanced(by: .zero - Self.margin), window.upperBound.advanced(by: Self.margin))
        return indices.filter { place in
            guard self[place].isKnown, let segment = self[place].segment, let began = segment.startedAt, let ended = segment.endsAt
            else { return true }
            return began < to && ended > from
        }
    }

    /// Those that follow each other and share a property, together.
    func runs(by property: (RecordedFile) -> Bool) -> [ArraySlice<RecordedFile>] {
        var runs: [ArraySlice<RecordedFile>] = []
        for index in indices {
            if index > 0, property(self[index]) == property(self[index - 1]), let last = runs.last {
                runs[runs.count - 1] = self[last.startIndex...index]
            } else {
                runs.append(self[index...index])
            }
        }
        return runs
    }
}
