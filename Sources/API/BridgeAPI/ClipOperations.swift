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

    /// A clip is copied while its maker waits.
    private static let longest: Duration = .seconds(3600)
    private static let longestTitle = 200
    private static let mostTags = 32
    private static let longestTag = 64

    @Sendable func make(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let grant = try await access.operatorGrant(request)
        let order = try Self.order(try await request.object())
        guard order.range.to <= clock.wall() else { throw .invalidField("to", "in the past: what is to come cannot be cut yet") }
        let clip = try await Problem.playing { () async throws(PlaybackError) in try await clips.makeClip(order, for: grant.account) }
        return .json(.created, .clip(clip)).with(.location, "/bridge/v1/clips/\(clip.id)")
    }

    /// Newest first; `next` is what to give as `after` for the following page, null on the last one.
    @Sendable func list(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let page = try PageRequest(request.query)
        var query = ClipQuery(limit: page.limit + 1)
        query.after = page.after.map { ClipID($0) }
        query.stream = request.query["stream"].map { StreamID($0) }
        query.tag = request.query["tag"]
        query.from = try Self.moment(request, "from")
        query.to = try Self.moment(request, "to")
        let wanted = query
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
    private static func order(_ body: JSONValue) throws(Problem) -> ClipOrder {
        guard let stream = try body.optionalStream("stream") else { throw .missingField("stream") }
        let (from, to) = (try moment(body, "from"), try moment(body, "to"))
        let range: PlaybackRange
        do throws(PlaybackError) {
            range = try PlaybackRange(from: from, to: to, standard: nil, longest: longest)
        } catch {
            throw Problem(error)
        }
        let title = try body.optionalText("title") ?? ""
        guard title.utf8.count <= longestTitle, isPlain(title) else {
            throw .invalidField("title", "a string of at most \(longestTitle) bytes without control characters")
        }
        return ClipOrder(stream: stream, range: range, title: title, tags: try tags(body))
    }

    /// A date, or milliseconds as a number.
    private static func moment(_ body: JSONValue, _ name: String) throws(Problem) -> String {
        guard let value = body[name], !value.isNull else { throw .missingField(name) }
        if let number = value.integer { return String(number) }
        guard let text = value.string else { throw .invalidField(name, "a date as in RFC 3339, or milliseconds since 1970") }
        return text
    }

    private static func moment(_ request: APIRequest, _ name: String) throws(Problem) -> WallTime? {
        guard let text = request.query[name] else { return nil }
        guard let moment = PlaybackTime.parse(text) else {
            throw .invalidField(name, "a date as in RFC 3339, or milliseconds since 1970")
        }
        return moment
    }

    private static func tags(_ body: JSONValue) throws(Problem) -> [String] {
        guard let value = body["tags"], !value.isNull else { return [] }
        guard case .array(let items) = value, items.count <= mostTags else {
            throw .invalidField("tags", "an array of at most \(mostTags) strings")
        }
        var tags: [String] = []
        for item in items {
            guard let tag = item.string, (1...longestTag).contains(tag.utf8.count), isPlain(tag) else {
                throw .invalidField("tags", "strings of 1 to \(longestTag) bytes without control characters")
            }
            tags.append(tag)
        }
        return tags
    }

    private static func isPlain(_ text: String) -> Bool { !text.unicodeScalars.contains { $0.properties.generalCategory == .control } }

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
