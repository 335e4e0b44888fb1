import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// Streams in conferences elsewhere: the operator's.
struct ConferenceOperations: Sendable {
    let access: NativeAccess
    let conferences: any ConferenceCommands
    let rules: AddressRules

    /// 201, or 200 for an order that holds already.
    @Sendable func join(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let stream = try stream(request)
        let target = try target(try await request.object())
        do throws(BridgeError) {
            let (status, isNew) = try await conferences.join(stream, target)
            let response = APIResponse.json(isNew ? .created : .ok, .conference(status))
            return isNew ? response.with(.location, "/bridge/v1/conferences/\(status.row.id)") : response
        } catch {
            throw Problem(error)
        }
    }

    @Sendable func list(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let all = await conferences.conferences(of: try stream(request))
        return .json(.ok, .object([.init("conferences", .array(all.map(JSONText.conference)))]))
    }

    @Sendable func show(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        guard let status = await conferences.conference(id(request)), !status.row.target.kind.isPush else { throw Self.none }
        return .json(.ok, .conference(status))
    }

    /// Returns when the conference was told.
    @Sendable func leave(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        do throws(BridgeError) {
            try await conferences.leave(id(request))
        } catch {
            throw error.code == .notFound ? Self.none : Problem(error)
        }
        return APIResponse(status: .noContent)
    }

    private static let none = Problem(.notFound, "not_found", "There is no such conference; list those of its stream.")

    private func id(_ request: APIRequest) -> ConferenceID { ConferenceID(request.parameters["id"] ?? "") }

    private func stream(_ request: APIRequest) throws(Problem) -> StreamID {
        guard let stream = StreamID(named: request.parameters["stream"] ?? "") else { throw .invalidField("stream", StreamID.rule) }
        return stream
    }

    private func target(_ body: JSONValue) throws(Problem) -> ConferenceTarget {
        guard let member = body["kind"], !member.isNull else { throw .missingField("kind") }
        guard let kind = member.string.flatMap(ConferenceTarget.Kind.init), !kind.isPush else {
            let kinds = ConferenceTarget.Kind.allCases.filter { !$0.isPush }.map(\.rawValue)
            throw .invalidField("kind", "one of \(kinds.joined(separator: ", "))")
        }
        return try Problem.reading { () throws(FieldFault) in try ConferenceTarget(kind, reading: body, rules: rules) }
    }
}

extension JSONText {
    /// Of the target only its origin: the rest may be a secret.
    fileprivate static func conference(_ status: ConferenceStatus) -> JSONText {
        .object([
            .init("id", .string(status.row.id.rawValue)), .init("stream", .string(status.row.stream.rawValue)),
            .init("kind", .string(status.row.target.kind.rawValue)), .init("origin", .string(status.row.target.origin)),
            .init("created_at", .string(status.row.createdAt.iso8601)), .init("state", .string(status.phase.rawValue)),
            .init("since", .string(status.since.iso8601)), .init("reason", .reason(status.reason)),
            .init("attempts", .integer(Int64(status.attempts))), .init("bytes_sent", .integer(Int64(clamping: status.bytesSent))),
            .init("return", wayBack(of: status)),
        ])
    }

    private static func wayBack(of status: ConferenceStatus) -> JSONText {
        guard let stream = status.row.target.returnStream else { return .null }
        let now = status.wayBack ?? WayBackStatus(stream: stream)
        return .object([
            .init("stream", .string(stream.rawValue)), .init("live", .bool(now.isLive)), .init("voices", .integer(Int64(now.voices))),
            .init("reason", .reason(now.reason)),
        ])
    }

    private static func reason(_ error: BridgeError?) -> JSONText {
        guard let error else { return .null }
        return .object([.init("code", .string(error.code.rawValue)), .init("detail", .string(error.message))])
    }
}
