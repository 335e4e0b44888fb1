package import BridgeModel

/// A track of a finished file, as players name it.
package struct RecordedTrack: Sendable, Equatable {
    package var kind: MediaKind
    /// The `codecs` parameter of the file's media type (RFC 6381), for instance `avc1.42E01F`.
    package var codec: String
    /// Pixels, video only.
    package var width: Int
    package var height: Int
    /// Audio only.
    package var channels: Int
    /// Hz, audio only.
    package var sampleRate: Int

    package init(kind: MediaKind, codec: String, width: Int = 0, height: Int = 0, channels: Int = 0, sampleRate: Int = 0) {
        self.kind = kind
        self.codec = codec
        self.width = width
        self.height = height
        self.channels = channels
        self.sampleRate = sampleRate
    }
}

/// What lies beside a finished file and says what it is: whose, of when, which tracks, what is missing, and how to tell that it is whole.
package struct RecordingManifest: Sendable, Equatable {
    /// Of the document's form: raised when a member changes its meaning.
    package static let version: Int64 = 1

    /// A segment that has its start, size and hash.
    package var segment: SegmentRow
    /// Whose it is.
    package var context: SessionContext
    package var tracks: [RecordedTrack]

    package init(segment: SegmentRow, context: SessionContext, tracks: [RecordedTrack]) {
        self.segment = segment
        self.context = context
        self.tracks = tracks
    }

    /// The manifest's name in the spool and at a destination: the file's, and an ending.
    package static func fileName(of file: String) -> String { file + ".json" }

    /// The document; the same manifest is always the same bytes.
    package var json: JSONText {
        .object([
            .init("version", .integer(Self.version)),
            .init("recording", .string(segment.recording.rawValue)),
            .init("segment", .integer(Int64(segment.number))),
            .init("stream", .string(segment.stream.rawValue)),
            .init("device", .string(context.client.rawValue)),
            .init("account", .string(context.account.rawValue)),
            .init("session", .string(context.session.rawValue)),
            .init("file", .string(segment.file)),
            .init("container", .string(segment.container.rawValue)),
            .init("size_bytes", .integer(segment.sizeBytes)),
            .init("sha256", .optional(segment.sha256)),
            .init("started_at", .optional(segment.startedAt?.iso8601)),
            .init("ended_at", .optional(segment.endsAt?.iso8601)),
            .init("duration_ms", .integer(segment.duration.wholeMilliseconds)),
            .init("tracks", .array(tracks.map(Self.json))),
            .init("gaps", .array(segment.gaps.map(Self.json))),
        ])
    }

    private static func json(_ track: RecordedTrack) -> JSONText {
        let details: [JSONText.Member] =
            switch track.kind {
            case .video: [.init("width", .integer(Int64(track.width))), .init("height", .integer(Int64(track.height)))]
            case .audio: [.init("channels", .integer(Int64(track.channels))), .init("sample_rate", .integer(Int64(track.sampleRate)))]
            }
        return .object([.init("kind", .string(track.kind.rawValue)), .init("codec", .string(track.codec))] + details)
    }

    private static func json(_ gap: RecordingGap) -> JSONText {
        .object([
            .init("offset_ms", .integer(gap.offset.wholeMilliseconds)), .init("length_ms", .integer(gap.length.wholeMilliseconds)),
            .init("cause", .string(gap.cause.rawValue)),
        ])
    }
}
