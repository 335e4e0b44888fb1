import Bridge
package import BridgeModel
package import HTTPCore

/// The decision about the upgrade of a room's socket, before it is made.
package enum RoomSocketAdmission: Sendable {
    /// Upgrade; whether this token opens the room is told by the socket, since a page cannot read the status of a refused upgrade.
    case admit(RoomID, token: Redacted<String>)
    /// Answer as plain HTTP.
    case refuse(APIResponse)
}

extension BridgeAPI {
    /// Decides an upgrade to `/bridge/v1/rooms/<room>/io`; nil when the path is another.
    package func admitRoomSocket(_ request: APIRequest) -> RoomSocketAdmission? {
        guard let segments = request.segments, segments.count == 5, segments.starts(with: ["bridge", "v1", "rooms"]), segments[4] == "io"
        else { return nil }
        do throws(Problem) {
            guard let room = RoomID(named: segments[3]) else { throw .noSuchPath }
            return .admit(room, token: try NativeAccess.socketToken(request))
        } catch {
            return .refuse(finish(error.response(requestID: request.requestID), to: request))
        }
    }
}
