package import Bridge
package import BridgeModel
internal import Foundation
package import Playback

/// Plays what was recorded: timelines, ranges, and HLS with its live edge. Files are read on threads of its own; nothing is decoded.
package struct PlaybackService: StreamPlayback, SpoolReaders {
    /// How far back a player of the live list can go, and how recordings are divided.
    package struct Rules: Sendable, Equatable {
        package var hls: HLSRules
        package var window: Duration

        package init(fragment: Duration, window: Duration) {
            hls = HLSRules(fragment: fragment)
            self.window = window
        }
    }

    /// A list of a recording that has just ended is given for this long, so that its players hear of the end.
    private static let endIsTold: Duration = .seconds(60)
    /// A recorder may be started before the bridge's clock says so.
    private static let clockTolerance: Duration = .seconds(5)

    let library: MediaLibrary
    private let rules: Rules
    private let now: @Sendable () -> WallTime

    /// `now` is the wall clock.
    package init(
        recordings: any RecordingLibrary, files: any RecordedFiles, rules: Rules, threads: Int = 4, now: @escaping @Sendable () -> WallTime
    ) {
        library = MediaLibrary(recordings: recordings, files: files, threads: threads)
        self.rules = rules
        self.now = now
    }

    package func timeline(
        of stream: StreamID, in range: PlaybackRange, after: TimelineCursor?, limit: Int
    ) async throws(PlaybackError) -> TimelinePage {
        let outlines = try await library.outlines(of: stream, in: range)
        let page = TimelinePage(of: outlines.map(\.spans), in: range, after: after, limit: limit)
        return try await library.blocking { page.withThumbnails(of: outlines) }
    }

    package func media(of stream: StreamID, _ cut: MediaCut) async throws(PlaybackError) -> PlaybackMedia {
        let (file, startedAt) = try await cutFile(of: stream, cut)
        let library = library
        let parts = AsyncStream<[UInt8]> { try? await library.blocking(.long) { file.next() } }
        return PlaybackMedia(parts: parts, startedAt: startedAt, codecs: file.codecs)
    }

    package func letGo() async { await library.letGo() }

    func cutFile(of stream: StreamID, _ cut: MediaCut) async throws(PlaybackError) -> (CutFile, startedAt: WallTime) {
        let views = try await library.views(of: stream, in: cut.range)
        let plan = try CutPlan(cut.range, of: views.map(\.media))
        let file = try await library.blocking(.long) { try CutFile(cut, plan: plan, views: views) }
        // A day is gone through in pieces, so that others have their turn, and it ends with its player.
        while try await library.blocking(.long, { try file.prepare() }) {
            guard !Task.isCancelled else { throw .failed(BridgeError(.unavailable, "Nobody waits for the file any more.")) }
        }
        return (file, plan.startedAt)
    }
}

// MARK: HLS

extension PlaybackService {
    package func masterPlaylist(of stream: StreamID, in range: PlaybackRange?, media uri: String) async throws(PlaybackError) -> String {
        let (view, segments) = try await newest(of: stream, in: range)
        let rates = segments.bitrates
        let variant = try await library.blocking { try FragmentedOutput(view).variant() }
        return HLSMasterPlaylist(
            .init(uri: uri, codecs: variant.codecs, size: variant.size, peakBitrate: rates.peak, averageBitrate: rates.average)
        ).text
    }

    /// The last recording of the range, or the one that is being made, and all segments of the range or the recording.
    private func newest(
        of stream: StreamID, in range: PlaybackRange?
    ) async throws(PlaybackError) -> (RecordingView, GrowingList<HLSSegment>) {
        guard let range else {
            let edge = try await liveEdge(of: stream)
            return (edge.view, edge.segments)
        }
        let views = try await library.views(of: stream, in: range)
        let segments = await segments(of: views, in: range)
        guard let last = views.last, !segments.isEmpty else { throw .nothingRecorded }
        return (last, segments)
    }

    package func playlist(of stream: StreamID, in range: PlaybackRange, query: String) async throws(PlaybackError) -> String {
        let views = try await library.views(of: stream, in: range)
        for view in views { for source in view.sources { _ = try source.index.tracks.fittingHLS() } }
        let segments = await segments(of: views, in: range)
        guard !segments.isEmpty else { throw .nothingRecorded }
        return HLSPlaylist(segments, kind: .complete, rules: rules.hls, query: query).text()
    }

    /// The whole segments that touch the range, from one that decoding can begin with.
    private func segments(of views: [RecordingView], in range: PlaybackRange) async -> GrowingList<HLSSegment> {
        var all: [HLSSegment] = []
        for view in views { all += await library.segments(of: view, by: rules.hls).filter(\.isComplete) }
        let touching = all.indices.filter { all[$0].startedAt < range.to && all[$0].startedAt.advanced(by: all[$0].duration) > range.from }
        guard var first = touching.first, let last = touching.last else { return [] }
        while first > 0, !all[first].isIndependent { first -= 1 }
        return GrowingList(all[first...last])
    }

    package func livePlaylist(
        of stream: StreamID, _ directives: HLSDirectives, query: String
    ) async throws(PlaybackError) -> String {
        var edge = try await liveEdge(of: stream)
        for source in edge.view.sources { _ = try source.index.tracks.fittingHLS() }
        let end = ContinuousClock.now + patience
        while true {
            let list = HLSPlaylist(edge.segments, kind: .live(window: rules.window), rules: rules.hls)
            let answer = list.isOver ? .ready : directives.answer(edge: list.edge)
            if answer == .tooFar { throw .malformed(field: "_HLS_msn", rule: "at most one beyond the end of the list") }
            if answer == .ready || ContinuousClock.now > end || Task.isCancelled {
                let isDelta = directives.isDelta
                return await library.list(of: edge.view, isDelta: isDelta) { list.template(skipping: isDelta) }.text(query: query)
            }
            guard let next = try await library.nextEdge(of: edge.view.media.recording, rules: rules.hls) else { throw .nothingRecorded }
            edge = next
        }
    }

    /// How long a request may wait: three target durations, after which the media is missing, not late (RFC 8216bis section 6.2.5.2).
    private var patience: Duration { .seconds(rules.hls.targetDuration * 3) }

    /// What is being recorded of a stream, or was until just now. Throws `nothingRecorded` when there is nothing to list.
    private func liveEdge(of stream: StreamID) async throws(PlaybackError) -> LiveEdge {
        let now = now()
        let recent = try PlaybackRange(
            from: now.advanced(by: .zero - Self.endIsTold), to: now.advanced(by: Self.clockTolerance), longest: .seconds(3600))
        guard let edge = try await library.newestEdge(of: stream, in: recent, rules: rules.hls), !edge.segments.isEmpty else {
            throw .nothingRecorded
        }
        return edge
    }

    package func resource(_ resource: HLSResource, of stream: StreamID) async throws(PlaybackError) -> [UInt8]? {
        switch resource {
        case .initialization(let recording, let file):
            guard let view = try await library.view(of: recording, file: file), view.stream == stream else { return nil }
            return try await library.blocking { try FragmentedOutput(view).initialization(file: file) }
        case .segment(let recording, let start, let end):
            guard end - start <= .seconds(rules.hls.targetDuration),
                let view = try await library.view(of: recording, from: start, to: end), view.stream == stream, end <= view.media.end
            else { return nil }
            return try await library.blocking { try FragmentedOutput(view).media(from: start, to: end) }
        case .part(let recording, let start, let index):
            return try await part(index, ofSegmentAt: start, of: recording, stream: stream)
        }
    }

    /// A part; the next one is waited for (RFC 8216bis section 6.2.6).
    private func part(
        _ index: Int, ofSegmentAt start: Duration, of recording: RecordingID, stream: StreamID
    ) async throws(PlaybackError) -> [UInt8]? {
        let end = ContinuousClock.now + patience
        var edge = try await library.edge(of: recording, rules: rules.hls)
        while let current = edge, current.view.stream == stream {
            guard let segment = current.segments.last(where: { $0.start == start }) else { return nil }
            let count = rules.hls.partCount(of: segment)
            if index < count {
                let part = rules.hls.part(index, of: segment)
                return try await library.blocking { try FragmentedOutput(current.view).media(from: part.start, to: part.end) }
            }
            guard index == count, !segment.isComplete, ContinuousClock.now < end, !Task.isCancelled else { return nil }
            edge = try await library.nextEdge(of: recording, rules: rules.hls)
        }
        return nil
    }
}
