import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// Recordings that are over: held, removed and sent again by the operator; rules of retention, and the log of all that.
struct KeepingOperations: Sendable {
    let access: NativeAccess
    let keeping: any RecordingKeeping

    @Sendable func hold(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let actor = AuditActor.bearer(of: try await access.operatorGrant(request))
        let body = try await request.object()
        let reason = try Problem.reading { () throws(FieldFault) in try RecordingHold.reason(reading: body) }
        let id = Self.id(request)
        let row = try await ask { () throws(BridgeError) in try await keeping.hold(id, reason: reason, by: actor) }
        return .json(.ok, .recording(row))
    }

    @Sendable func release(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let actor = AuditActor.bearer(of: try await access.operatorGrant(request))
        let id = Self.id(request)
        let row = try await ask { () throws(BridgeError) in try await keeping.release(id, by: actor) }
        return .json(.ok, .recording(row))
    }

    /// 202: it is removed from here on; `deletion` of the recording says how far that is.
    @Sendable func remove(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let actor = AuditActor.bearer(of: try await access.operatorGrant(request))
        let includesDestination = try request.flag("destination")
        let id = Self.id(request)
        let order = DeletionOrder(by: actor, cause: "ordered", includesDestination: includesDestination)
        let row = try await ask { () throws(BridgeError) in try await keeping.delete(id, order) }
        return .json(.accepted, .recording(row))
    }

    @Sendable func redeliver(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let actor = AuditActor.bearer(of: try await access.operatorGrant(request))
        let text = try await request.object(emptyIsObject: true).optionalText("destination")
        let name = text.flatMap { DestinationName($0) }
        guard text == nil || name != nil else {
            throw .invalidField("destination", "a name of 1 to 64 lower-case letters, digits, hyphens and underscores")
        }
        let id = Self.id(request)
        let row = try await ask { () throws(BridgeError) in try await keeping.redeliver(id, to: name, by: actor) }
        return .json(.accepted, .recording(row))
    }

    /// Lines that follow `after`, oldest first. `next` is what to give as `after` from then on, also when nothing is new.
    @Sendable func audit(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let page = try PageRequest(request.query)
        let after = try Self.sequence(page.after)
        let recording = request.query["recording"].flatMap { $0.isEmpty ? nil : RecordingID($0) }
        // One more than asked tells whether more follow.
        let found = try await ask { () throws(BridgeError) in
            try await keeping.audit(after: after, limit: page.limit + 1, recording: recording)
        }
        let shown = found.prefix(page.limit)
        return .json(
            .ok,
            .object([
                .init("entries", .array(shown.map(JSONText.entry))), .init("next", .string(String(shown.last?.sequence ?? after))),
                .init("more", .bool(found.count > page.limit)),
            ]))
    }

    // MARK: - Retention

    @Sendable func retention(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let stream = try Self.stream(request)
        let (rule, isOwn) = try await ask { () throws(BridgeError) in try await keeping.retention(of: stream) }
        return .json(.ok, .retention(rule, isOwn: isOwn))
    }

    /// Replaces the whole rule: what is absent limits nothing, whatever the configuration says.
    @Sendable func setRetention(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let stream = try Self.stream(request)
        let body = try await request.object()
        let rule = try Problem.reading { () throws(FieldFault) in try RetentionRule(reading: body) }
        try await ask { () throws(BridgeError) in try await keeping.setRetention(rule, of: stream) }
        return .json(.ok, .retention(rule, isOwn: true))
    }

    @Sendable func removeRetention(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let stream = try Self.stream(request)
        try await ask { () throws(BridgeError) in try await keeping.setRetention(nil, of: stream) }
        return APIResponse(status: .noContent)
    }

    // MARK: - Pieces

    private static func id(_ request: APIRequest) -> RecordingID { RecordingID(request.parameters["id"] ?? "") }

    private static func stream(_ request: APIRequest) throws(Problem) -> StreamID {
        guard let stream = StreamID(named: request.parameters["stream"] ?? "") else {
            throw .invalidField("stream", StreamID.rule)
        }
        return stream
    }

    private static func sequence(_ text: String?) throws(Problem) -> Int64 {
        guard let text else { return 0 }
        guard let number = WholeNumber.read(text, in: 0...Int64.max) else {
            throw .invalidField("after", "the next of an answer, or absent")
        }
        return number
    }

    @discardableResult
    private func ask<Value: Sendable>(_ operation: () async throws(BridgeError) -> Value) async throws(Problem) -> Value {
        do throws(BridgeError) {
            return try await operation()
        } catch {
            throw Problem(error)
        }
    }
}

extension APIRequest {
    /// A member of the query that is false unless it says otherwise.
    func flag(_ name: String) throws(Problem) -> Bool {
        switch query[name] {
        case nil, "false": return false
        case "true": return true
        default: throw .invalidField(name, "true or false")
        }
    }
}

extension JSONText {
    fileprivate static func retention(_ rule: RetentionRule, isOwn: Bool) -> JSONText {
        .object(rule.json + [.init("source", .string(isOwn ? "stream" : "configuration"))])
    }

    fileprivate static func entry(_ entry: AuditEntry) -> JSONText {
        let draft = entry.draft
        return .object([
            .init("sequence", .integer(entry.sequence)), .init("at", .string(draft.at.iso8601)),
            .init("actor", .string(draft.actor.rawValue)), .init("action", .string(draft.action.rawValue)),
            .init("recording", .string(draft.recording.rawValue)), .init("stream", .string(draft.stream.rawValue)),
            .init("outcome", .string(draft.outcome.rawValue)), .init("detail", .string(draft.detail)),
        ])
    }
}
