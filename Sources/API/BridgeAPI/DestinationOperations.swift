import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// Named destinations, and whose recordings go there: the operator's.
struct DestinationOperations: Sendable {
    let access: NativeAccess
    let store: any DestinationStore
    let probe: any DestinationProbe
    let rules: AddressRules
    let clock: BridgeClock

    @Sendable func list(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let all = try await ask { () throws(BridgeError) in try await store.destinations() }
        return .json(.ok, .object([.init("destinations", .array(all.map(JSONText.destination)))]))
    }

    @Sendable func show(_ request: APIRequest) async throws(Problem) -> APIResponse {
        .json(.ok, .destination(try await existing(request)))
    }

    /// Replaces the whole description: secrets, too, are given anew.
    @Sendable func save(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let name = try name(request)
        let body = try await body(request)
        let choice: DestinationChoice
        do throws(DestinationFault) {
            choice = try DestinationReader(rules: rules).choice(body)
        } catch {
            throw Problem(error)
        }
        let destination = NamedDestination(name: name, choice: choice, changedAt: clock.wall())
        let isNew = try await ask { () throws(BridgeError) in
            let former = try await store.destination(name)
            try await store.save(destination)
            return former == nil
        }
        return .json(isNew ? .created : .ok, .destination(destination))
    }

    @Sendable func remove(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let name = try await existing(request).name
        do throws(BridgeError) {
            _ = try await store.remove(name)
        } catch {
            throw error.code == .limitReached ? Problem(.conflict, "limit_reached", error.message) : Problem(error)
        }
        return APIResponse(status: .noContent)
    }

    /// Writes and removes a small object; the reply is 200 either way, since the bridge did what it was asked.
    @Sendable func test(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let choice = try await existing(request).choice
        var results: [JSONText.Member] = [.init("destination", Self.result(await probe.trial(of: choice.destination)))]
        if let fallback = choice.fallback { results.append(.init("fallback", Self.result(await probe.trial(of: fallback)))) }
        return .json(.ok, .object(results))
    }

    private static func result(_ complaint: String?) -> JSONText {
        .object([.init("works", .bool(complaint == nil)), .init("detail", .optional(complaint))])
    }

    // MARK: - Assignments

    @Sendable func assigned(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let scope = scope(request)
        let name = try await ask { () throws(BridgeError) in try await store.assigned(to: scope) }
        return .json(.ok, .object([.init("destination", .optional(name?.rawValue))]))
    }

    /// `destination`: a name, or null for none.
    @Sendable func assign(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let body = try await body(request)
        guard let value = body["destination"] else { throw .invalidField("destination", "a name, or null") }
        let name = value.string.flatMap { DestinationName($0) }
        guard name != nil || value.isNull else { throw .invalidField("destination", "a name, or null") }
        let scope = scope(request)
        try await ask { () throws(BridgeError) in try await store.assign(name, to: scope) }
        return .json(.ok, .object([.init("destination", .optional(name?.rawValue))]))
    }

    private func scope(_ request: APIRequest) -> DestinationScope {
        if let account = request.parameters["account"] { return .account(AccountID(account)) }
        return .stream(StreamID(request.parameters["stream"] ?? ""))
    }

    // MARK: - Pieces

    private func body(_ request: APIRequest) async throws(Problem) -> JSONValue { try await request.object(emptyIsObject: false) }

    private func name(_ request: APIRequest) throws(Problem) -> DestinationName {
        guard let name = DestinationName(request.parameters["name"] ?? "") else {
            throw .invalidField("name", "1 to 64 lower-case letters, digits, hyphens and underscores")
        }
        return name
    }

    private func existing(_ request: APIRequest) async throws(Problem) -> NamedDestination {
        try await access.operatorGrant(request)
        let name = try name(request)
        let found = try await ask { () throws(BridgeError) in try await store.destination(name) }
        guard let found else { throw Problem(.notFound, "not_found", "There is no destination of this name.") }
        return found
    }

    private func ask<Value: Sendable>(_ operation: () async throws(BridgeError) -> Value) async throws(Problem) -> Value {
        do throws(BridgeError) {
            return try await operation()
        } catch {
            throw Problem(error)
        }
    }
}

extension Problem {
    /// What is wrong with the description of a destination.
    init(_ fault: DestinationFault) {
        self.init(.badRequest, fault.code.rawValue, fault.message, field: fault.field.isEmpty ? nil : fault.field)
    }
}

extension DestinationChoice {
    /// null when there is nothing to show: the file stays on the bridge as long as all do.
    var shown: JSONText { self == .keep ? .null : shownJSON }
}

extension JSONText {
    fileprivate static func destination(_ destination: NamedDestination) -> JSONText {
        .object([
            .init("name", .string(destination.name.rawValue)), .init("changed_at", .string(destination.changedAt.iso8601)),
            .init("destination", destination.choice.shownJSON),
        ])
    }
}
