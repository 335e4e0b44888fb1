import Bridge
import BridgeModel
import HTTPCore
import HTTPTypes
import Signaling

// Rooms as the native API shows and reads them.
extension JSONText {
    /// A room, whole.
    static func room(_ status: RoomStatus) -> JSONText {
        let settings = status.order.settings
        return .object([
            .init("id", .string(status.order.id.rawValue)), .init("account_id", .string(status.order.account.rawValue)),
            .init("opened_at", .string(status.openedAt.iso8601)), .init("admission", .string(settings.admission.rawValue)),
            .init("idle_end_s", .optional(settings.idleEnd.map { $0.components.seconds })),
            .init("grace_s", .integer(settings.grace.components.seconds)),
            .init("record", .optional(settings.record?.rawValue)),
            .init("recording", status.recording.map { JSONText(RoomMessage.value($0)) } ?? .null),
            .init("max_participants", .integer(Int64(settings.limits.participants))),
            .init("max_cameras", .integer(Int64(settings.limits.seats))),
            .init("participants", .array(status.participants.map { JSONText(RoomMessage.value($0)) })),
            .init("waiting", .array(status.waiting.map { .string($0.rawValue) })),
            .init("tracks", .array(status.tracks.map { JSONText(RoomMessage.value($0)) })),
            .init("cameras", .array(status.seats.map { JSONText(RoomMessage.value($0)) })),
        ])
    }

    /// A link that was just made: its token is shown this once.
    static func roomLink(_ link: RoomLink, _ origin: PublicOrigin) -> JSONText {
        let grant = link.grant
        let socket = "\(origin.webSocket)/bridge/v1/rooms/\(grant.room)/io"
        return .object([
            .init("id", .string(grant.tokenID)), .init("room", .string(grant.room.rawValue)), .init("role", .string(grant.role.rawValue)),
            .init("participant", .string(grant.participant.rawValue)), .init("name", .optional(grant.name)),
            .init("expires_at", .string(grant.expiresAt.iso8601)), .init("token", .string(link.token.revealed)),
            .init("page_url", .string("\(origin.http)/call/\(grant.room)#token=\(link.token.revealed)")),
            .init("socket_url", .string(socket)),
        ])
    }
}
