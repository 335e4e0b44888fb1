import AccessPlane
import Bridge
import BridgeModel
import Crypto
import Testing

struct AccountKeysTests {
    @Test func aNewKeyOpensItsDialectForItsAccountOnly() async throws {
        let fixture = try await AccessFixture()
        let made = try await fixture.keys.createMasterKey(name: "Front desk", dialect: "eyeson")
        #expect(made.account == AccountID("front-desk"))
        #expect(made.key.revealed.hasPrefix("vk_"))
        #expect(made.key.revealed.utf8.count == 3 + 43, "32 bytes as base64url")
        #expect(try await fixture.authority.account(masterKey: made.key, dialect: "eyeson") == made.account)
        #expect(try await fixture.authority.account(masterKey: made.key, dialect: "vxg") == nil)
    }

    @Test func theStoreHoldsADigestAndNeverTheKey() async throws {
        let fixture = try await AccessFixture()
        let made = try await fixture.keys.createMasterKey(name: "a", dialect: "eyeson", account: AccountID("acme"))
        let row = try #require(try await fixture.store.masterKeys(of: AccountID("acme")).first)
        #expect(row.digest == Array(SHA256.hash(data: Array(made.key.revealed.utf8))))
        #expect(!"\(row)".contains(made.key.revealed))
        #expect(!"\(made)".contains(made.key.revealed), "printing the result does not tell the key")
    }

    @Test(arguments: ["", "vk_", "vk_AAAA", "x", String(repeating: "k", count: 513), "vk_\u{0}", "Jörg"])
    func whatIsNoKeyOpensNothing(_ text: String) async throws {
        let fixture = try await AccessFixture()
        _ = try await fixture.keys.createMasterKey(name: "a", dialect: "eyeson")
        #expect(try await fixture.authority.account(masterKey: Redacted(text), dialect: "eyeson") == nil)
    }

    @Test func twoKeysLiveAtOnceSoThatTheyCanBeRotated() async throws {
        let fixture = try await AccessFixture()
        let acme = AccountID("acme")
        let old = try await fixture.keys.createMasterKey(name: "old", dialect: "eyeson", account: acme)
        let new = try await fixture.keys.createMasterKey(name: "new", dialect: "eyeson", account: acme)
        let refusal = await #expect(throws: BridgeError.self) {
            try await fixture.keys.createMasterKey(name: "third", dialect: "eyeson", account: acme)
        }
        #expect(refusal?.code == .limitReached)

        try await fixture.keys.revokeMasterKey(old.id)
        #expect(try await fixture.authority.account(masterKey: old.key, dialect: "eyeson") == nil)
        #expect(try await fixture.authority.account(masterKey: new.key, dialect: "eyeson") == acme)
        _ = try await fixture.keys.createMasterKey(name: "third", dialect: "eyeson", account: acme)
    }

    @Test func revokingTwiceKeepsTheFirstMoment() async throws {
        let fixture = try await AccessFixture()
        let made = try await fixture.keys.createMasterKey(name: "a", dialect: "eyeson")
        try await fixture.keys.revokeMasterKey(made.id)
        let first = try await fixture.store.masterKeys(of: nil).first?.revokedAt
        fixture.clock.advance(by: .seconds(10))
        try await fixture.keys.revokeMasterKey(made.id)
        #expect(try await fixture.store.masterKeys(of: nil).first?.revokedAt == first)
    }

    @Test func anUnknownKeyOrAccountIsNotFound() async throws {
        let fixture = try await AccessFixture()
        let forKey = await #expect(throws: BridgeError.self) { try await fixture.keys.revokeMasterKey("key_0") }
        let forAccount = await #expect(throws: BridgeError.self) {
            try await fixture.keys.setSuspended(true, account: AccountID("nobody"))
        }
        #expect([forKey?.code, forAccount?.code] == [.notFound, .notFound])
    }

    @Test func aSuspendedAccountsKeyIsToldApartFromAnUnknownOne() async throws {
        let fixture = try await AccessFixture()
        let made = try await fixture.keys.createMasterKey(name: "a", dialect: "eyeson")
        try await fixture.keys.setSuspended(true, account: made.account)
        await #expect(throws: AccessError.suspended) {
            try await fixture.authority.account(masterKey: made.key, dialect: "eyeson")
        }
    }

    @Test(arguments: ["", "-a", "A", "a b", "a/b", "ä", String(repeating: "a", count: 64)])
    func anIllFormedAccountIsRefused(_ id: String) async throws {
        let fixture = try await AccessFixture()
        let refusal = await #expect(throws: BridgeError.self) {
            try await fixture.keys.createMasterKey(name: "n", dialect: "eyeson", account: AccountID(id))
        }
        #expect(refusal?.code == .invalidField)
    }

    @Test(arguments: [
        ("Front desk", "front-desk"), ("acme", "acme"), ("--A__b--", "a-b"), ("", "account"), ("日本", "account"),
        (String(repeating: "x", count: 80), String(repeating: "x", count: 63)),
    ])
    func namesBecomeWellFormedAccounts(_ name: String, _ id: String) {
        #expect(AccountID(named: name) == AccountID(id))
        #expect(AccountID(named: name).isWellFormed)
    }
}
