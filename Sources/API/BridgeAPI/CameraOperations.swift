import Bridge
package import BridgeModel
package import HTTPCore
import HTTPTypes
import Signaling

/// Cameras that obey: the operator's, each by its name in the operator's account.
struct CameraOperations: Sendable {
    let access: NativeAccess
    let cameras: any DirectedCameras

    @Sendable func list(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let grant = try await access.operatorGrant(request)
        let page = try PageRequest(request.query)
        let rest = await cameras.cameras(of: grant.account).filter { camera in page.after.map { $0 < camera.id.rawValue } ?? true }
        let shown = rest.prefix(page.limit)
        let next = rest.count > page.limit ? shown.last?.id.rawValue : nil
        return .json(.ok, .object([.init("cameras", .array(shown.map(JSONText.camera))), .init("next", .optional(next))]))
    }

    @Sendable func show(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let grant = try await access.operatorGrant(request)
        guard let camera = await cameras.camera(id(request), of: grant.account) else {
            throw Problem(.notFound, "not_found", "No agent of a camera of this name has been seen; list them all.")
        }
        return .json(.ok, .camera(camera))
    }

    /// Answered when the camera has done it.
    @Sendable func command(_ request: APIRequest) async throws(Problem) -> APIResponse {
        let grant = try await access.operatorGrant(request)
        let body = try await request.object()
        let order: CameraOrder
        do throws(RTMError) {
            order = try CameraForm.order(in: body)
        } catch {
            throw Problem(error)
        }
        do throws(BridgeError) {
            try await cameras.perform(order, on: id(request), of: grant.account)
        } catch {
            throw Problem(error)
        }
        return APIResponse(status: .noContent)
    }

    private func id(_ request: APIRequest) -> ClientID { ClientID(request.parameters["camera"] ?? "") }
}

extension JSONText {
    fileprivate static func camera(_ camera: DirectedCamera) -> JSONText {
        .object([
            .init("id", .string(camera.id.rawValue)), .init("online", .bool(camera.isOnline)),
            .init("since", .string(camera.since.iso8601)), .init("publish", .bool(camera.abilities.publishes)),
            .init("abilities", JSONText(CameraMessage.value(camera.abilities))),
            .init("health", camera.report.map(report) ?? .null),
        ])
    }

    private static func report(_ report: CameraReport) -> JSONText {
        var members = CameraMessage.value(report.health)
        members["at"] = .string(report.at.iso8601)
        return JSONText(.object(members))
    }
}

/// The decision about the upgrade of a camera's socket.
package enum CameraSocketAdmission: Sendable {
    case admit(ClientID, AccountID)
    /// Answer as plain HTTP.
    case refuse(APIResponse)
}

extension BridgeAPI {
    /// Decides an upgrade to `/bridge/v1/cameras/<camera>/io`; nil when the path is another.
    package func admitCameraSocket(_ request: APIRequest) async -> CameraSocketAdmission? {
        guard let segments = request.segments, segments.count == 5, segments.starts(with: ["bridge", "v1", "cameras"]), segments[4] == "io"
        else { return nil }
        do throws(Problem) {
            guard let stream = StreamID(named: segments[3]) else { throw .noSuchPath }
            let grant = try await access.socketGrant(request)
            try access.check(grant, .publish, stream)
            return .admit(ClientID(stream.rawValue), grant.account)
        } catch {
            return .refuse(finish(error.response(requestID: request.requestID), to: request))
        }
    }
}
