package import BridgeModel
package import Playback

/// What was recorded, to be looked at again. Implemented by PlaybackPlane; recordings that still run are included up to now.
package protocol StreamPlayback: Sendable {
    /// What there is of a stream in a range; a cursor continues an earlier page. Throws `failed`.
    func timeline(
        of stream: StreamID, in range: PlaybackRange, after: TimelineCursor?, limit: Int
    ) async throws(PlaybackError) -> TimelinePage
    /// A range as one file, without transcoding. Throws `nothingRecorded`, `unsuitable`, `formatChanges`, `failed`.
    func media(of stream: StreamID, _ cut: MediaCut) async throws(PlaybackError) -> PlaybackMedia
    /// A multivariant playlist; `range` nil: of what is being recorded now. Throws `nothingRecorded`, `unsuitable`, `failed`.
    func masterPlaylist(of stream: StreamID, in range: PlaybackRange?, media uri: String) async throws(PlaybackError) -> String
    /// The media playlist of a range; `query` is appended to each URI. Throws as `masterPlaylist`.
    func playlist(of stream: StreamID, in range: PlaybackRange, query: String) async throws(PlaybackError) -> String
    /// The media playlist of what is being recorded now; waits for what the directives ask for. Throws as `masterPlaylist`, and `malformed`
    /// for directives that are too far ahead.
    func livePlaylist(of stream: StreamID, _ directives: HLSDirectives, query: String) async throws(PlaybackError) -> String
    /// What a playlist names; a part that is announced is waited for. nil: there is no such thing. Throws `failed`.
    func resource(_ resource: HLSResource, of stream: StreamID) async throws(PlaybackError) -> [UInt8]?
    /// Absolute path of what a timeline's thumbnails name; nil: there is no such thing. Throws `failed`.
    func thumbnail(_ name: String, of stream: StreamID) async throws(PlaybackError) -> String?
    /// Where the frame is that a recording shows at a moment. Throws `nothingAt`, `failed`.
    func pictureSource(of stream: StreamID, at moment: WallTime) async throws(PlaybackError) -> PictureSource
}

/// How a range is to be cut out.
package struct MediaCut: Sendable, Equatable {
    package var range: PlaybackRange
    package var container: Container
    /// Players show the range to the frame, although the file begins at the keyframe before it; MP4 only.
    package var isExact: Bool

    package init(_ range: PlaybackRange, container: Container, isExact: Bool = false) {
        self.range = range
        self.container = container
        self.isExact = isExact
    }
}

/// A file that is made while it is sent.
package struct PlaybackMedia: Sendable {
    /// In order; the next is made when it is asked for.
    package var parts: AsyncStream<[UInt8]>
    /// The wall-clock time of the file's time zero.
    package var startedAt: WallTime
    /// Its tracks' codecs, for the media type (RFC 6381).
    package var codecs: [String]

    package init(parts: AsyncStream<[UInt8]>, startedAt: WallTime, codecs: [String]) {
        self.parts = parts
        self.startedAt = startedAt
        self.codecs = codecs
    }
}

/// Recordings by stream and time. Implemented by StoragePlane.
package protocol RecordingLibrary: Sendable {
    /// Recordings of a stream that may hold media of `from..<to`, oldest first, at most `limit` of those behind `last`; nil: from the first one on.
    func recordings(
        of stream: StreamID, from: WallTime, to: WallTime, after last: RecordingRow?, limit: Int
    ) async throws(BridgeError) -> [RecordingRow]
    /// One recording; nil when there is none of this id.
    func recording(_ id: RecordingID) async throws(BridgeError) -> RecordingRow?
    /// A recording's segments in order.
    func segments(of recording: RecordingID) async throws(BridgeError) -> [SegmentRow]
}

/// The files of recordings, as they lie on the disk now. Implemented by RecordingPlane.
package protocol RecordedFiles: Sendable {
    /// In the order of time. Blocks: for a thread that may.
    func files(of row: RecordingRow, segments: [SegmentRow]) -> [RecordedFile]
}

/// A file with media of a recording.
package struct RecordedFile: Sendable, Equatable {
    /// Absolute.
    package var path: String
    /// What its bytes are; parts of an MP4 are Matroska.
    package var container: Container
    /// When its first frame was, where the ledger knows it; the file may say it, too.
    package var startedAt: WallTime?
    /// A recorder writes it.
    package var isGrowing: Bool
    /// The row of the segment that it is all of; nil for a part of one.
    package var segment: SegmentRow?

    package init(path: String, container: Container, startedAt: WallTime?, isGrowing: Bool, segment: SegmentRow? = nil) {
        self.path = path
        self.container = container
        self.startedAt = startedAt
        self.isGrowing = isGrowing
        self.segment = segment
    }
}
