package import BridgeModel

/// When there is media of one recording: all that a timeline needs to know of it.
package struct RecordedSpans: Sendable, Equatable {
    /// A stretch without a gap.
    package struct Span: Sendable, Equatable {
        package var from: WallTime
        package var to: WallTime

        package init(from: WallTime, to: WallTime) {
            self.from = from
            self.to = to
        }
    }

    /// Two files of a recording that are further apart have a gap between them: a ledger knows their lengths by their last frames'.
    private static let shortestGap: Duration = .seconds(1)

    package let recording: RecordingID
    /// It is being written.
    package let isLive: Bool
    /// In the order of time.
    package private(set) var spans: [Span] = []

    package init(recording: RecordingID, isLive: Bool) {
        self.recording = recording
        self.isLive = isLive
    }

    /// What a recording's files hold.
    package init(_ media: RecordedMedia) {
        recording = media.recording
        isLive = media.isLive
        spans = media.spans.map { Span(from: $0.from, to: $0.to) }
    }

    /// Adds a file by what a ledger knows of it; files come in the order of time. `gaps` are from its beginning, from the last frame before to the
    /// first one after.
    package mutating func append(from start: WallTime, length: Duration, gaps: [(offset: Duration, length: Duration)]) {
        var begin = start
        for gap in gaps.sorted(by: { $0.offset < $1.offset }) where gap.offset + gap.length < length {
            let last = start.advanced(by: gap.offset + RecordedMedia.lastFrame)
            if last > begin { append(Span(from: begin, to: last)) }
            begin = max(begin, start.advanced(by: gap.offset + gap.length))
        }
        append(Span(from: begin, to: start.advanced(by: length)))
    }

    /// Adds what follows, or goes on. Where it begins before the end of what is there, as after the clock was set back, the later one stands.
    package mutating func append(_ span: Span) {
        guard span.from < span.to else { return }
        while let last = spans.last, last.from >= span.from { spans.removeLast() }
        if let last = spans.indices.last, span.from <= spans[last].to.advanced(by: Self.shortestGap) {
            spans[last].to = span.to
        } else {
            spans.append(span)
        }
    }
}
