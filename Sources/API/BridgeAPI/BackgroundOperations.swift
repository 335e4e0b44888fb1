import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes

/// Pictures that stand behind composites: the operator's.
struct BackgroundOperations: Sendable {
    let access: NativeAccess
    let backgrounds: any BackgroundCommands

    @Sendable func list(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        let all = await backgrounds.backgrounds()
        return .json(.ok, .object([.init("backgrounds", .array(all.map(JSONText.background)))]))
    }

    @Sendable func save(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        guard let name = BackgroundName(named: request.parameters["name"] ?? "") else {
            throw .invalidField("name", BackgroundName.rule)
        }
        let bytes = try await Self.bytes(request)
        do throws(BridgeError) {
            let (background, isNew) = try await backgrounds.save(bytes, as: name)
            return .json(isNew ? .created : .ok, .background(background))
        } catch {
            if error.code == .invalidField { throw .invalidField("body", error.message) }
            throw Problem(error)
        }
    }

    @Sendable func picture(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        do throws(BridgeError) {
            let (background, bytes) = try await backgrounds.picture(name(request))
            let fields: HTTPFields = [.contentType: background.header.format.mediaType, .xContentTypeOptions: "nosniff"]
            return APIResponse(status: .ok, fields: fields, body: .bytes(bytes))
        } catch {
            throw Problem(error)
        }
    }

    @Sendable func remove(_ request: APIRequest) async throws(Problem) -> APIResponse {
        try await access.operatorGrant(request)
        do throws(BridgeError) {
            try await backgrounds.remove(name(request))
        } catch {
            throw Problem(error)
        }
        return APIResponse(status: .noContent)
    }

    private func name(_ request: APIRequest) -> BackgroundName { BackgroundName(request.parameters["name"] ?? "") }

    private static func bytes(_ request: APIRequest) async throws(Problem) -> [UInt8] {
        do throws(APIBodyError) {
            return try await request.body(upTo: PictureHeader.largestFile)
        } catch {
            throw error == .tooLarge
                ? Problem(.contentTooLarge, "body_too_large", "A background is a picture of up to \(PictureHeader.largestFile >> 20) MiB.")
                : .invalidField("body", "the whole picture: it broke off; send it again")
        }
    }
}

extension JSONText {
    fileprivate static func background(_ background: Background) -> JSONText {
        .object([
            .init("name", .string(background.name.rawValue)), .init("media_type", .string(background.header.format.mediaType)),
            .init("width", .integer(Int64(background.header.width))), .init("height", .integer(Int64(background.header.height))),
            .init("bytes", .integer(Int64(background.bytes))), .init("updated_at", .string(background.updatedAt.iso8601)),
        ])
    }
}
