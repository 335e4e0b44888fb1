import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// Events and their webhooks: replayed, listed and sent again by the operator.
struct DeliveryOperations: Sendable {
    let access: NativeAccess
    let deliveries: any DeliveryCommands

    /// Events that follow `after`, oldest first. `next` is what to give as `after` from then on, also when nothing is new: nobody who does so
    /// misses an event.
    @Sendable func events(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let page = try PageRequest(request.query)
        let after = try Self.sequence(page.after)
        let session = request.query["session"].flatMap { $0.isEmpty ? nil : SessionID($0) }
        let found = try await ask { () throws(BridgeError) in
            try await deliveries.events(after: after, limit: page.limit, session: session)
        }
        return .json(
            .ok,
            .object([
                .init("events", .array(try found.events.map(Self.document))),
                .init("next", .string(String(found.events.last?.sequence ?? after))), .init("more", .bool(found.hasMore)),
                .init("oldest", .optional(found.oldest)),
            ]))
    }

    /// Newest first; `next` is what to give as `after` for the following page, null on the last one.
    @Sendable func list(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let page = try PageRequest(request.query)
        let state = try Self.state(request.query["state"])
        // One more than asked tells whether there is a next page.
        let rows = try await ask { () throws(BridgeError) in
            try await deliveries.deliveries(in: state, limit: page.limit + 1, after: page.after.map { DeliveryID($0) })
        }
        let shown = rows.prefix(page.limit)
        let next = rows.count > page.limit ? shown.last?.id.rawValue : nil
        return .json(
            .ok, .object([.init("deliveries", .array(shown.map { .delivery($0) })), .init("next", .optional(next))]))
    }

    /// One webhook with its body and the log of its attempts.
    @Sendable func show(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let id = DeliveryID(request.parameters["id"] ?? "")
        let found = try await ask { () throws(BridgeError) in try await deliveries.delivery(id) }
        guard let found else { throw .noSuchDelivery }
        return .json(.ok, .delivery(found.row, attempts: found.attempts))
    }

    @Sendable func redeliver(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let id = DeliveryID(request.parameters["id"] ?? "")
        let row = try await ask { () throws(BridgeError) in try await deliveries.redeliver(id) }
        guard let row else { throw .noSuchDelivery }
        return .json(.accepted, .delivery(row))
    }

    /// Everything that was given up; the answer says how many.
    @Sendable func redeliverDead(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let count = try await ask { () throws(BridgeError) in try await deliveries.redeliverDead() }
        return .json(.accepted, .object([.init("redelivered", .integer(Int64(count)))]))
    }

    private func ask<Value: Sendable>(_ operation: () async throws(BridgeError) -> Value) async throws(Problem) -> Value {
        do throws(BridgeError) {
            return try await operation()
        } catch {
            throw Problem(error)
        }
    }

    /// A cursor: a sequence number in decimal digits; absent, the beginning.
    private static func sequence(_ text: String?) throws(Problem) -> Int64 {
        guard let text else { return 0 }
        guard let number = WholeNumber.read(text, in: 0...Int64.max) else {
            throw .invalidField("after", "the next of an answer, or absent")
        }
        return number
    }

    private static func state(_ text: String?) throws(Problem) -> DeliveryRow.State? {
        guard let text, !text.isEmpty else { return nil }
        guard let state = DeliveryRow.State(rawValue: text) else {
            throw .invalidField("state", "one of " + DeliveryRow.State.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return state
    }

    /// The document as webhooks carry it, member for member.
    private static func document(_ row: EventRow) throws(Problem) -> JSONText {
        guard let value = try? JSONValue.read(row.body.utf8) else {
            throw Problem(.internalServerError, "internal", "The event \(row.sequence) cannot be read: restore the database from a backup.")
        }
        return JSONText(value)
    }
}

extension Problem {
    fileprivate static let noSuchDelivery = Problem(.notFound, "not_found", "There is no such delivery.")
}

extension JSONText {
    /// A webhook without its URL, of which the log shows scheme, host and port.
    fileprivate static func delivery(_ row: DeliveryRow) -> JSONText { .object(members(of: row)) }

    fileprivate static func delivery(_ row: DeliveryRow, attempts: [AttemptRecord]) -> JSONText {
        var more: [Member] = [.init("attempt_log", .array(attempts.map(attempt)))]
        if case .webhook(_, let body) = row.work { more.append(.init("body", .string(body))) }
        return .object(members(of: row) + more)
    }

    private static func members(of row: DeliveryRow) -> [Member] {
        var origin: String?
        if case .webhook(let url, _) = row.work {
            origin = (try? DeliveryURL(parsing: url, rules: AddressRules(allowPrivate: true)))?.origin
        }
        return [
            .init("id", .string(row.id.rawValue)), .init("event_id", .optional(row.event?.rawValue)),
            .init("state", .string(row.state.rawValue)), .init("terms", .string(row.terms.rawValue)),
            .init("origin", .optional(origin)), .init("account_id", .string(row.account.rawValue)),
            .init("session_id", .string(row.session.rawValue)), .init("attempts", .integer(Int64(row.attempts))),
            .init("created_at", .string(row.createdAt.iso8601)),
            .init("due_at", row.state == .pending ? .string(row.dueAt.iso8601) : .null),
            .init("last_status", .optional(row.lastStatus.map { Int64($0) })), .init("last_error", .optional(row.lastError)),
        ]
    }

    private static func attempt(_ record: AttemptRecord) -> JSONText {
        .object([
            .init("attempt", .integer(Int64(record.number))), .init("began_at", .string(record.beganAt.iso8601)),
            .init("duration_ms", .integer(record.duration.wholeMilliseconds)), .init("status", .integer(Int64(record.status))),
            .init("error", .optional(record.error)),
            .init("request_headers", .object(record.requestHeaders.map { .init($0.name, .string($0.value)) })),
            .init("reply", .string(record.reply)),
        ])
    }
}
