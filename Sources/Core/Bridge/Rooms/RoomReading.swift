package import BridgeModel

// What callers write of rooms and of links to them.

extension RoomSettings {
    private static let idle = 10...86_400
    private static let graces = 1...600
    private static let people = 1...1000
    private static let cameras = 0...100

    /// What a room is ordered with; what is absent is as by default. `idle_end_s` null: until somebody closes it.
    package init(reading body: JSONValue) throws(FieldFault) {
        self.init()
        if let member = body.given("admission") {
            guard let admission = member.string.flatMap(Admission.init(rawValue:)) else {
                throw FieldFault("admission", "one of \(Admission.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            self.admission = admission
        }
        if let member = body["idle_end_s"] {
            idleEnd = member.isNull ? nil : .seconds(try member.number("idle_end_s", Self.idle))
        }
        if let member = body.given("grace_s") { grace = .seconds(try member.number("grace_s", Self.graces)) }
        record = try RoomRecordingMode(reading: body, "record")
        if let member = body.given("max_participants") { limits.participants = try member.number("max_participants", Self.people) }
        if let member = body.given("max_cameras") { limits.seats = try member.number("max_cameras", Self.cameras) }
    }
}

extension RoomRecordingMode {
    /// A member of an order; nil: nothing was said.
    package init?(reading body: JSONValue, _ name: String) throws(FieldFault) {
        guard let member = body.given(name) else { return nil }
        guard let mode = member.string.flatMap(Self.init(rawValue:)) else {
            throw FieldFault(name, "one of \(Self.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = mode
    }
}

extension RoomLinkOrder {
    private static let lifetimes = 60...Int(longestLifetime.components.seconds)
    private static let standard = 3600

    /// What a link to this room is to be. A camera's link is for one of the room's seats, and no other link is.
    package init(reading body: JSONValue, in room: RoomID, of account: AccountID, seats: [RoomSeat]) throws(FieldFault) {
        guard let word = try body.givenText("role") else { throw .missing("role") }
        guard let role = RoomRole(rawValue: word) else {
            throw FieldFault("role", "one of \(RoomRole.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self.init(account: account, room: room, role: role, lifetime: .seconds(Self.standard))
        if let member = body.given("expires_in_s") { lifetime = .seconds(try member.number("expires_in_s", Self.lifetimes)) }
        if let text = try body.givenText("identity") {
            guard role != .camera else { throw FieldFault("identity", "left out: a camera is its seat") }
            guard let identity = ParticipantID(named: text) else { throw FieldFault("identity", ParticipantID.rule) }
            self.identity = identity
        }
        name = try body.givenText("name")
        if let name, RoomText.nameFault(name) != nil {
            throw FieldFault("name", "text of 1 to \(RoomText.nameBytes) bytes without control characters")
        }
        seat = try Self.seat(body, role, seats)
    }

    private static func seat(_ body: JSONValue, _ role: RoomRole, _ seats: [RoomSeat]) throws(FieldFault) -> SeatID? {
        let text = try body.givenText("seat")
        guard role == .camera else {
            guard text == nil else { throw FieldFault("seat", "left out: only a camera has one") }
            return nil
        }
        guard let text else { throw .missing("seat") }
        guard let seat = seats.first(where: { $0.id.rawValue == text }) else {
            throw FieldFault("seat", "a seat of the room; give the camera one first")
        }
        return seat.id
    }
}

extension JSONValue {
    /// A member; null counts as absent.
    fileprivate func given(_ name: String) -> JSONValue? {
        guard let member = self[name], !member.isNull else { return .none }
        return .some(member)
    }

    fileprivate func givenText(_ name: String) throws(FieldFault) -> String? {
        guard let member = given(name) else { return nil }
        guard let text = member.string else { throw FieldFault(name, "a string") }
        return text
    }

    fileprivate func number(_ name: String, _ range: ClosedRange<Int>) throws(FieldFault) -> Int {
        guard let number = integer, range.contains(number) else {
            throw FieldFault(name, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
