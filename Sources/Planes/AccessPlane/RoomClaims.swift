internal import Bridge
internal import BridgeModel

/// What a link to a room says besides what every token says. Absent from all other tokens.
struct RoomClaims: Codable, Equatable {
    var room: String
    var identity: String?
    var name: String?
    var seat: String?
}

extension TokenClaims {
    /// Which of our APIs these tokens are for: none but rooms take them, and rooms take no others.
    static let roomAudience = "room"
    /// Of a link that is a participant by itself.
    private static let anybody = "link"

    /// What a new link to a room says. Throws `invalid` when the order contradicts itself.
    init(_ order: RoomLinkOrder, tokenID: String, now: WallTime) throws(AccessError) {
        let subject = order.identity?.rawValue ?? Self.anybody
        let lifetime = min(order.lifetime, RoomLinkOrder.longestLifetime).components.seconds
        self.init(
            issuer: Self.issuer, audience: Self.roomAudience, subject: subject, clientID: subject, role: order.role.rawValue,
            apiID: order.account.rawValue, issuedAt: now.seconds, expiresAt: now.seconds + max(1, lifetime), tokenID: tokenID,
            place: RoomClaims(
                room: order.room.rawValue, identity: order.identity?.rawValue, name: order.name, seat: order.seat?.rawValue))
        _ = try roomGrant(at: now)
    }

    /// What the link allows, when every rule about its claims holds at this moment save its end; the signature has been checked before.
    func roomGrant(at now: WallTime) throws(AccessError) -> RoomGrant {
        guard let place, audience == Self.roomAudience, let role = RoomRole(rawValue: role), let room = RoomID(named: place.room),
            (role == .camera) == (place.seat != nil), place.identity.map({ ParticipantID(named: $0) != nil }) ?? true,
            place.name.map({ RoomText.nameFault($0) == nil }) ?? true
        else { throw .invalid }
        try checkForm(at: now)
        var grant = RoomGrant(
            account: AccountID(apiID), room: room, role: role, expiresAt: WallTime(nanoseconds: expiresAt * 1_000_000_000), tokenID: tokenID
        )
        grant.identity = place.identity.map { ParticipantID($0) }
        grant.name = place.name
        grant.seat = place.seat.map { SeatID($0) }
        return grant
    }
}
