package import BridgeModel

/// Links to rooms: signed, expiring tokens that say who their bearer is in one room, and open nothing else. Implemented by AccessPlane.
package protocol RoomLinks: Sendable {
    /// Signs a link. Throws `invalid` for an order that contradicts itself: a camera without a seat, or a seat for somebody else.
    func makeLink(_ order: RoomLinkOrder) async throws(AccessError) -> RoomLink
    /// What a link allows. Verifies signature, issuer, audience, revocation and account. Whether it is for the room that is asked for and has not expired,
    /// `RoomGrant.fault` says: who is in the room comes back by an expired link, too.
    func grant(of token: Redacted<String>) async throws(AccessError) -> RoomGrant
    /// Puts a link (`RoomGrant.tokenID`) on the revocation list, where it stays for as long as any link lives; one that was never made does no harm.
    func revokeLink(_ id: String) async throws(AccessError)
}

/// What a new link is to say; see `RoomGrant`.
package struct RoomLinkOrder: Sendable, Equatable {
    package var account: AccountID
    package var room: RoomID
    package var role: RoomRole
    package var identity: ParticipantID?
    package var name: String?
    package var seat: SeatID?
    /// From now on; at most `longestLifetime`.
    package var lifetime: Duration

    /// 30 days: a revocation need not be kept for longer.
    package static let longestLifetime = Duration.seconds(30 * 86_400)

    package init(
        account: AccountID, room: RoomID, role: RoomRole, identity: ParticipantID? = nil, name: String? = nil, seat: SeatID? = nil,
        lifetime: Duration
    ) {
        self.account = account
        self.room = room
        self.role = role
        self.identity = identity
        self.name = name
        self.seat = seat
        self.lifetime = lifetime
    }
}

/// A link that was made: the token, and what it allows.
package struct RoomLink: Sendable, Equatable {
    package var token: Redacted<String>
    package var grant: RoomGrant

    package init(token: Redacted<String>, grant: RoomGrant) {
        self.token = token
        self.grant = grant
    }
}
