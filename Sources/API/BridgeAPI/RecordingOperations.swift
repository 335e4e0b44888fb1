import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import Playback

/// Recordings: started, stopped, listed and fetched by the operator.
struct RecordingOperations: Sendable {
    let access: NativeAccess
    let recordings: any RecordingCommands
    let events: any StreamEventArchive
    let rules: AddressRules
    /// `recording.pre-roll`.
    let longestPreRoll: Duration

    /// Events that are shown with their recording.
    private static let shownEvents = 1000

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
        let row = try await row(request)
        let segments = try await ask { () throws(BridgeError) in try await recordings.segments(of: row.id) }
        let sidecars = try await ask { () throws(BridgeError) in try await recordings.sidecars(of: row, segments) }
        var shown: [JSONText] = []
        for segment in segments {
            let hasThumbnails = await recordings.hasThumbnails(segment)
            shown.append(.segment(segment, hasThumbnails: hasThumbnails, sidecars: sidecars[segment.number] ?? []))
        }
        let reported = try await ask { () throws(BridgeError) in
            try await events.streamEvents(StreamEventQuery(recording: row.id, limit: Self.shownEvents))
        }
        return .json(.ok, .recording(row, segments: shown, events: reported))
    }

    /// The file of a segment (`?segment=`, the first when absent), with ranges; 404 while it is being written and after it has left the spool.
    @Sendable func file(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let row = try await row(request)
        let number = try Problem.reading { () throws(FieldFault) in try SegmentRow.number(reading: request.query["segment"]) }
        let path = try await ask { () throws(BridgeError) in try await recordings.file(of: row.id, segment: number) }
        guard let path else {
            throw Problem(.notFound, "not_found", "The recording has no file here now: it is being written, or was removed.")
        }
        let name = SegmentRow.fileName(of: row.id, number: number, container: row.container)
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
    /// What a recording is to be, as a room's is ordered, too.
    func order(_ body: JSONValue) throws(Problem) -> RecordingOrder {
        let container = try body.optionalText("container")
        let format = container.flatMap { Container(rawValue: $0) }
        guard container == nil || format != nil else {
            throw .invalidField("container", "one of " + Container.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return RecordingOrder(
            destination: try destination(body), webhookURL: try url(body, "webhook_url", named: "webhook_url"), container: format,
            preRoll: try preRoll(body))
    }

    private func preRoll(_ body: JSONValue) throws(Problem) -> Duration? {
        guard let value = body["pre_roll_s"], !value.isNull else { return nil }
        let longest = longestPreRoll.components.seconds
        guard let seconds = value.integer, (0...longest).contains(Int64(seconds)) else {
            throw .invalidField("pre_roll_s", "a whole number from 0 to \(longest) (recording.pre-roll)")
        }
        return .seconds(seconds)
    }

    /// `destination`: an object that describes one, or has a `name`; absent, the assigned or configured one.
    private func destination(_ body: JSONValue) throws(Problem) -> DestinationOrder? {
        guard let value = body["destination"], !value.isNull else { return nil }
        if let name = value["name"] {
            guard let text = name.string, let name = DestinationName(text) else {
                throw .invalidField("destination.name", "1 to 64 lower-case letters, digits, hyphens and underscores")
            }
            return .named(name)
        }
        do throws(DestinationFault) {
            return .given(try DestinationReader(rules: rules).choice(value, path: "destination"))
        } catch {
            throw Problem(error)
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
}

extension JSONText {
    /// A recording without its secrets: of a URL the destination shows scheme and host alone.
    static func recording(_ row: RecordingRow) -> JSONText { .object(members(row)) }

    fileprivate static func recording(_ row: RecordingRow, segments: [JSONText], events: [StreamEvent]) -> JSONText {
        .object(members(row) + [.init("segments", .array(segments)), .init("events", .array(events.map(JSONText.streamEvent)))])
    }

    fileprivate static func segment(_ row: SegmentRow, hasThumbnails: Bool, sidecars: [SidecarCopy]) -> JSONText {
        .object([
            .init("number", .integer(Int64(row.number))), .init("state", .string(row.state.rawValue)),
            .init("container", .string(row.container.rawValue)), .init("started_at", .optional(row.startedAt?.iso8601)),
            .init("duration_ms", .integer(row.duration.wholeMilliseconds)), .init("size_bytes", .integer(row.sizeBytes)),
            .init("sha256", .optional(row.sha256)), .init("gaps", .array(row.gaps.map(gap))), .init("failure", failure(row.failure)),
            .init("thumbnails", hasThumbnails ? thumbnails(row) : .null), .init("sidecars", .array(sidecars.map(sidecar))),
        ])
    }

    private static func sidecar(_ copy: SidecarCopy) -> JSONText {
        .object([
            .init("kind", .string(copy.sidecar.sidecar?.rawValue ?? "snapshot")), .init("key", .string(copy.key)),
            .init("state", .string(copy.state == .dead ? "failed" : copy.state.rawValue)), .init("detail", .optional(copy.lastError)),
        ])
    }

    private static func thumbnails(_ row: SegmentRow) -> JSONText {
        let folder =
            "/bridge/v1/streams/" + PercentEncoding.encode(row.stream.rawValue, where: PercentEncoding.isUnreserved) + "/thumbnails/"
        let names = ThumbnailNames(ofFile: row.file)
        return .object([
            .init("poster", .string(folder + names.poster)), .init("sprite", .string(folder + names.sheet(1))),
            .init("track", .string(folder + names.track)),
        ])
    }

    private static func gap(_ gap: RecordingGap) -> JSONText {
        .object([
            .init("offset_ms", .integer(gap.offset.wholeMilliseconds)), .init("length_ms", .integer(gap.length.wholeMilliseconds)),
            .init("cause", .string(gap.cause.rawValue)),
        ])
    }

    private static func failure(_ error: BridgeError?) -> JSONText {
        error.map { .object([.init("code", .string($0.code.rawValue)), .init("detail", .string($0.message))]) } ?? .null
    }

    private static func members(_ row: RecordingRow) -> [Member] {
        [
            .init("id", .string(row.id.rawValue)), .init("stream", .string(row.context.stream.rawValue)),
            .init("session_id", .string(row.context.session.rawValue)), .init("client_id", .string(row.context.client.rawValue)),
            .init("state", .string(row.state.rawValue)), .init("container", .string(row.container.rawValue)),
            .init("destination", row.choice.shown), .init("started_at", .string(row.startedAt.iso8601)),
            .init("first_frame_at", .optional(row.firstFrameWrittenAt?.iso8601)), .init("stopped_at", .optional(row.stoppedAt?.iso8601)),
            .init("duration_ms", .optional(row.durationMilliseconds)), .init("size_bytes", .optional(row.sizeBytes)),
            .init("upload_status_code", .optional(row.uploadStatus.map { Int64($0) })),
            .init("failure", failure(row.failure)), .init("hold", hold(row.hold)), .init("deletion", deletion(row.deletion)),
        ]
    }

    private static func hold(_ hold: RecordingHold?) -> JSONText {
        guard let hold else { return .null }
        return .object([
            .init("reason", .string(hold.reason)), .init("actor", .string(hold.by.rawValue)),
            .init("placed_at", .string(hold.placedAt.iso8601)),
        ])
    }

    private static func deletion(_ deletion: Deletion?) -> JSONText {
        guard let deletion else { return .null }
        return .object([
            .init("step", .string(deletion.step.rawValue)), .init("actor", .string(deletion.by.rawValue)),
            .init("cause", .string(deletion.cause)), .init("destination", .bool(deletion.includesDestination)),
            .init("ordered_at", .string(deletion.orderedAt.iso8601)), .init("ended_at", .optional(deletion.endedAt?.iso8601)),
            .init("attempts", .integer(Int64(deletion.attempts))),
            .init("last_status", .optional(deletion.lastStatus.map { Int64($0) })), .init("last_error", .optional(deletion.lastError)),
        ])
    }
}
