import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import Playback

/// Clips: cut, found, fetched, shared and removed by the operator; a shared one is fetched by whoever has its link.
struct ClipOperations: Sendable {
    let access: NativeAccess
    let clips: any ClipCommands
    let links: ShareLinks
    let clock: BridgeClock
    /// Origin that clients use; empty: the request's.
    let publicBase: String

    @Sendable func make(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let grant = try await access.operatorGrant(request)
        let body = try await request.object()
        let order = try Problem.reading { () throws(FieldFault) in try ClipOrder(reading: body) }
        guard order.range.to <= clock.wall() else { throw .invalidField("to", "in the past: what is to come cannot be cut yet") }
        let clip = try await Problem.playing { () async throws(PlaybackError) in try await clips.makeClip(order, for: grant.account) }
        return .json(.created, .clip(clip)).with(.location, "/bridge/v1/clips/\(clip.id)")
    }

    /// Newest first; `next` is what to give as `after` for the following page, null on the last one.
    @Sendable func list(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let page = try PageRequest(request.query)
        let (asked, limit) = (request.query, page.limit + 1)
        let wanted = try Problem.reading { () throws(FieldFault) in
            try ClipQuery(
                limit: limit, after: page.after, stream: asked["stream"], tag: asked["tag"], within: (asked["from"], asked["to"]))
        }
        let found = try await ask { () async throws(BridgeError) in try await clips.clips(wanted) }
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last?.id.rawValue : nil
        return .json(.ok, .object([.init("clips", .array(shown.map(JSONText.clip))), .init("next", .optional(next))]))
    }

    @Sendable func show(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        return .json(.ok, .clip(try await clip(request)))
    }

    @Sendable func remove(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let id = ClipID(request.parameters["id"] ?? "")
        guard try await ask({ () async throws(BridgeError) in try await clips.removeClip(id) }) else { throw .noSuchClip }
        return APIResponse(status: .noContent)
    }

    @Sendable func file(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        return try await file(of: try await clip(request))
    }

    /// A link that opens the clip's file for whoever has it, until it expires or the clip is removed.
    @Sendable func share(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let clip = try await clip(request)
        let seconds = try Self.lifetime(try await request.object(emptyIsObject: true))
        guard let origin = PublicOrigin(base: publicBase, request: request) else {
            throw Problem(.badRequest, "invalid_field", "The Host field names no host.", field: "host")
        }
        let expiry = clock.wall().advanced(by: .seconds(seconds))
        let url = "\(origin.http)/bridge/v1/shared/\(clip.id)?" + links.query(for: clip.id, expiry: expiry)
        return .json(.created, .object([.init("url", .string(url)), .init("expires_at", .string(expiry.iso8601))]))
    }

    /// The file behind a shared link. One that has expired, or was changed, looks like none.
    @Sendable func shared(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let id = ClipID(request.parameters["id"] ?? "")
        guard links.isValid(id, expires: request.query["expires"], signature: request.query["signature"], now: clock.wall()) else {
            throw Problem(.forbidden, "link_expired", "This link is not valid, or no longer; ask for another one.")
        }
        return try await file(of: try await clip(request)).with(.referrerPolicy, "no-referrer")
    }

    private func file(of clip: Clip) async throws(Problem) -> APIResponse {
        guard let path = await clips.file(of: clip) else { throw .noSuchClip }
        let type = clip.container == .mp4 ? "video/mp4" : "video/webm"
        return APIResponse(
            status: .ok, fields: [.contentType: type, .contentDisposition: "inline; filename=\"\(clip.fileName)\""], body: .file(path: path)
        )
    }

    private func clip(_ request: APIRequest) async throws(Problem) -> Clip {
        let id = ClipID(request.parameters["id"] ?? "")
        guard let clip = try await ask({ () async throws(BridgeError) in try await clips.clip(id) }) else { throw .noSuchClip }
        return clip
    }

    private func ask<Value: Sendable>(_ operation: () async throws(BridgeError) -> Value) async throws(Problem) -> Value {
        do throws(BridgeError) {
            return try await operation()
        } catch {
            throw Problem(error)
        }
    }
}

// MARK: What requests hold

extension ClipOperations {
    /// `ttl_s`: a day when it is absent, 30 days at most.
    private static func lifetime(_ body: JSONValue) throws(Problem) -> Int {
        guard let value = body["ttl_s"], !value.isNull else { return 86_400 }
        guard let seconds = value.integer, (60...2_592_000).contains(seconds) else {
            throw .invalidField("ttl_s", "an integer from 60 to 2592000")
        }
        return seconds
    }
}

extension Problem {
    fileprivate static let noSuchClip = Problem(.notFound, "not_found", "There is no such clip.")
}

extension JSONText {
    fileprivate static func clip(_ clip: Clip) -> JSONText {
        .object([
            .init("id", .string(clip.id.rawValue)), .init("stream", .string(clip.stream.rawValue)),
            .init("from", .string(clip.range.from.iso8601)), .init("to", .string(clip.range.to.iso8601)),
            .init("title", .string(clip.title)), .init("tags", .array(clip.tags.map(JSONText.string))),
            .init("container", .string(clip.container.rawValue)), .init("size_bytes", .integer(clip.sizeBytes)),
            .init("created_at", .string(clip.createdAt.iso8601)), .init("file", .string("/bridge/v1/clips/\(clip.id)/file")),
        ])
    }
}
