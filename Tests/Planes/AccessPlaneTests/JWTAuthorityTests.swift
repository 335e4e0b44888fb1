@testable import AccessPlane
import Bridge
import BridgeModel
import Testing

struct JWTAuthorityTests {
    @Test func anIssuedTokenIsVerifiedToTheGrantThatWasAskedFor() async throws {
        let fixture = try await AccessFixture()
        let request = GrantRequest(
            account: AccountID("acme"), client: ClientID("Jörg"), role: .supervisor, monitoredClient: ClientID("client-0"),
            lifetime: .seconds(60))
        let grant = try await fixture.authority.verify(fixture.authority.issue(request))
        #expect((grant.account, grant.client, grant.role) == (request.account, request.client, request.role))
        #expect(grant.monitoredClient == request.monitoredClient)
        #expect(grant.issuedAt == fixture.clock.now)
        #expect(grant.expiresAt == fixture.clock.now.advanced(by: .seconds(60)))
        #expect(grant.tokenID.utf8.count == 22, "128 bits as base64url")
    }

    @Test(arguments: Grant.Role.allCases)
    func everyRoleHasTokens(_ role: Grant.Role) async throws {
        let fixture = try await AccessFixture()
        let request = GrantRequest(
            account: AccountID("acme"), client: ClientID("c"), role: role, stream: StreamID("s"),
            monitoredClient: role == .supervisor ? ClientID("m") : nil, lifetime: .seconds(60))
        #expect(try await fixture.authority.verify(fixture.authority.issue(request)).role == role)
    }

    @Test func aRequestThatContradictsItselfIsRefused() async throws {
        let authority = try await AccessFixture().authority
        let requests = [
            GrantRequest(account: AccountID("acme"), client: ClientID("c"), role: .watch, lifetime: .seconds(60)),
            GrantRequest(account: AccountID("acme"), client: ClientID("c"), role: .supervisor, lifetime: .seconds(60)),
            GrantRequest(account: AccountID("acme"), client: ClientID(""), role: .client, lifetime: .seconds(60)),
        ]
        for request in requests {
            await #expect(throws: AccessError.invalid) { try await authority.issue(request) }
        }
    }

    @Test func twoTokensOfOneRequestDiffer() async throws {
        let fixture = try await AccessFixture()
        #expect(try await fixture.clientToken() != fixture.clientToken())
    }

    @Test func aRevokedTokenIsRefusedAndForgottenOnlyAfterItsEnd() async throws {
        let fixture = try await AccessFixture()
        let token = try await fixture.clientToken(lifetime: .seconds(60))
        let grant = try await fixture.authority.verify(token)
        try await fixture.authority.revoke(tokenID: grant.tokenID, until: grant.expiresAt)
        await #expect(throws: AccessError.revoked) { try await fixture.authority.verify(token) }

        fixture.clock.advance(by: .seconds(64))
        try await fixture.authority.revoke(tokenID: "another", until: grant.expiresAt.advanced(by: .seconds(600)))
        await #expect(throws: AccessError.revoked, "within the leeway it is still refused") {
            try await fixture.authority.verify(token)
        }

        fixture.clock.advance(by: .seconds(2))
        try await fixture.authority.revoke(tokenID: "another", until: grant.expiresAt.advanced(by: .seconds(600)))
        #expect(await fixture.store.revokedTokenIDs == ["another"])
        await #expect(throws: AccessError.expired) { try await fixture.authority.verify(token) }
    }

    @Test func aSuspendedAccountsTokensAreRefusedUntilItIsEnabled() async throws {
        let fixture = try await AccessFixture()
        let token = try await fixture.clientToken()
        try await fixture.keys.setSuspended(true, account: AccountID("acme"))
        await #expect(throws: AccessError.suspended) { try await fixture.authority.verify(token) }
        try await fixture.keys.setSuspended(false, account: AccountID("acme"))
        _ = try await fixture.authority.verify(token)
    }

    @Test func aRetiredKeySignsNoMoreButStillVerifies() async throws {
        let fixture = try await AccessFixture()
        let old = try await fixture.clientToken()
        fixture.clock.advance(by: .seconds(1))
        let key = try await fixture.keys.rotateSigningKey()
        #expect(try await fixture.store.signingKeys().filter { $0.retiredAt == nil }.map(\.id) == [key.id])
        let new = try await fixture.clientToken()
        for token in [old, new] { _ = try await fixture.authority.verify(token) }
    }

    /// What is remembered of a token is its signature, and that only under the key that made it.
    @Test func aTokenThatWasVerifiedIsJudgedAnewEachTime() async throws {
        let fixture = try await AccessFixture()
        let token = try await fixture.clientToken(lifetime: .seconds(60))
        _ = try await fixture.authority.verify(token)
        var key = try #require(try await fixture.store.signingKeys().first)
        let genuine = key
        key.secret = Redacted(key.secret.revealed.map { $0 ^ 1 })
        try await fixture.store.commit([.signingKey(key)])
        await #expect(throws: AccessError.invalid, "another key of the same name") { try await fixture.authority.verify(token) }
        try await fixture.store.commit([.signingKey(genuine)])
        _ = try await fixture.authority.verify(token)
        fixture.clock.advance(by: .seconds(66))
        await #expect(throws: AccessError.expired) { try await fixture.authority.verify(token) }
    }

    @Test func whatIsOnRecordIsReadAgainWhenSomethingWasCommittedAndNotBefore() async throws {
        let fixture = try await AccessFixture()
        let token = try await fixture.clientToken()
        for _ in 1...3 { _ = try await fixture.authority.verify(token) }
        #expect(await fixture.store.standingsRead == 1)
        try await fixture.keys.ensureAccount(AccountID("other"))
        for _ in 1...3 { _ = try await fixture.authority.verify(token) }
        #expect(await fixture.store.standingsRead == 2)
    }

    @Test func aTokenOfAForgedSignatureIsNotTakenForTheOneThatWasVerified() async throws {
        let fixture = try await AccessFixture()
        let token = try await fixture.clientToken()
        _ = try await fixture.authority.verify(token)
        let parts = token.revealed.split(separator: ".")
        let other = try await fixture.clientToken().revealed.split(separator: ".")
        for forged in [parts[0] + "." + parts[1] + "." + other[2], parts[0] + "." + other[1] + "." + parts[2]] {
            await #expect(throws: AccessError.invalid) { try await fixture.authority.verify(Redacted(String(forged))) }
        }
    }

    @Test func verifiedTokensAreRememberedUpToABound() {
        let tokens = VerifiedTokens()
        let verified = VerifiedToken(
            reference: TokenReference(signingKey: "k", tokenID: "j", account: AccountID("a")),
            claims: TokenClaims(
                issuer: "", audience: "", subject: "", clientID: "", role: "", apiID: "", issuedAt: 0, expiresAt: 0, tokenID: ""),
            standing: TokenStanding(signingKey: nil, revocationEnd: nil, account: nil), revision: KeyStoreRevision(1))
        for number in 0...VerifiedTokens.capacity { tokens.remember(verified, of: Redacted("token \(number)")) }
        #expect(tokens.count == 1 && tokens[Redacted("token \(VerifiedTokens.capacity)")] != nil && tokens[Redacted("token 0")] == nil)
    }

    @Test func theFirstTokenMakesTheFirstSigningKey() async throws {
        let store = MemoryKeyStore()
        let clock = VirtualClock(seconds: 1)
        let authority = JWTAuthority(store: store, now: { clock.now })
        try await AccountKeys(store: store, now: { clock.now }).ensureAccount(AccountID("acme"))
        let request = GrantRequest(account: AccountID("acme"), client: ClientID("c"), role: .stats, lifetime: .seconds(60))
        let tokens = [try await authority.issue(request), try await authority.issue(request)]
        #expect(try await store.signingKeys().count == 1)
        for token in tokens { _ = try await authority.verify(token) }
    }

    @Test func aStoreThatCannotBeReadIsUnavailable() async throws {
        let fixture = try await AccessFixture()
        let token = try await fixture.clientToken()
        await fixture.store.fail(with: BridgeError(.unavailable, "disk gone"))
        await #expect(throws: AccessError.unavailable) { try await fixture.authority.verify(token) }
        await #expect(throws: AccessError.unavailable) { try await fixture.clientToken() }
        await #expect(throws: AccessError.unavailable) { try await fixture.authority.account(masterKey: token, dialect: "eyeson") }
    }
}
