import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// Recordings: started, stopped, listed and fetched by the operator.
struct RecordingOperations: Sendable {
    let access: NativeAccess
    let recordings: any RecordingCommands
    let rules: AddressRules

    @Sendable func start(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let order = try order(try await request.object(emptyIsObject: true))
        let stream = StreamID(request.parameters["id"] ?? "")
        let row = try await ask { () throws(BridgeError) in try await recordings.startRecording(of: stream, order) }
        return .json(.created, .recording(row)).with(.location, "/bridge/v1/recordings/\(row.id.rawValue)")
    }

    @Sendable func stop(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let id = RecordingID(request.parameters["id"] ?? "")
        let row = try await ask { () throws(BridgeError) in try await recordings.stopRecording(id) }
        return .json(.accepted, .recording(row))
    }

    /// Newest first; `next` is what to give as `after` for the following page, null on the last one.
    @Sendable func list(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let page = try PageRequest(request.query)
        // One more than asked tells whether there is a next page.
        let rows = try await ask { () throws(BridgeError) in
            try await recordings.recordings(limit: page.limit + 1, after: page.after.map { RecordingID($0) })
        }
        let shown = rows.prefix(page.limit)
        let next = rows.count > page.limit ? shown.last?.id.rawValue : nil
        return .json(.ok, .object([.init("recordings", .array(shown.map(JSONText.recording))), .init("next", .optional(next))]))
    }

    @Sendable func show(_ request: APIRequest) async throws(Problem) -> APIResponse {
        .json(.ok, .recording(try await row(request)))
    }

    /// The file itself, with ranges; 404 while it is being written and after it has left the spool.
    @Sendable func file(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let row = try await row(request)
        let path = try await ask { () throws(BridgeError) in try await recordings.file(of: row.id) }
        guard let path else {
            throw Problem(.notFound, "not_found", "The recording has no file here now: it is being written, or was removed.")
        }
        let name = "\(row.id.rawValue).\(row.container.fileExtension)"
        return APIResponse(
            status: .ok, fields: [.contentType: row.container.mediaType, .contentDisposition: "attachment; filename=\"\(name)\""],
            body: .file(path: path))
    }

    private func row(_ request: APIRequest) async throws(Problem) -> RecordingRow {
        try await access.operatorGrant(request)
        let id = RecordingID(request.parameters["id"] ?? "")
        let row = try await ask { () throws(BridgeError) in try await recordings.recording(id) }
        guard let row else { throw .noSuchRecording }
        return row
    }

    private func ask<Value: Sendable>(_ operation: () async throws(BridgeError) -> Value) async throws(Problem) -> Value {
        do throws(BridgeError) {
            return try await operation()
        } catch {
            throw Problem(error)
        }
    }
}

// MARK: The order

extension RecordingOperations {
    private func order(_ body: JSONValue) throws(Problem) -> RecordingOrder {
        let container = try body.optionalText("container")
        let format = container.flatMap { Container(rawValue: $0) }
        guard container == nil || format != nil else {
            throw .invalidField("container", "one of " + Container.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return RecordingOrder(
            destination: try destination(body), webhookURL: try url(body, "webhook_url", named: "webhook_url"), container: format)
    }

    /// `destination`: an object with either `url` or `folder`; absent, the configured one.
    private func destination(_ body: JSONValue) throws(Problem) -> Destination? {
        guard let value = body["destination"], !value.isNull else { return nil }
        guard case .object = value else { throw .invalidField("destination", "an object with url or folder") }
        let target = try url(value, "url", named: "destination.url")
        let folder = try value.optionalText("folder")
        switch (target, folder) {
        case (let target?, nil): return .put(url: target)
        case (nil, let folder?):
            guard Self.isAbsoluteFolder(folder) else { throw .invalidField("destination.folder", "an absolute path without dot segments") }
            return .folder(path: folder)
        case (nil, nil), (_?, _?): throw .invalidField("destination", "an object with either url or folder")
        }
    }

    private func url(_ body: JSONValue, _ name: String, named field: String) throws(Problem) -> Redacted<String>? {
        guard let text = try body.optionalText(name) else { return nil }
        do throws(BridgeError) {
            _ = try DeliveryURL(parsing: Redacted(text), rules: rules)
            return Redacted(text)
        } catch {
            throw Problem(.badRequest, "invalid_url", error.message, field: field)
        }
    }

    private static func isAbsoluteFolder(_ path: String) -> Bool {
        guard path.hasPrefix("/"), path.utf8.count <= 1024, !path.utf8.contains(0) else { return false }
        return !path.split(separator: "/").contains { $0 == "." || $0 == ".." }
    }
}

extension Container {
    fileprivate var mediaType: String {
        switch self {
        case .webm: "video/webm"
        case .matroska: "video/x-matroska"
        case .mp4: "video/mp4"
        }
    }
}

extension JSONText {
    /// A recording without its secrets: of a URL the destination shows scheme and host alone.
    fileprivate static func recording(_ row: RecordingRow) -> JSONText {
        .object([
            .init("id", .string(row.id.rawValue)), .init("stream", .string(row.context.stream.rawValue)),
            .init("session_id", .string(row.context.session.rawValue)), .init("client_id", .string(row.context.client.rawValue)),
            .init("state", .string(row.state.rawValue)), .init("container", .string(row.container.rawValue)),
            .init("destination", destination(row.destination)), .init("started_at", .string(row.startedAt.iso8601)),
            .init("first_frame_at", .optional(row.firstFrameWrittenAt?.iso8601)), .init("stopped_at", .optional(row.stoppedAt?.iso8601)),
            .init("duration_ms", .optional(row.durationMilliseconds)), .init("size_bytes", .optional(row.sizeBytes)),
            .init("upload_status_code", .optional(row.uploadStatus.map { Int64($0) })),
            .init(
                "failure",
                row.failure.map { .object([.init("code", .string($0.code.rawValue)), .init("detail", .string($0.message))]) } ?? .null),
        ])
    }

    private static func destination(_ destination: Destination) -> JSONText {
        switch destination {
        case .keep: .null
        case .folder(let path): .object([.init("folder", .string(path))])
        case .put(let url):
            .object([.init("origin", .optional((try? DeliveryURL(parsing: url, rules: AddressRules(allowPrivate: true)))?.origin))])
        }
    }
}
