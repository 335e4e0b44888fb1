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

extension RoomSettings {
    private static let idle = 10...86_400
    private static let graces = 1...600
    private static let people = 1...1000
    private static let cameras = 0...100

    /// What a room is ordered with; what is absent is as by default. `idle_end_s` null: until somebody closes it.
    init(reading body: JSONValue) throws(FieldFault) {
        self.init()
        if let member = body["admission"], !member.isNull {
            guard let admission = member.string.flatMap(Admission.init(rawValue:)) else {
                throw FieldFault("admission", "one of \(Admission.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            self.admission = admission
        }
        if let member = body["idle_end_s"] {
            idleEnd = member.isNull ? nil : .seconds(try Self.number(member, "idle_end_s", Self.idle))
        }
        if let seconds = try Self.number(in: body, "grace_s", Self.graces) { grace = .seconds(seconds) }
        if let people = try Self.number(in: body, "max_participants", Self.people) { limits.participants = people }
        if let cameras = try Self.number(in: body, "max_cameras", Self.cameras) { limits.seats = cameras }
    }

    private static func number(in body: JSONValue, _ name: String, _ range: ClosedRange<Int>) throws(FieldFault) -> Int? {
        guard let member = body[name], !member.isNull else { return nil }
        return try number(member, name, range)
    }

    private static func number(_ member: JSONValue, _ name: String, _ range: ClosedRange<Int>) throws(FieldFault) -> Int {
        guard let number = member.integer, range.contains(number) else {
            throw FieldFault(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

/// Reads what a link is to be.
enum RoomLinkReader {
    private static let lifetimes = 60...Int(RoomLinkOrder.longestLifetime.components.seconds)
    private static let standard = 3600

    /// A camera's link is for one of the room's seats, and no other link is.
    static func order(_ body: JSONValue, in room: RoomStatus) throws(Problem) -> RoomLinkOrder {
        guard let word = try body.optionalText("role") else { throw .missingField("role") }
        guard let role = RoomRole(rawValue: word) else {
            throw .invalidField("role", "one of \(RoomRole.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        var order = RoomLinkOrder(
            account: room.order.account, room: room.order.id, role: role, lifetime: .seconds(try lifetime(body)))
        if let text = try body.optionalText("identity") {
            guard role != .camera, let identity = ParticipantID(named: text) else {
                throw .invalidField("identity", role == .camera ? "left out: a camera is its seat" : ParticipantID.rule)
            }
            order.identity = identity
        }
        order.name = try body.optionalText("name")
        if let name = order.name, let fault = RoomText.nameFault(name) {
            throw Problem(.badRequest, "invalid_field", fault.message, field: "name")
        }
        order.seat = try seat(body, role, room)
        return order
    }

    private static func seat(_ body: JSONValue, _ role: RoomRole, _ room: RoomStatus) throws(Problem) -> SeatID? {
        let text = try body.optionalText("seat")
        guard role == .camera else {
            guard text == nil else { throw .invalidField("seat", "left out: only a camera has one") }
            return nil
        }
        guard let text else { throw .missingField("seat") }
        guard let seat = room.seats.first(where: { $0.id.rawValue == text }) else {
            throw .invalidField("seat", "a seat of the room; give the camera one first")
        }
        return seat.id
    }

    private static func lifetime(_ body: JSONValue) throws(Problem) -> Int {
        guard let value = body["expires_in_s"], !value.isNull else { return standard }
        guard let seconds = value.integer, lifetimes.contains(seconds) else {
            throw .invalidField("expires_in_s", "an integer from \(lifetimes.lowerBound) to \(lifetimes.upperBound)")
        }
        return seconds
    }
}
