import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import Playback

/// Looking back at a stream: its timeline, any range as a file, and HLS.
struct PlaybackOperations: Sendable {
    let access: PlaybackAccess
    let playback: any StreamPlayback
    let events: any StreamEventArchive
    let clock: BridgeClock

    /// A year of a timeline at once, a day of media.
    private static let longestTimeline: Duration = .seconds(366 * 86_400)
    private static let longestMedia: Duration = .seconds(86_400)
    /// What a timeline shows that is not asked for another time.
    private static let usualTimeline: Duration = .seconds(86_400)

    @Sendable func timeline(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let (stream, isOperator) = try await access.visit(of: request)
        let limit = try PageRequest(request.query).limit
        let now = clock.wall()
        let (range, page) = try await Problem.playing { () async throws(PlaybackError) in
            let range = try PlaybackRange(
                from: request.query["from"], to: request.query["to"],
                standard: (now.advanced(by: .zero - Self.usualTimeline), now.advanced(by: .seconds(1))), longest: Self.longestTimeline)
            var cursor: TimelineCursor?
            if let after = request.query["after"], !after.isEmpty { cursor = try TimelineCursor(after) }
            return (range, try await playback.timeline(of: stream, in: range, after: cursor, limit: limit))
        }
        let events = try await reported(of: stream, in: range)
        return .json(
            .ok,
            .object([
                .init("stream", .string(stream.rawValue)), .init("now", .string(now.iso8601)),
                .init("items", .array(page.items.map(JSONText.timelineItem))), .init("next", .optional(page.next?.text)),
                .init("events", .array(events.map(isOperator ? JSONText.streamEvent : JSONText.streamMarker))),
            ]))
    }

    /// The first of the range's events; the rest is in their own list.
    private func reported(of stream: StreamID, in range: PlaybackRange) async throws(Problem) -> [StreamEvent] {
        do throws(BridgeError) {
            return try await events.streamEvents(
                StreamEventQuery(stream: stream, from: range.from, to: range.to, limit: Self.shownEvents))
        } catch {
            throw Problem(error)
        }
    }

    private static let shownEvents = 1000

    @Sendable func movie(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await media(request, container: .mp4, type: "video/mp4")
    }

    @Sendable func webm(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await media(request, container: .webm, type: "video/webm")
    }

    private func media(_ request: APIRequest, container: Container, type: String) async throws(Problem) -> APIResponse {
        let stream = try await access.stream(of: request)
        let isExact = try Self.flag(request, "exact")
        guard !isExact || container == .mp4 else {
            throw .invalidField("exact", "absent or false: only an MP4 can say which frames to show")
        }
        let (range, media) = try await Problem.playing { () async throws(PlaybackError) in
            let range = try Self.range(request)
            return (range, try await playback.media(of: stream, MediaCut(range, container: container, isExact: isExact)))
        }
        let name = "\(range.from.milliseconds)-\(range.to.milliseconds).\(container.fileExtension)"
        let codecs = media.codecs.joined(separator: ",")
        var fields: HTTPFields = [
            .contentType: "\(type); codecs=\"\(codecs)\"", .contentDisposition: "inline; filename=\"\(name)\"",
        ]
        fields[.mediaStart] = media.startedAt.iso8601
        return APIResponse(status: .ok, fields: fields, body: .stream(media.parts))
    }

    private static func range(_ request: APIRequest) throws(PlaybackError) -> PlaybackRange {
        try PlaybackRange(from: request.query["from"], to: request.query["to"], standard: nil, longest: longestMedia)
    }

    private static func flag(_ request: APIRequest, _ name: String) throws(Problem) -> Bool {
        switch request.query[name] {
        case nil, "false": false
        case "true": true
        default: throw .invalidField(name, "true or false")
        }
    }
}

// MARK: Thumbnails

extension PlaybackOperations {
    /// A poster, a sheet or a track, by the name that a timeline or a track has given it.
    @Sendable func thumbnail(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let stream = try await access.stream(of: request)
        let name = request.parameters["name"] ?? ""
        let path = try await Problem.playing { () async throws(PlaybackError) in try await playback.thumbnail(name, of: stream) }
        guard let path else { throw Problem(.notFound, "not_found", "This picture is not there, or no longer.") }
        let type = name.hasSuffix(".vtt") ? "text/vtt; charset=utf-8" : "image/jpeg"
        return APIResponse(status: .ok, fields: [.contentType: type, .cacheControl: "private, max-age=3600"], body: .file(path: path))
    }
}

// MARK: HLS

extension PlaybackOperations {
    /// A playlist, or what one names.
    @Sendable func hls(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let stream = try await access.stream(of: request)
        let name = request.parameters["name"] ?? ""
        let query = PlaybackAccess.query(of: request)
        switch name {
        case "master.m3u8": return .playlist(try await master(stream, request, query: query))
        case "media.m3u8":
            return .playlist(
                try await Problem.playing { () async throws(PlaybackError) in
                    try await playback.playlist(of: stream, in: try Self.range(request), query: query)
                })
        case "live.m3u8":
            return .playlist(
                try await Problem.playing { () async throws(PlaybackError) in
                    let directives = try HLSDirectives(
                        sequence: request.query["_HLS_msn"], part: request.query["_HLS_part"], skip: request.query["_HLS_skip"])
                    return try await playback.livePlaylist(of: stream, directives, query: query)
                })
        default: return try await resource(name, stream)
        }
    }

    private func master(_ stream: StreamID, _ request: APIRequest, query: String) async throws(Problem) -> String {
        try await Problem.playing { () async throws(PlaybackError) in
            guard request.query["from"] != nil || request.query["to"] != nil else {
                return try await playback.masterPlaylist(of: stream, in: nil, media: "live.m3u8" + query)
            }
            let range = try Self.range(request)
            let rest = query.isEmpty ? "" : "&" + query.dropFirst()
            let uri = "media.m3u8?from=\(range.from.milliseconds)&to=\(range.to.milliseconds)" + rest
            return try await playback.masterPlaylist(of: stream, in: range, media: uri)
        }
    }

    private func resource(_ name: String, _ stream: StreamID) async throws(Problem) -> APIResponse {
        guard let resource = HLSResource(name: name) else { throw .noSuchPath }
        let bytes = try await Problem.playing { () async throws(PlaybackError) in
            try await playback.resource(resource, of: stream)
        }
        guard let bytes else { throw Problem(.notFound, "not_found", "This piece of the stream is not there, or no longer.") }
        // A name always means the same frames.
        return APIResponse(
            status: .ok, fields: [.contentType: "video/mp4", .cacheControl: "private, max-age=3600"], body: .bytes(bytes))
    }
}

extension APIResponse {
    fileprivate static func playlist(_ text: String) -> APIResponse { .text(.ok, text, type: "application/vnd.apple.mpegurl") }
}

extension HTTPField.Name {
    /// `X-Media-Start`: the wall-clock time of the first frame, which may be before the range.
    fileprivate static var mediaStart: HTTPField.Name? { HTTPField.Name("X-Media-Start") }
}

extension HTTPFields {
    /// Does nothing for a name that is none.
    fileprivate subscript(_ name: HTTPField.Name?) -> String? {
        get { name.flatMap { self[$0] } }
        set { if let name { self[name] = newValue } }
    }
}

extension JSONText {
    fileprivate static func timelineItem(_ item: TimelineItem) -> JSONText {
        .object(
            [
                .init("type", .string(item.kind.rawValue)), .init("recording", .string(item.recording.rawValue)),
                .init("from", .string(item.from.iso8601)), .init("to", .string(item.to.iso8601)), .init("live", .bool(item.isLive)),
            ] + (item.thumbnails.isEmpty ? [] : [.init("thumbnails", .array(item.thumbnails.map(thumbnails)))]))
    }

    /// Their addresses are beside the timeline's.
    private static func thumbnails(_ thumbnails: TimelineThumbnails) -> JSONText {
        .object([
            .init("from", .string(thumbnails.from.iso8601)), .init("to", .string(thumbnails.to.iso8601)),
            .init("track", .string("thumbnails/" + thumbnails.names.track)),
            .init("poster", .string("thumbnails/" + thumbnails.names.poster)),
        ])
    }
}
