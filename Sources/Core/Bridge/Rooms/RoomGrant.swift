package import BridgeModel

/// What a verified join link allows: to be this participant, in this role, in this room.
package struct RoomGrant: Sendable, Equatable {
    package var account: AccountID
    package var room: RoomID
    package var role: RoomRole
    /// Who its bearer is; nil: the link itself is one participant.
    package var identity: ParticipantID?
    /// How others see its bearer; nil: as the bearer says.
    package var name: String?
    /// The seat that a camera's agent takes; nil for people.
    package var seat: SeatID?
    /// Nobody comes in by it from then on. Who is in stays, and may return to their place.
    package var expiresAt: WallTime
    /// Key of the revocation list (`jti`).
    package var tokenID: String

    package init(account: AccountID, room: RoomID, role: RoomRole, expiresAt: WallTime, tokenID: String) {
        self.account = account
        self.room = room
        self.role = role
        self.expiresAt = expiresAt
        self.tokenID = tokenID
    }

    /// The participant that the link makes.
    package var participant: ParticipantID {
        if let seat { return .camera(of: seat) }
        return identity ?? ParticipantID("link:\(tokenID)")
    }

    /// Why nobody comes into this room by this link at this time; nil when somebody does.
    package func fault(room: RoomID, account: AccountID, at wall: WallTime) -> RoomError? {
        guard self.room == room, self.account == account else {
            return RoomError(.wrongRoom, "the link is for another room; ask whoever runs this room for a link to it")
        }
        guard wall < expiresAt else {
            return RoomError(.linkExpired, "the link to the room has expired; ask whoever sent it for a new one")
        }
        guard (role == .camera) == (seat != nil) else {
            return RoomError(.forbidden, "a link for a camera names its seat, and no other link does; make the link anew")
        }
        return nil
    }
}

extension RoomID {
    /// What a room's name must be.
    package static let rule = "1 to 64 of the characters A-Z, a-z, 0-9, '.', '_' and '-'"

    /// What may name a room: `rule`; nil for anything else.
    package init?(named text: String) {
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(Self.isAllowed) else { return nil }
        self.init(text)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension ParticipantID {
    /// What an account may call a participant. With a colon it is the bridge's own.
    package static let rule = "1 to 128 bytes without control characters and colons"

    /// What an account may call a participant: `rule`; nil for anything else.
    package init?(named text: String) {
        guard (1...128).contains(text.utf8.count), text.isOneLine, !text.utf8.contains(UInt8(ascii: ":")) else { return nil }
        self.init(text)
    }

    /// Who sits on a camera's seat.
    package static func camera(of seat: SeatID) -> ParticipantID { ParticipantID("camera:\(seat)") }
}
