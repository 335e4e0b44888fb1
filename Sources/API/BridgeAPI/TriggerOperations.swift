import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import Playback

/// What makes recordings begin by themselves: the policies of streams, and the events that are reported of them. The operator's.
struct TriggerOperations: Sendable {
    let access: NativeAccess
    let triggers: any TriggerCommands

    // MARK: - Policies

    /// In order of the streams; `next` is what to give as `after` for the following page, null on the last one.
    @Sendable func policies(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let page = try PageRequest(request.query)
        var rest = await triggers.policies()[...]
        if let after = page.after { rest = rest.drop { $0.stream.rawValue <= after } }
        let shown = rest.prefix(page.limit)
        let next = rest.count > page.limit ? shown.last?.stream.rawValue : nil
        let items = shown.map { JSONText.object([.init("stream", .string($0.stream.rawValue)), .init("policy", $0.policy.json)]) }
        return .json(.ok, .object([.init("policies", .array(items)), .init("next", .optional(next))]))
    }

    @Sendable func policy(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        return .json(.ok, await document(of: try stream(request)))
    }

    @Sendable func setPolicy(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let stream = try stream(request)
        let body = try await request.object()
        let policy = try Problem.reading { () throws(FieldFault) in try RecordingPolicy(reading: body) }
        do throws(BridgeError) {
            try await triggers.set(policy, for: stream)
        } catch {
            guard error.code == .invalidField else { throw Problem(error) }
            throw Problem(.badRequest, "invalid_field", error.message, field: "schedule.time_zone")
        }
        return .json(.ok, await document(of: stream))
    }

    @Sendable func removePolicy(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let stream = try stream(request)
        try await ask { () throws(BridgeError) in try await triggers.set(nil, for: stream) }
        return APIResponse(status: .noContent)
    }

    private func document(of stream: StreamID) async -> JSONText {
        let (policy, isOwn) = await triggers.policy(of: stream)
        return .object([
            .init("stream", .string(stream.rawValue)), .init("source", .string(isOwn ? "stream" : "configuration")),
            .init("policy", policy.json),
        ])
    }

    // MARK: - Events

    @Sendable func report(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let stream = try stream(request)
        let body = try await request.object()
        guard let type = try body.optionalText("type"), let plain = StreamEventReport(type: type) else {
            throw .invalidField("type", "1 to 64 letters, digits, dots, hyphens and underscores")
        }
        guard let report = StreamEventReport(type: plain.type, note: try body.optionalText("note") ?? "") else {
            throw .invalidField("note", "a text of at most 500 bytes")
        }
        let event = try await ask { () throws(BridgeError) in try await triggers.report(report, on: stream) }
        return .json(.created, .streamEvent(event))
    }

    /// Oldest first; `next` is what to give as `after` for the following page, null on the last one.
    @Sendable func events(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let page = try PageRequest(request.query)
        var query = StreamEventQuery(stream: try stream(request), after: page.after, limit: page.limit + 1)
        query.from = try Problem.reading { () throws(FieldFault) in try PlaybackTime.read(request.query["from"], "from") }
        query.to = try Problem.reading { () throws(FieldFault) in try PlaybackTime.read(request.query["to"], "to") }
        let wanted = query
        let found = try await ask { () throws(BridgeError) in try await triggers.streamEvents(wanted) }
        let shown = found.prefix(page.limit)
        let next = found.count > page.limit ? shown.last?.id : nil
        return .json(.ok, .object([.init("events", .array(shown.map(JSONText.streamEvent))), .init("next", .optional(next))]))
    }

    // MARK: - Pieces

    private func stream(_ request: APIRequest) throws(Problem) -> StreamID {
        guard let stream = StreamID(named: request.parameters["stream"] ?? "") else {
            throw .invalidField("stream", StreamID.rule)
        }
        return stream
    }

    private func ask<Value: Sendable>(_ operation: () async throws(BridgeError) -> Value) async throws(Problem) -> Value {
        do throws(BridgeError) {
            return try await operation()
        } catch {
            throw Problem(error)
        }
    }
}

extension JSONText {
    /// An event that was reported of a stream, for the operator.
    static func streamEvent(_ event: StreamEvent) -> JSONText { streamEvent(event, note: .string(event.report.note)) }

    /// An event for viewers: its note was written for the operator.
    static func streamMarker(_ event: StreamEvent) -> JSONText { streamEvent(event, note: .null) }

    private static func streamEvent(_ event: StreamEvent, note: JSONText) -> JSONText {
        .object([
            .init("id", .string(event.id)), .init("stream", .string(event.stream.rawValue)), .init("type", .string(event.report.type)),
            .init("note", note), .init("at", .string(event.at.iso8601)),
            .init("recording", .optional(event.recording?.rawValue)),
        ])
    }
}
