import BridgeAPI
import BridgeModel
import EyesonDialect
import HTTPCore
import HTTPTypes
import Logging
import Signaling
import SignalingPlane
import WebServerKit

/// What stands behind the bridge's port: the dialects' routes, the pages, and the RTM sockets.
struct FrontDoor: WebHandler {
    let eyeson: EyesonDialect
    let native: BridgeAPI
    let whip: WHIPAPI
    let rtm: RTMSocketService
    /// nil: there are no rooms.
    let rooms: RoomSocketService?
    /// nil: there are no cameras that obey.
    let cameras: CameraSocketService?
    /// Routes of the program itself, asked before the pages.
    let extra: [Route]
    let logger: Logger
    private let router: Router

    init(
        eyeson: EyesonDialect, native: (api: BridgeAPI, whip: WHIPAPI), rtm: RTMSocketService, rooms: RoomSocketService?,
        cameras: CameraSocketService? = nil, extra: [Route] = [], logger: Logger
    ) {
        self.eyeson = eyeson
        self.native = native.api
        whip = native.whip
        self.rtm = rtm
        self.rooms = rooms
        self.cameras = cameras
        self.extra = extra
        self.logger = logger
        router = Router([eyeson, native.api, native.whip, PageRoutes(extra: extra)])
    }

    func respond(to request: WebRequest) async -> WebResponse {
        let call = APIRequest(request)
        let response = await router.respond(to: call) ?? PageRoutes.notFound
        logger.debug(
            "request",
            metadata: [
                "method": "\(request.head.method)", "path": "\(call.pathForLogs)", "status": "\(response.head.status.code)",
                "request": "\(call.requestID)", "from": "\(request.remoteAddress)",
            ])
        return WebResponse(response)
    }

    func webSocketDecision(for request: WebRequest) async -> WebSocketDecision {
        let call = APIRequest(request)
        if let admission = await eyeson.admitSocket(call) { return decision(admission, path: .client) }
        if let rooms, let admission = native.admitRoomSocket(call) { return decision(admission, rooms) }
        if let cameras, let admission = await native.admitCameraSocket(call) { return decision(admission, cameras) }
        if let admission = await native.admitSocket(call) { return decision(admission, path: .native) }
        return .refuse(WebResponse(await router.respond(to: call) ?? PageRoutes.notFound))
    }

    private func decision(_ admission: SocketAdmission, path: RTMPath) -> WebSocketDecision {
        switch admission {
        case .refuse(let response): .refuse(WebResponse(response))
        case .admit(let grant): .accept { [rtm] socket in await rtm.serve(socket, grant: grant, path: path) }
        }
    }

    private func decision(_ admission: CameraSocketAdmission, _ cameras: CameraSocketService) -> WebSocketDecision {
        switch admission {
        case .refuse(let response): .refuse(WebResponse(response))
        case .admit(let camera, let account): .accept { socket in await cameras.serve(socket, camera: camera, account: account) }
        }
    }

    private func decision(_ admission: RoomSocketAdmission, _ rooms: RoomSocketService) -> WebSocketDecision {
        switch admission {
        case .refuse(let response): .refuse(WebResponse(response))
        case .admit(let room, let token): .accept { socket in await rooms.serve(socket, room: room, token: token) }
        }
    }
}

extension APIRequest {
    /// The server's request with an id of its own.
    fileprivate init(_ request: WebRequest) {
        self.init(
            head: request.head, remoteAddress: request.remoteAddress, isSecure: request.isSecure,
            requestID: RandomUUID.text()
        ) { limit async throws(APIBodyError) in
            do throws(WebBodyError) {
                return try await request.body.collect(upTo: limit)
            } catch {
                switch error {
                case .tooLarge: throw .tooLarge
                default: throw .interrupted
                }
            }
        }
    }

    /// Without the query, which may hold a token.
    fileprivate var pathForLogs: Substring { (head.path ?? "").prefix { $0 != "?" } }
}

extension WebResponse {
    fileprivate init(_ response: APIResponse) {
        switch response.body {
        case .empty: self.init(head: response.head)
        case .bytes(let bytes): self.init(head: response.head, body: .bytes(bytes))
        case .file(let path): self.init(head: response.head, body: .file(path: path))
        case .stream(let parts): self.init(head: response.head, body: .stream(parts))
        }
    }
}
