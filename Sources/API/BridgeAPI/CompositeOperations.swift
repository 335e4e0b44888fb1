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
            switch error.code {
            case .invalidField: throw Problem(.badRequest, "invalid_field", error.message, field: "name")
            case .notFound: throw Problem(.notFound, "not_found", error.message)
            case .backgroundUnreadable: throw .invalidField("layout.background.image", error.message)
            default: throw Problem(error)
            }
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
            case .backgroundUnreadable: throw .invalidField("layout.background.image", error.message)
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
        let inputs = status.guests.map { guest in
            let whose: [JSONText.Member] =
                guest.participant.map { [.init("participant", .string($0.rawValue)), .init("screen", .bool(guest.isScreen))] }
                ?? [.init("stream", .string(guest.id.rawValue))]
            return JSONText.object(whose + [.init("name", .string(guest.name)), .init("present", .bool(guest.source != nil))])
        }
        let room = order.content.room
        let reason = status.reason.map(JSONText.reason)
        let video = order.codec.map { codec in
            JSONText.object([.init("codec", .string(codec.rawValue)), .init("bitrate", .integer(Int64(order.bitrate)))])
        }
        return .object([
            .init("id", .string(status.id.rawValue)), .init("stream", .string(status.stream.rawValue)),
            .init("created_at", .string(status.createdAt.iso8601)), .init("state", .string(status.phase.rawValue)),
            .init("reason", reason ?? .null), .init("inputs", .array(inputs)),
            .init("room", .optional(room?.room.rawValue)),
            .init("without", room.map { .array($0.without.map(\.rawValue).sorted().map(JSONText.string)) } ?? .null),
            .init("layout", order.content.layout.text), .init("background", background(status) ?? .null),
            .init("focus", .optional(order.content.focus?.rawValue)), .init("width", .integer(Int64(order.width))),
            .init("height", .integer(Int64(order.height))), .init("fps", .integer(Int64(order.framesPerSecond))),
            .init("video", video ?? .null), .init("audio", .bool(order.audio)),
            .init("start", .string(order.isOnDemand ? "on_demand" : "always")),
        ])
    }

    private static func reason(_ error: BridgeError) -> JSONText {
        .object([.init("code", .string(error.code.rawValue)), .init("detail", .string(error.message))])
    }

    /// How far the picture behind it is.
    private static func background(_ status: CompositeStatus) -> JSONText? {
        guard let image = status.order.content.layout.backgroundImage else { return nil }
        let (state, error): (String, BridgeError?) =
            switch status.background {
            case nil, .loading: ("loading", nil)
            case .shown: ("shown", nil)
            case .failed(let error): ("failed", error)
            }
        return .object([
            .init("image", .string(image.rawValue)), .init("state", .string(state)), .init("reason", error.map(reason) ?? .null),
        ])
    }
}
