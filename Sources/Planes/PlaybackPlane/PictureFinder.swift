package import Bridge
package import BridgeModel
internal import Matroska
package import Playback

extension PlaybackService {
    /// How far around a moment without media the nearest that has some is looked for.
    private static let neighbourhood: Duration = .seconds(3600)
    /// Moments are written in milliseconds: what is shown in a millisecond is what is shown at its end.
    private static let resolution: Duration = .nanoseconds(999_999)

    package func pictureSource(of stream: StreamID, at moment: WallTime) async throws(PlaybackError) -> PictureSource {
        let instant = try PlaybackRange(from: moment, to: moment.advanced(by: .milliseconds(1)), longest: .seconds(1))
        let views = try await library.views(of: stream, in: instant)
        // Of recordings that overlap, the later one stands.
        for view in views.reversed() {
            if let source = view.pictureSource(at: moment.advanced(by: Self.resolution)) { return source }
        }
        let around = try PlaybackRange(
            from: moment.advanced(by: .zero - Self.neighbourhood), to: moment.advanced(by: Self.neighbourhood),
            longest: Self.neighbourhood * 2)
        let spans = try await library.views(of: stream, in: around).flatMap { $0.media.spans }
        throw .nothingAt(
            before: spans.map { $0.to.advanced(by: .zero - RecordedMedia.lastFrame) }.filter { $0 <= moment }.max(),
            after: spans.map(\.from).filter { $0 > moment }.min())
    }
}

extension RecordingView {
    /// Where the frame of a moment is; nil when the recording shows nothing then.
    fileprivate func pictureSource(at moment: WallTime) -> PictureSource? {
        let time = media.time(moment)
        guard let place = media.fragment(at: time), let source = source(media.fragments[place].file) else { return nil }
        let isFollowed = place + 1 < media.fragments.count && !media.isGap(after: place)
        guard isFollowed || time < media.fragments[place].end + RecordedMedia.lastFrame else { return nil }
        guard let track = source.index.tracks.first(where: { $0.codec.kind == .video }) else { return nil }
        return PictureSource(
            path: source.file.path, container: source.file.container, track: track.number, codec: track.codec,
            codecPrivate: track.codecPrivate, cluster: source.index.keyframeCluster(at: time - source.offset), time: time - source.offset,
            startedAt: media.wallTime(source.offset))
    }
}

extension MediaIndex {
    /// Where the cluster begins that decoding of a frame at `time` can begin with; of Matroska only.
    fileprivate func keyframeCluster(at time: Duration) -> UInt64 {
        guard case .clusters(let clusters) = self, var place = clusters.entry(at: time) else { return 0 }
        while place > 0, !clusters.entries[place].isKeyframe { place -= 1 }
        return clusters.entries[place].offset
    }
}
