import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// Streams that are sent to servers elsewhere: the operator's.
struct PushOperations: Sendable {
    let access: NativeAccess
    let conferences: any ConferenceCommands
    let rules: AddressRules

    /// 201, or 200 for an order that holds already.
    @Sendable func make(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let body = try await request.object()
        guard let member = body["stream"], !member.isNull else { throw .missingField("stream") }
        guard let stream = member.string.flatMap({ StreamID(named: $0) }) else { throw .invalidField("stream", StreamID.rule) }
        let target = try Problem.reading { () throws(FieldFault) in try PushTarget(reading: body, rules: rules) }
        do throws(BridgeError) {
            let (status, isNew) = try await conferences.join(stream, .push(target))
            let response = APIResponse.json(isNew ? .created : .ok, .push(status))
            return isNew ? response.with(.location, "/bridge/v1/pushes/\(status.row.id)") : response
        } catch {
            throw Problem(error)
        }
    }

    @Sendable func list(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        return .json(.ok, .object([.init("pushes", .array(await conferences.pushes().map(JSONText.push)))]))
    }

    @Sendable func show(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        return .json(.ok, .push(try await push(request)))
    }

    @Sendable func end(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let push = try await push(request)
        do throws(BridgeError) {
            try await conferences.leave(push.row.id)
        } catch {
            throw error.code == .notFound ? Self.none : Problem(error)
        }
        return APIResponse(status: .noContent)
    }

    private static let none = Problem(.notFound, "not_found", "There is no such push; list them all.")

    private func push(_ request: APIRequest) async throws(Problem) -> ConferenceStatus {
        let status = await conferences.conference(ConferenceID(request.parameters["id"] ?? ""))
        guard let status, status.row.target.kind.isPush else { throw Self.none }
        return status
    }
}

extension JSONText {
    /// Of the target only its origin: the rest may be a secret.
    fileprivate static func push(_ status: ConferenceStatus) -> JSONText {
        let reason = status.reason.map { reason in
            JSONText.object([.init("code", .string(reason.code.rawValue)), .init("detail", .string(reason.message))])
        }
        return .object([
            .init("id", .string(status.row.id.rawValue)), .init("stream", .string(status.row.stream.rawValue)),
            .init("origin", .string(status.row.target.origin)), .init("created_at", .string(status.row.createdAt.iso8601)),
            .init("state", .string(status.phase.rawValue)), .init("since", .string(status.since.iso8601)), .init("reason", reason ?? .null),
            .init("attempts", .integer(Int64(status.attempts))), .init("bytes_sent", .integer(Int64(clamping: status.bytesSent))),
        ])
    }
}
