package import BridgeModel

/// One thing on a stream's timeline.
package struct TimelineItem: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Media that can be played.
        case media
        /// Within a recording, time from which nothing is there.
        case gap
    }

    package var kind: Kind
    package var recording: RecordingID
    package var from: WallTime
    package var to: WallTime
    /// It goes on: `to` is the newest that is there now.
    package var isLive: Bool
    /// Of the files that hold its media, as far as they have some.
    package var thumbnails: [TimelineThumbnails] = []

    package init(kind: Kind, recording: RecordingID, from: WallTime, to: WallTime, isLive: Bool) {
        self.kind = kind
        self.recording = recording
        self.from = from
        self.to = to
        self.isLive = isLive
    }
}

/// The small pictures of one file of a recording.
package struct TimelineThumbnails: Sendable, Equatable {
    /// The wall-clock time of the track's time zero.
    package var from: WallTime
    package var to: WallTime
    /// Without folders.
    package var names: ThumbnailNames

    package init(from: WallTime, to: WallTime, names: ThumbnailNames) {
        self.from = from
        self.to = to
        self.names = names
    }
}

/// Part of a stream's timeline.
package struct TimelinePage: Sendable, Equatable {
    /// In the order of time.
    package var items: [TimelineItem]
    /// Where the next page begins; nil on the last.
    package var next: TimelineCursor?
}

/// Where a page of a timeline begins: at the first item that ends after this moment and begins at it or later, or is the one that it names.
package struct TimelineCursor: Sendable, Equatable {
    /// The beginning of the last item that was seen.
    package let moment: WallTime
    /// How many items with that beginning were seen.
    package let count: Int

    init(moment: WallTime, count: Int) {
        self.moment = moment
        self.count = count
    }

    /// As it stands in a URL: nanoseconds and a count.
    package var text: String { "\(moment.nanoseconds)-\(count)" }

    /// Reads `text`. Throws `malformed`.
    package init(_ text: String) throws(PlaybackError) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ (1...19).contains($0.utf8.count) && $0.utf8.allSatisfy { (48...57).contains($0) } }),
            let nanoseconds = Int64(parts[0]), let count = Int(parts[1])
        else { throw .malformed(field: "after", rule: "the next of an earlier page") }
        moment = WallTime(nanoseconds: nanoseconds)
        self.count = count
    }
}

extension TimelinePage {
    /// What lies in a range, cut to it, `limit` items at most.
    package init(of recordings: [RecordedSpans], in range: PlaybackRange, after: TimelineCursor?, limit: Int) {
        let all = recordings.flatMap { Self.items(of: $0, in: range) }
            .sorted { ($0.from, $0.recording.rawValue) < ($1.from, $1.recording.rawValue) }
        var rest = all[...]
        if let after {
            rest = rest.drop { $0.from < after.moment }
            var seen = after.count
            while seen > 0, rest.first?.from == after.moment {
                rest.removeFirst()
                seen -= 1
            }
        }
        items = Array(rest.prefix(max(1, limit)))
        next = nil
        if items.count < rest.count, let last = items.last {
            let before = all.prefix(all.count - rest.count + items.count)
            next = TimelineCursor(moment: last.from, count: before.count { $0.from == last.from })
        }
    }

    private static func items(of media: RecordedSpans, in range: PlaybackRange) -> [TimelineItem] {
        let spans = media.spans
        var items: [TimelineItem] = []
        for (index, span) in spans.enumerated() {
            if index > 0 {
                items.append(
                    TimelineItem(kind: .gap, recording: media.recording, from: spans[index - 1].to, to: span.from, isLive: false))
            }
            let isLive = media.isLive && index == spans.count - 1
            items.append(TimelineItem(kind: .media, recording: media.recording, from: span.from, to: span.to, isLive: isLive))
        }
        return items.compactMap { item in
            guard item.from < range.to, item.to > range.from else { return nil }
            var item = item
            item.isLive = item.isLive && item.to <= range.to
            (item.from, item.to) = (max(item.from, range.from), min(item.to, range.to))
            return item
        }
    }
}
