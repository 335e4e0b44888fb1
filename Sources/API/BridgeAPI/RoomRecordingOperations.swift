import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import Signaling

/// Recordings of rooms, and what was drawn, marked and taken in them.
struct RoomRecordingOperations: Sendable {
    let access: NativeAccess
    let playback: PlaybackAccess
    let rooms: any RoomCommands
    let links: any RoomLinks
    let kept: any RoomRecordings
    let recordings: RecordingOperations
    let clock: BridgeClock

    /// 201, or 200 for a room that is recorded already, however.
    @Sendable func start(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let body = try await request.object(emptyIsObject: true)
        var order = RoomRecordingOrder(id: RoomRecordingID(RandomUUID.text()), recording: try recordings.order(body))
        order.mode = try Problem.reading { () throws(FieldFault) in try RoomRecordingMode(reading: body, "mode") } ?? .tracks
        let status = try await administer(.record(order), request)
        guard let recording = status.recording else { throw Self.isNone }
        return .json(recording.id == order.id ? .created : .ok, JSONText(RoomMessage.value(recording)))
            .with(.location, "/bridge/v1/room-recordings/\(recording.id)")
    }

    @Sendable func show(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        guard let recording = await rooms.room(room(request))?.recording else { throw Self.isNone }
        return .json(.ok, JSONText(RoomMessage.value(recording)))
    }

    /// Also where it is not recorded.
    @Sendable func stop(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        _ = try await administer(.record(nil), request)
        return APIResponse(status: .noContent)
    }

    // MARK: - What there is

    @Sendable func list(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let page = try PageRequest(request.query)
        let (asked, limit) = (request.query, page.limit + 1)
        let query = try Problem.reading { () throws(FieldFault) in
            try RoomRecordingQuery(limit: limit, after: page.after, room: asked["room"], within: (asked["from"], asked["to"]))
        }
        let found = try await ask { () throws(BridgeError) in try await kept.roomRecordings(query) }
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last?.id.rawValue : nil
        return .json(
            .ok, .object([.init("room_recordings", .array(shown.map(JSONText.roomRecording))), .init("next", .optional(next))]))
    }

    @Sendable func manifest(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let id = RoomRecordingID(request.parameters["id"] ?? "")
        guard let manifest = try await ask({ () throws(BridgeError) in try await kept.manifest(of: id) }) else { throw Self.isNone }
        return .json(.ok, JSONText(manifest))
    }

    /// 202: it is removed from here on, with the recordings that were begun for it.
    @Sendable func remove(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let actor = AuditActor.bearer(of: try await access.operatorGrant(request))
        let order = DeletionOrder(by: actor, cause: "ordered", includesDestination: try request.flag("destination"))
        let id = RoomRecordingID(request.parameters["id"] ?? "")
        try await ask { () throws(BridgeError) in try await kept.remove(id, order) }
        return APIResponse(status: .accepted)
    }

    /// What was drawn on a stream's pictures, for whoever may see what was recorded of it.
    @Sendable func boards(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let stream = try await playback.stream(of: request)
        let boards = try await ask { () throws(BridgeError) in try await kept.boards(of: stream) }
        return .json(.ok, .object([.init("boards", .array(boards.map { JSONText($0) }))]))
    }

    // MARK: - Pictures

    /// A picture of an open room: for those who have a link to it, and the operator.
    @Sendable func picture(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await admit(request)
        return try Self.response(await kept.picture(pictureID(request), in: room(request)))
    }

    @Sendable func keptPicture(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let recording = RoomRecordingID(request.parameters["id"] ?? "")
        return try Self.response(try await ask { () throws(BridgeError) in try await kept.picture(pictureID(request), of: recording) })
    }

    private func admit(_ request: APIRequest) async throws(Problem) {
        guard case .token(let token) = request.bearer else { throw .token(request.bearer == .missing ? .missing : .invalid) }
        let grant: RoomGrant
        do throws(AccessError) {
            grant = try await links.grant(of: token)
        } catch .invalid {
            // It may be the operator's.
            try await access.operatorGrant(request)
            return
        } catch {
            throw .token(error)
        }
        let status = await rooms.room(room(request))
        guard let status else { throw Self.isNoPicture }
        if let fault = grant.fault(room: status.order.id, account: status.order.account, at: clock.wall()) { throw Problem(fault) }
    }

    /// `<id>.jpg`.
    private func pictureID(_ request: APIRequest) -> String {
        let name = request.parameters["name"] ?? ""
        return name.hasSuffix(".jpg") ? String(name.dropLast(".jpg".count)) : ""
    }

    private static func response(_ path: String?) throws(Problem) -> APIResponse {
        guard let path else { throw isNoPicture }
        return APIResponse(status: .ok, fields: [.contentType: "image/jpeg"], body: .file(path: path))
            .with(.cacheControl, "private, max-age=3600")
    }

    // MARK: - Pieces

    private static let isNone = Problem(.notFound, "not_found", "There is no such recording of a room.")
    private static let isNoPicture = Problem(.notFound, "not_found", "There is no such picture, or the room where it was taken is over.")

    private func room(_ request: APIRequest) -> RoomID { RoomID(request.parameters["room"] ?? "") }

    /// The room as it is afterwards.
    private func administer(_ command: RoomCommand, _ request: APIRequest) async throws(Problem) -> RoomStatus {
        do throws(RoomError) {
            try await rooms.administer(command, in: room(request))
        } catch {
            throw Problem(error)
        }
        guard let status = await rooms.room(room(request)) else {
            throw Problem(.notFound, "room_closed", "The room is over; list those that are open.")
        }
        return status
    }

    private func ask<Value: Sendable>(_ operation: () async throws(BridgeError) -> Value) async throws(Problem) -> Value {
        do throws(BridgeError) {
            return try await operation()
        } catch {
            throw Problem(error)
        }
    }
}

extension RoomRecordingOperations {
    /// The operations, as `route` makes them.
    func routes(_ route: (HTTPRequest.Method, String, @escaping BridgeAPI.Operation) -> Route) -> [Route] {
        [
            route(.get, "/bridge/v1/rooms/{room}/recording", show), route(.post, "/bridge/v1/rooms/{room}/recording", start),
            route(.delete, "/bridge/v1/rooms/{room}/recording", stop),
            route(.get, "/bridge/v1/rooms/{room}/snapshots/{name}", picture),
            route(.get, "/bridge/v1/room-recordings", list), route(.get, "/bridge/v1/room-recordings/{id}", manifest),
            route(.delete, "/bridge/v1/room-recordings/{id}", remove),
            route(.get, "/bridge/v1/room-recordings/{id}/snapshots/{name}", keptPicture),
            route(.get, "/bridge/v1/streams/{id}/boards", boards),
        ]
    }
}

extension JSONText {
    fileprivate static func roomRecording(_ summary: RoomRecordingSummary) -> JSONText {
        .object([
            .init("id", .string(summary.id.rawValue)), .init("room", .string(summary.room.rawValue)),
            .init("account_id", .string(summary.account.rawValue)), .init("started_at", .string(summary.startedAt.iso8601)),
            .init("ended_at", .optional(summary.endedAt?.iso8601)), .init("is_over", .bool(summary.endedAt != nil)),
            .init("is_ready", .bool(summary.isReady)),
        ])
    }
}
