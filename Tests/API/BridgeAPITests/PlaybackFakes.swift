import Bridge
import BridgeAPI
import BridgeModel
import Playback
import Synchronization

/// Recordings and clips in memory: stream `cam` has an hour from the moment 1,000,000 s on.
final class FakeLibrary: StreamPlayback, Snapshots, ClipCommands {
    struct Memory {
        var failure: PlaybackError?
        var cuts: [MediaCut] = []
        var ranges: [PlaybackRange?] = []
        var pictures: [(at: WallTime?, spec: PictureSpec)] = []
        var clips: [Clip] = []
        var clipQueries: [ClipQuery] = []
    }

    let memory = Mutex(Memory())

    private func failAsTold() throws(PlaybackError) {
        if let failure = memory.withLock({ $0.failure }) { throw failure }
    }

    func timeline(
        of stream: StreamID, in range: PlaybackRange, after: TimelineCursor?, limit: Int
    ) async throws(PlaybackError) -> TimelinePage {
        try failAsTold()
        memory.withLock { $0.ranges.append(range) }
        var media = RecordedMedia(recording: RecordingID("r1"), startedAt: WallTime(milliseconds: 1_000_000_000), isLive: true)
        let fragments = [0, 1, 2, 10, 11].map { second in
            MediaFragment(file: 0, start: .seconds(second), end: .seconds(second + 1), isKeyframe: true, bytes: 100)
        }
        media.append(fragments)
        return TimelinePage(of: [RecordedSpans(media)], in: range, after: after, limit: limit)
    }

    func media(of stream: StreamID, _ cut: MediaCut) async throws(PlaybackError) -> PlaybackMedia {
        try failAsTold()
        memory.withLock { $0.cuts.append(cut) }
        let parts = AsyncStream<[UInt8]> { continuation in
            continuation.yield([1, 2])
            continuation.finish()
        }
        return PlaybackMedia(parts: parts, startedAt: cut.range.from.advanced(by: .seconds(-1)), codecs: ["avc1.42E01F", "opus"])
    }

    func masterPlaylist(of stream: StreamID, in range: PlaybackRange?, media uri: String) async throws(PlaybackError) -> String {
        try failAsTold()
        memory.withLock { $0.ranges.append(range) }
        return "master of " + uri
    }

    func playlist(of stream: StreamID, in range: PlaybackRange, query: String) async throws(PlaybackError) -> String {
        try failAsTold()
        memory.withLock { $0.ranges.append(range) }
        return "media" + query
    }

    func livePlaylist(of stream: StreamID, _ directives: HLSDirectives, query: String) async throws(PlaybackError) -> String {
        try failAsTold()
        return "live \(directives.sequence ?? -1) \(directives.part ?? -1) \(directives.isDelta)" + query
    }

    func resource(_ resource: HLSResource, of stream: StreamID) async throws(PlaybackError) -> [UInt8]? {
        try failAsTold()
        return resource == .initialization(RecordingID("r1"), file: 0) ? [7] : nil
    }

    func thumbnail(_ name: String, of stream: StreamID) async throws(PlaybackError) -> String? {
        try failAsTold()
        return ThumbnailNames(ofThumbnail: name).map { _ in "/spool/" + name }
    }

    func pictureSource(of stream: StreamID, at moment: WallTime) async throws(PlaybackError) -> PictureSource {
        throw .nothingAt(before: nil, after: nil)
    }

    func live(of stream: StreamID, _ spec: PictureSpec) async throws(BridgeError) -> Picture {
        if case .failed(let error) = memory.withLock({ $0.failure }) { throw error }
        return picture(at: nil, spec)
    }

    func recorded(of stream: StreamID, at moment: WallTime, _ spec: PictureSpec) async throws(PlaybackError) -> Picture {
        try failAsTold()
        return picture(at: moment, spec)
    }

    private func picture(at moment: WallTime?, _ spec: PictureSpec) -> Picture {
        memory.withLock { $0.pictures.append((moment, spec)) }
        return Picture(format: spec.format, bytes: [1, 2, 3], takenAt: moment ?? WallTime(milliseconds: 5000), width: 4, height: 2)
    }

    func makeClip(_ order: ClipOrder, for account: AccountID) async throws(PlaybackError) -> Clip {
        try failAsTold()
        let clip = Clip(
            id: ClipID("c1"), account: account, order: order, container: .mp4, sizeBytes: 5, createdAt: WallTime(milliseconds: 1))
        memory.withLock { $0.clips.append(clip) }
        return clip
    }

    func clips(_ query: ClipQuery) async throws(BridgeError) -> [Clip] {
        memory.withLock {
            $0.clipQueries.append(query)
            return Array($0.clips.prefix(query.limit))
        }
    }

    func clip(_ id: ClipID) async throws(BridgeError) -> Clip? { memory.withLock { $0.clips.first { $0.id == id } } }

    func file(of clip: Clip) async -> String? { "/clips/" + clip.fileName }

    func removeClip(_ id: ClipID) async throws(BridgeError) -> Bool {
        memory.withLock { memory in
            defer { memory.clips.removeAll { $0.id == id } }
            return memory.clips.contains { $0.id == id }
        }
    }
}

extension JSONValue {
    /// The items of an array; nil for anything else.
    var array: [JSONValue]? {
        guard case .array(let items) = self else { return nil }
        return items
    }
}
