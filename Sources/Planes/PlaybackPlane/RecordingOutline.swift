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

    /// The ledger says what is in `known`; `rest` is what the other files say, which follow them.
    init(_ row: RecordingRow, known: [RecordedFile], rest: RecordingView?) {
        spans = RecordedSpans(recording: row.id, isLive: row.state.isRunning)
        files = []
        for file in known { add(file) }
        guard let rest else { return }
        for span in RecordedSpans(rest.media).spans { spans.append(span) }
        for (number, source) in rest.sources.enumerated() {
            let end = rest.media.fragments.last { $0.file == number }?.end ?? source.offset
            files.append(
                File(
                    path: source.file.path, from: rest.media.wallTime(source.offset),
                    to: rest.media.wallTime(end + RecordedMedia.lastFrame)))
        }
    }

    private mutating func add(_ file: RecordedFile) {
        guard let segment = file.segment, let from = segment.startedAt, let to = segment.endsAt else { return }
        spans.append(from: from, length: segment.duration, gaps: segment.gaps.map { ($0.offset, $0.length) })
        files.append(File(path: file.path, from: from, to: to))
    }
}

extension RecordedFile {
    /// The ledger has its times, so that it need not be opened for them.
    var isKnown: Bool { segment.map { $0.state.hasFile && $0.startedAt != nil && $0.duration > .zero } ?? false }
}
