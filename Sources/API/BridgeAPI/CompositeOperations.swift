import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// Composites: the operator's.
struct CompositeOperations: Sendable {
    let access: NativeAccess
    let composites: any CompositeCommands

    @Sendable func make(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let body = try await request.object()
        let order = try Problem.reading { () throws(FieldFault) in try CompositeOrder(reading: body) }
        do throws(BridgeError) {
            let status = try await composites.make(order)
            return APIResponse.json(.created, .composite(status)).with(.location, "/bridge/v1/composites/\(status.id)")
        } catch {
            throw error.code == .invalidField ? Problem(.badRequest, "invalid_field", error.message, field: "name") : Problem(error)
        }
    }

    @Sendable func list(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let all = await composites.composites()
        return .json(.ok, .object([.init("composites", .array(all.map(JSONText.composite)))]))
    }

    @Sendable func show(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        guard let status = await composites.composite(id(request)) else { throw Self.none }
        return .json(.ok, .composite(status))
    }

    @Sendable func change(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        guard let status = await composites.composite(id(request)) else { throw Self.none }
        let body = try await request.object()
        let content = try Problem.reading { () throws(FieldFault) in try status.order.content.changed(reading: body) }
        do throws(BridgeError) {
            return .json(.ok, .composite(try await composites.change(status.id, to: content)))
        } catch {
            switch error.code {
            case .notFound: throw Self.none
            case .invalidField: throw Problem(.badRequest, "invalid_field", error.message, field: "inputs")
            default: throw Problem(error)
            }
        }
    }

    @Sendable func end(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        do throws(BridgeError) {
            try await composites.end(id(request))
        } catch {
            throw error.code == .notFound ? Self.none : Problem(error)
        }
        return APIResponse(status: .noContent)
    }

    private static let none = Problem(.notFound, "not_found", "There is no such composite; list them all.")

    private func id(_ request: APIRequest) -> CompositeID { CompositeID(request.parameters["id"] ?? "") }
}

extension JSONText {
    fileprivate static func composite(_ status: CompositeStatus) -> JSONText {
        let order = status.order
        let inputs = order.content.inputs.map { input in
            JSONText.object([
                .init("stream", .string(input.stream.rawValue)), .init("name", .string(input.name)),
                .init("present", .bool(status.present.contains(input.stream))),
            ])
        }
        let reason = status.reason.map { reason in
            JSONText.object([.init("code", .string(reason.code.rawValue)), .init("detail", .string(reason.message))])
        }
        let video = JSONText.object([.init("codec", .string(order.codec.rawValue)), .init("bitrate", .integer(Int64(order.bitrate)))])
        return .object([
            .init("id", .string(status.id.rawValue)), .init("stream", .string(status.stream.rawValue)),
            .init("created_at", .string(status.createdAt.iso8601)), .init("state", .string(status.phase.rawValue)),
            .init("reason", reason ?? .null), .init("inputs", .array(inputs)), .init("layout", order.content.layout.text),
            .init("focus", .optional(order.content.focus?.rawValue)), .init("width", .integer(Int64(order.width))),
            .init("height", .integer(Int64(order.height))), .init("fps", .integer(Int64(order.framesPerSecond))), .init("video", video),
            .init("audio", .bool(order.audio)),
        ])
    }
}
