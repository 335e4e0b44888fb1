package import BridgeModel

/// A piece of a recording that can be read by itself: a cluster of Matroska, or a run of samples of MP4.
package struct MediaFragment: Sendable, Equatable {
    /// Which of the recording's files holds it.
    package var file: Int
    /// Of its first frame, from the recording's beginning.
    package var start: Duration
    /// Where the next begins; before a gap and at the end, its last frame's.
    package var end: Duration
    /// Decoding can begin here.
    package var isKeyframe: Bool
    /// Its length in the file.
    package var bytes: UInt64

    package init(file: Int, start: Duration, end: Duration, isKeyframe: Bool, bytes: UInt64) {
        self.file = file
        self.start = start
        self.end = end
        self.isKeyframe = isKeyframe
        self.bytes = bytes
    }
}

/// Frames of one file, `from` up to but without `to` on the recording's timeline.
package struct FileRun: Sendable, Equatable {
    package var file: Int
    package var from: Duration
    package var to: Duration
}

/// All that is on the disk of one recording, file after file, on one timeline.
package struct RecordedMedia: Sendable, Equatable {
    package let recording: RecordingID
    /// The wall-clock time of its time zero.
    package let startedAt: WallTime
    /// It is being written.
    package var isLive: Bool
    /// In the order of time.
    package private(set) var fragments: GrowingList<MediaFragment> = []

    /// What the last frame before a gap, and of all, is taken to last for.
    package static let lastFrame: Duration = .milliseconds(40)

    package init(recording: RecordingID, startedAt: WallTime, isLive: Bool) {
        self.recording = recording
        self.startedAt = startedAt
        self.isLive = isLive
    }

    /// Adds a file's fragments, on the recording's timeline and in order. A later file begins with what the one before may have at its end: there
    /// the later one stands.
    package mutating func append(_ added: some Collection<MediaFragment>) {
        guard let first = added.first else { return }
        while let last = fragments.last, last.start >= first.start { fragments.removeLast() }
        // What follows within a frame's length follows at once.
        if let last = fragments.indices.last, fragments[last].end + Self.lastFrame >= first.start { fragments[last].end = first.start }
        fragments.append(contentsOf: added)
    }

    /// Puts what its last file has now in place of that file's last fragment: it may have become longer, and others follow.
    package mutating func replaceLast(with grown: [MediaFragment]) {
        guard let last = fragments.last, grown.first.map({ $0.file == last.file }) ?? false else { return }
        fragments.removeLast()
        fragments.append(contentsOf: grown)
    }

    /// Where the recording ends until now: behind its last frame.
    package var end: Duration { fragments.last.map { $0.end + Self.lastFrame } ?? .zero }

    /// A moment of the recording's timeline on the clock.
    package func wallTime(_ time: Duration) -> WallTime { startedAt.advanced(by: time) }

    /// A moment of the clock on the recording's timeline.
    package func time(_ moment: WallTime) -> Duration {
        .nanoseconds(moment.nanoseconds.subtractingReportingOverflow(startedAt.nanoseconds).partialValue)
    }

    /// Whether something is missing between a fragment and the next.
    package func isGap(after index: Int) -> Bool {
        fragments.indices.contains(index + 1) && fragments[index + 1].start > fragments[index].end + Self.lastFrame
    }

    /// The last fragment that begins at `time` or before; nil before the first.
    package func fragment(at time: Duration) -> Int? {
        var (low, high) = (0, fragments.count)
        while low < high {
            let middle = low + (high - low) / 2
            if fragments[middle].start > time { high = middle } else { low = middle + 1 }
        }
        return low == 0 ? nil : low - 1
    }

    /// Where the frames of `from..<to` are, file by file.
    package func runs(from: Duration, to: Duration) -> [FileRun] {
        var runs: [FileRun] = []
        for fragment in fragments[(fragment(at: from) ?? 0)...] {
            guard fragment.start < to else { break }
            guard let last = runs.indices.last else {
                runs.append(FileRun(file: fragment.file, from: max(from, fragment.start), to: to))
                continue
            }
            guard runs[last].file != fragment.file else { continue }
            runs[last].to = fragment.start
            runs.append(FileRun(file: fragment.file, from: fragment.start, to: to))
        }
        return runs
    }

    /// The stretches without a gap, on the clock.
    package var spans: [(from: WallTime, to: WallTime)] {
        var spans: [(from: WallTime, to: WallTime)] = []
        var begin: Duration?
        for (index, fragment) in fragments.enumerated() {
            let start = begin ?? fragment.start
            begin = start
            guard index == fragments.count - 1 || isGap(after: index) else { continue }
            spans.append((wallTime(start), wallTime(fragment.end + Self.lastFrame)))
            begin = nil
        }
        return spans
    }
}
