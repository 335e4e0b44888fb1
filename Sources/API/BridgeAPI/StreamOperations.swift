import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// `GET /streams` and `GET /streams/{id}`.
struct StreamOperations: Sendable {
    let access: NativeAccess
    let streams: any StreamCatalog

    /// The streams that the caller may see: all for the operator and where streams are public, else the one of the token.
    @Sendable func list(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let grant = try await access.grant(request)
        guard grant != nil || access.streamsArePublic else { throw .token(.missing) }
        let visible = await streams.streams().filter { access.mayWatch($0.id, grant) }
        return .json(.ok, .object([.init("streams", .array(visible.map(JSONText.stream)))]))
    }

    /// One stream; one that the caller may not see looks like one that is not there.
    @Sendable func show(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let grant = try await access.grant(request)
        guard grant != nil || access.streamsArePublic else { throw .token(.missing) }
        let id = request.parameters["id"] ?? ""
        guard access.mayWatch(StreamID(id), grant), let stream = await streams.stream(StreamID(id)) else { throw .noSuchStream(id) }
        return .json(.ok, .stream(stream))
    }
}

extension JSONText {
    fileprivate static func stream(_ stream: StreamSummary) -> JSONText {
        .object([
            .init("id", .string(stream.id.rawValue)), .init("since", .string(stream.since.iso8601)),
            .init("viewers", .integer(Int64(stream.viewers))),
            .init("tracks", .array(stream.tracks.map { track($0, stream.statistics) })),
        ])
    }

    private static func track(_ track: TrackDescription, _ statistics: StreamStatistics?) -> JSONText {
        var members: [Member] = [
            .init("kind", .string(track.kind.rawValue)), .init("codec", .string(track.codec.rawValue)), .init("mid", .string(track.mid)),
        ]
        let index = Int(track.index)
        if let counters = statistics?.tracks, counters.indices.contains(index) {
            members += [
                .init("packets", .integer(Int64(clamping: counters[index].packets))),
                .init("bytes", .integer(Int64(clamping: counters[index].bytes))),
                .init("lost", .integer(Int64(clamping: counters[index].lost))),
                .init("keyframes", .integer(Int64(clamping: counters[index].keyframes))),
            ]
            if track.kind == .video { members.append(.init("encodings", .array(counters[index].encodings.map(encoding)))) }
        }
        return .object(members)
    }

    private static func encoding(_ encoding: EncodingStatistics) -> JSONText {
        var members: [Member] = encoding.rid.map { [.init("rid", .string($0))] } ?? []
        members += [
            .init("active", .bool(!encoding.layers.isEmpty)), .init("bitrate", .integer(encoding.bitrate)),
            .init("frame_rate", .integer(Int64(encoding.frameRate.rounded()))),
            .init("spatial_layers", .integer(Int64(Set(encoding.layers.map(\.spatialID)).count))),
            .init("temporal_layers", .integer(Int64(Set(encoding.layers.map(\.temporalID)).count))),
        ]
        if let width = encoding.width, let height = encoding.height {
            members += [.init("width", .integer(Int64(width))), .init("height", .integer(Int64(height)))]
        }
        return .object(members)
    }
}
