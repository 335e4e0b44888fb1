import AccessPlane
import Bridge
import BridgeModel
import Testing

@Suite struct RoomLinkTests {
    private static func order(_ role: RoomRole, lifetime: Duration = .seconds(60)) -> RoomLinkOrder {
        RoomLinkOrder(
            account: AccountID("acme"), room: RoomID("standup"), role: role, identity: role == .camera ? nil : ParticipantID("Jörg"),
            name: "Jörg B.", seat: role == .camera ? SeatID("s1") : nil, lifetime: lifetime)
    }

    @Test(arguments: RoomRole.allCases)
    func aLinkSaysWhatWasOrdered(_ role: RoomRole) async throws {
        let fixture = try await AccessFixture()
        let link = try await fixture.authority.makeLink(Self.order(role))
        let grant = try await fixture.authority.grant(of: link.token)
        #expect(grant == link.grant)
        #expect((grant.account, grant.room, grant.role) == (AccountID("acme"), RoomID("standup"), role))
        #expect(grant.name == "Jörg B." && grant.expiresAt == fixture.clock.now.advanced(by: .seconds(60)))
        #expect(grant.participant == (role == .camera ? .camera(of: SeatID("s1")) : ParticipantID("Jörg")))
        #expect(grant.fault(room: RoomID("standup"), account: AccountID("acme"), at: fixture.clock.now) == nil)
    }

    @Test func twoLinksWithoutAnIdentityAreTwoParticipants() async throws {
        let fixture = try await AccessFixture()
        var order = Self.order(.viewer)
        order.identity = nil
        let (one, other) = (try await fixture.authority.makeLink(order), try await fixture.authority.makeLink(order))
        #expect(one.grant.participant != other.grant.participant)
        #expect(one.grant.participant == ParticipantID("link:\(one.grant.tokenID)"))
    }

    @Test func aLinkIsForOneRoomOfOneAccount() async throws {
        let fixture = try await AccessFixture()
        let grant = try await fixture.authority.makeLink(Self.order(.host)).grant
        let now = fixture.clock.now
        #expect(grant.fault(room: RoomID("another"), account: AccountID("acme"), at: now)?.code == .wrongRoom)
        #expect(grant.fault(room: RoomID("standup"), account: AccountID("umbrella"), at: now)?.code == .wrongRoom)
    }

    @Test func aLinkOpensNothingElseAndNoOtherTokenOpensARoom() async throws {
        let fixture = try await AccessFixture()
        let link = try await fixture.authority.makeLink(Self.order(.host))
        await #expect(throws: AccessError.invalid) { try await fixture.authority.verify(link.token) }
        for role in Grant.Role.allCases {
            let token = try await fixture.authority.issue(
                GrantRequest(
                    account: AccountID("acme"), client: ClientID("c"), role: role, stream: StreamID("standup"),
                    monitoredClient: role == .supervisor ? ClientID("m") : nil, lifetime: .seconds(60)))
            await #expect(throws: AccessError.invalid, "\(role)") { try await fixture.authority.grant(of: token) }
        }
    }

    /// Who is in the room comes back by it; the room itself lets nobody new in.
    @Test func anExpiredLinkIsStillRead() async throws {
        let fixture = try await AccessFixture()
        let link = try await fixture.authority.makeLink(Self.order(.worker))
        fixture.clock.advance(by: .seconds(3600))
        let grant = try await fixture.authority.grant(of: link.token)
        #expect(grant == link.grant)
        #expect(grant.fault(room: grant.room, account: grant.account, at: fixture.clock.now)?.code == .linkExpired)
        try await fixture.authority.revokeLink(grant.tokenID)
        await #expect(throws: AccessError.revoked) { try await fixture.authority.grant(of: link.token) }
    }

    @Test func noLinkLivesLongerThanARevocation() async throws {
        let fixture = try await AccessFixture()
        let link = try await fixture.authority.makeLink(Self.order(.worker, lifetime: .seconds(400 * 86_400)))
        #expect(link.grant.expiresAt == fixture.clock.now.advanced(by: RoomLinkOrder.longestLifetime))
        try await fixture.authority.revokeLink(link.grant.tokenID)
        fixture.clock.advance(by: RoomLinkOrder.longestLifetime - .seconds(1))
        // Another revocation is the occasion on which those are forgotten that have had their time.
        try await fixture.authority.revokeLink("another")
        await #expect(throws: AccessError.revoked) { try await fixture.authority.grant(of: link.token) }
    }

    @Test func aRevokedLinkAndThatOfASuspendedAccountOpenNothing() async throws {
        let fixture = try await AccessFixture()
        let (link, other) = (
            try await fixture.authority.makeLink(Self.order(.host)), try await fixture.authority.makeLink(Self.order(.host))
        )
        _ = try await fixture.authority.grant(of: link.token)
        try await fixture.authority.revokeLink(link.grant.tokenID)
        await #expect(throws: AccessError.revoked) { try await fixture.authority.grant(of: link.token) }
        _ = try await fixture.authority.grant(of: other.token)
        try await fixture.keys.setSuspended(true, account: AccountID("acme"))
        await #expect(throws: AccessError.suspended) { try await fixture.authority.grant(of: other.token) }
    }

    @Test func aForgedLinkIsRefused() async throws {
        let fixture = try await AccessFixture()
        let (worker, host) = (
            try await fixture.authority.makeLink(Self.order(.worker)), try await fixture.authority.makeLink(Self.order(.host))
        )
        let parts = [worker, host].map { $0.token.revealed.split(separator: ".").map(String.init) }
        let forged = Redacted([parts[0][0], parts[1][1], parts[0][2]].joined(separator: "."))
        await #expect(throws: AccessError.invalid) { try await fixture.authority.grant(of: forged) }
    }

    @Test func ordersThatContradictThemselvesAreRefused() async throws {
        let authority = try await AccessFixture().authority
        var (seatless, seated, nameless, odd) = (Self.order(.camera), Self.order(.host), Self.order(.host), Self.order(.host))
        seatless.seat = nil
        seated.seat = SeatID("s1")
        nameless.name = "two\nlines"
        odd.identity = ParticipantID("camera:s1")
        for order in [seatless, seated, nameless, odd] {
            await #expect(throws: AccessError.invalid) { try await authority.makeLink(order) }
        }
    }
}
