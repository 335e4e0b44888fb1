package import BridgeModel

/// How a range is cut out of recordings without decoding: from the keyframe at or before its beginning.
package struct CutPlan: Sendable, Equatable {
    /// Frames of one of a recording's files.
    package struct Run: Sendable, Equatable {
        package var recording: RecordingID
        package var frames: FileRun
        /// What brings the recording's times onto the cut's timeline.
        package var offset: Duration
    }

    /// In the order of time.
    package let runs: [Run]
    /// The wall-clock time of the cut's time zero: its first frame's.
    package let startedAt: WallTime
    /// The frames before the range that its first picture needs.
    package let leadIn: Duration
    /// From the range's beginning, or the first frame after it, to its end.
    package let length: Duration

    /// Throws `nothingRecorded`. `recordings` are in the order of time.
    package init(_ range: PlaybackRange, of recordings: [RecordedMedia]) throws(PlaybackError) {
        let cuts = recordings.compactMap { media in
            Self.first(of: range, in: media).map { (media: media, first: $0) }
        }
        guard let head = cuts.first else { throw .nothingRecorded }
        let startedAt = head.media.wallTime(head.media.fragments[head.first].start)
        self.startedAt = startedAt
        var runs: [Run] = []
        for (index, cut) in cuts.enumerated() {
            // Of recordings that overlap, the later one stands.
            let next = cuts.dropFirst(index + 1).first.map { $0.media.wallTime($0.media.fragments[$0.first].start) }
            let end = min(range.to, next ?? range.to)
            let offset = cut.media.time(startedAt) * -1
            let frames = cut.media.runs(from: cut.media.fragments[cut.first].start, to: cut.media.time(end))
            runs += frames.map { Run(recording: cut.media.recording, frames: $0, offset: offset) }
        }
        guard !runs.isEmpty else { throw .nothingRecorded }
        self.runs = runs
        let begin = max(range.from, startedAt)
        leadIn = .nanoseconds(begin.nanoseconds - startedAt.nanoseconds)
        let end = cuts.last.map { min(range.to, $0.media.wallTime($0.media.end)) } ?? range.to
        length = max(.zero, .nanoseconds(end.nanoseconds - begin.nanoseconds))
    }

    /// The fragment to begin with: the last keyframe at the range's beginning or before it, or the first one after.
    private static func first(of range: PlaybackRange, in media: RecordedMedia) -> Int? {
        let (from, to) = (media.time(range.from), media.time(range.to))
        guard let last = media.fragments.last, last.end + RecordedMedia.lastFrame > from else { return nil }
        var index = media.fragment(at: from)
        // In a gap, the next fragment is what is meant.
        if let found = index, media.isGap(after: found), media.fragments[found].end + RecordedMedia.lastFrame <= from { index = found + 1 }
        while let found = index, !media.fragments[found].isKeyframe {
            index = found == 0 || media.isGap(after: found - 1) ? nil : found - 1
        }
        let begin = index ?? media.fragments.firstIndex { $0.isKeyframe && $0.start >= from }
        return begin.flatMap { media.fragments[$0].start < to ? $0 : nil }
    }
}
