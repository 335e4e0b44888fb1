import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// Recordings that are over: held, removed and sent again by the operator; rules of retention, and the log of all that.
struct KeepingOperations: Sendable {
    let access: NativeAccess
    let keeping: any RecordingKeeping

    private static let longestReason = 500

    @Sendable func hold(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let actor = AuditActor.bearer(of: try await access.operatorGrant(request))
        let reason = try await request.object()["reason"]?.string ?? ""
        let hasControl = reason.unicodeScalars.contains { $0.properties.generalCategory == .control }
        guard (1...Self.longestReason).contains(reason.count), !hasControl else {
            throw .invalidField("reason", "a text of 1 to \(Self.longestReason) characters on one line")
        }
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
        let includesDestination = try Self.flag(request, "destination")
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
        let rule = try RetentionRule(try await request.object())
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
            throw .invalidField("stream", "a text of 1 to 128 bytes without control characters")
        }
        return stream
    }

    private static func flag(_ request: APIRequest, _ name: String) throws(Problem) -> Bool {
        switch request.query[name] {
        case nil, "false": return false
        case "true": return true
        default: throw .invalidField(name, "true or false")
        }
    }

    private static func sequence(_ text: String?) throws(Problem) -> Int64 {
        guard let text else { return 0 }
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int64(text) else {
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

extension RetentionRule {
    /// Members that nobody knows are refused: a misspelt limit would keep, or remove, what its author did not mean.
    fileprivate init(_ body: JSONValue) throws(Problem) {
        let known = ["age_seconds", "bytes", "recordings", "destination", "undelivered"]
        if case .object(let members) = body, let unknown = members.keys.first(where: { !known.contains($0) }) {
            throw Problem(
                .badRequest, "invalid_field", "A rule has no member of this name; it has \(known.joined(separator: ", ")).", field: unknown)
        }
        self.init(
            age: try Self.limit(body, "age_seconds", 1...3_162_240_000).map { .seconds($0) },
            bytes: try Self.limit(body, "bytes", 1...1 << 50).map { Int64($0) },
            count: try Self.limit(body, "recordings", 1...1_000_000))
        includesDestination = try Self.flag(body, "destination")
        includesUndelivered = try Self.flag(body, "undelivered")
    }

    private static func limit(_ body: JSONValue, _ name: String, _ range: ClosedRange<Int>) throws(Problem) -> Int? {
        guard let value = body[name], !value.isNull else { return nil }
        guard let number = value.integer, range.contains(number) else {
            throw .invalidField(name, "a whole number from \(range.lowerBound) to \(range.upperBound), or null")
        }
        return number
    }

    private static func flag(_ body: JSONValue, _ name: String) throws(Problem) -> Bool {
        guard let value = body[name], !value.isNull else { return false }
        guard let flag = value.bool else { throw .invalidField(name, "true or false") }
        return flag
    }
}

extension JSONText {
    fileprivate static func retention(_ rule: RetentionRule, isOwn: Bool) -> JSONText {
        .object([
            .init("age_seconds", .optional(rule.age.map { $0.components.seconds })), .init("bytes", .optional(rule.bytes)),
            .init("recordings", .optional(rule.count.map { Int64($0) })), .init("destination", .bool(rule.includesDestination)),
            .init("undelivered", .bool(rule.includesUndelivered)), .init("source", .string(isOwn ? "stream" : "configuration")),
        ])
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
