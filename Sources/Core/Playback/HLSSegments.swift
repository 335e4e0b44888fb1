package import BridgeModel

/// A media segment of HLS (RFC 8216bis section 3): a stretch of one recording.
package struct HLSSegment: Sendable, Equatable {
    package var recording: RecordingID
    /// The file that it begins in; it says which initialization section it needs.
    package var file: Int
    /// On the recording's timeline.
    package var start: Duration
    /// Up to here, and without it.
    package var end: Duration
    /// The wall-clock time of its beginning.
    package var startedAt: WallTime
    /// It begins with a keyframe.
    package var isIndependent: Bool
    /// Something is missing before it, or its tracks are others than before.
    package var isDiscontinuous: Bool
    /// Discontinuities of its recording from the second segment on, up to its own beginning.
    package var discontinuities: Int
    /// Nothing more will be added to it.
    package var isComplete: Bool
    /// The bytes of its fragments.
    package var bytes: UInt64

    /// How long it plays.
    package var duration: Duration { end - start }
}

/// How recordings are divided into segments. The same media is always divided in the same way, however much of it is there yet.
package struct HLSRules: Sendable, Equatable {
    /// From here on a segment ends at the next keyframe.
    package var shortest: Duration = .seconds(2)
    /// From here on it ends at the next fragment, keyframe or not: cameras need not send keyframes while nobody asks.
    package var longest: Duration = .seconds(5)
    /// The longest fragment that the recorder writes.
    package var fragment: Duration
    /// Length of a partial segment.
    package var part: Duration = .milliseconds(250)

    package init(fragment: Duration) { self.fragment = fragment }

    /// Whole seconds that no segment lasts longer than, after rounding (RFC 8216bis section 4.4.3.1).
    package var targetDuration: Int64 { (longest + max(fragment, .seconds(1)) + RecordedMedia.lastFrame).wholeMilliseconds / 1000 + 1 }

    /// The segments of a recording. The last one of a live recording is incomplete. `sameFormat`: whether two of its files need the same
    /// initialization section. `earlier` are the segments of an earlier state of the same media: those that are complete stand.
    package func segments(
        of media: RecordedMedia, after earlier: GrowingList<HLSSegment> = [], sameFormat: (Int, Int) -> Bool
    ) -> GrowingList<HLSSegment> {
        var (segments, first) = Self.resumed(earlier, media)
        for index in first..<media.fragments.count {
            let fragment = media.fragments[index]
            let isAfterGap = index == 0 || media.isGap(after: index - 1)
            let isOtherFormat = segments.last.map { !sameFormat($0.file, fragment.file) } ?? true
            if let last = segments.indices.last, !isAfterGap, !isOtherFormat, !isDue(fragment, after: segments[last].start) {
                segments[last].end = media.isGap(after: index) ? fragment.end + RecordedMedia.lastFrame : fragment.end
                segments[last].bytes += fragment.bytes
                continue
            }
            // Nothing can be decoded until the first keyframe.
            guard fragment.isKeyframe || !(isAfterGap || isOtherFormat) else { continue }
            let isDiscontinuous = isAfterGap || isOtherFormat
            let discontinuities = segments.last.map { $0.discontinuities + (isDiscontinuous ? 1 : 0) } ?? 0
            if let last = segments.indices.last { segments[last].isComplete = true }
            let end = media.isGap(after: index) ? fragment.end + RecordedMedia.lastFrame : fragment.end
            segments.append(
                HLSSegment(
                    recording: media.recording, file: fragment.file, start: fragment.start, end: end,
                    startedAt: media.wallTime(fragment.start), isIndependent: fragment.isKeyframe,
                    isDiscontinuous: isDiscontinuous, discontinuities: discontinuities, isComplete: false, bytes: fragment.bytes))
        }
        guard let last = segments.indices.last else { return [] }
        segments[last].isComplete = !media.isLive
        if !media.isLive { segments[last].end = max(media.end, segments[last].start + RecordedMedia.lastFrame) }
        return segments
    }

    /// The segments that stand, and the fragment that the next one begins with.
    private static func resumed(_ earlier: GrowingList<HLSSegment>, _ media: RecordedMedia) -> (GrowingList<HLSSegment>, Int) {
        guard let last = earlier.last, let index = media.fragment(at: last.start), media.fragments[index].start == last.start,
            index == 0 || media.fragments[index - 1].start < last.start
        else { return ([], 0) }
        var standing = earlier
        standing.removeLast()
        return (standing, index)
    }

    private func isDue(_ fragment: MediaFragment, after start: Duration) -> Bool {
        let length = fragment.start - start
        return length >= longest || (fragment.isKeyframe && length >= shortest)
    }

    /// How many parts of a segment are there: all of a complete one, and those of the live one that its last frame has passed.
    package func partCount(of segment: HLSSegment) -> Int {
        let length = segment.duration.wholeNanoseconds
        let unit = max(1, part.wholeNanoseconds)
        return Int(clamping: segment.isComplete ? (length + unit - 1) / unit : length / unit)
    }

    /// Where a part lies on the recording's timeline; the last one of a complete segment ends with it.
    package func part(_ index: Int, of segment: HLSSegment) -> (start: Duration, end: Duration) {
        let start = segment.start + part * index
        return (start, segment.isComplete ? min(segment.end, start + part) : start + part)
    }
}
