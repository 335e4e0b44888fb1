import AccessPlane
import Bridge
import BridgeModel
import Synchronization

/// An authority over a store in memory, with the clock in the test's hand.
struct AccessFixture {
    let store = MemoryKeyStore()
    let clock: VirtualClock
    let authority: JWTAuthority
    let keys: AccountKeys

    /// The signing key of the specification's vectors (section 16).
    static let vectorKey = SigningKeyRow(
        id: "t1", secret: Redacted(Array("viaduct-test-signing-key-0000000001".utf8)), createdAt: WallTime(milliseconds: 0))

    /// Begins at 2023-11-14T22:13:20Z, with the account `acme` and the vectors' key.
    init() async throws {
        let clock = VirtualClock(seconds: 1_700_000_000)
        self.clock = clock
        authority = JWTAuthority(store: store, now: { clock.now })
        keys = AccountKeys(store: store, now: { clock.now })
        try await keys.ensureAccount(AccountID("acme"))
        try await store.commit([.signingKey(Self.vectorKey)])
    }

    /// A token of role client for `client-0`, as `/auth_v2/client` would mint it.
    func clientToken(lifetime: Duration = .seconds(3600)) async throws -> Redacted<String> {
        try await authority.issue(
            GrantRequest(account: AccountID("acme"), client: ClientID("client-0"), role: .client, lifetime: lifetime))
    }
}

final class VirtualClock: Sendable {
    private let time: Mutex<WallTime>

    init(seconds: Int64) { time = Mutex(WallTime(nanoseconds: seconds * 1_000_000_000)) }

    var now: WallTime { time.withLock { $0 } }
    func set(seconds: Int64) { time.withLock { $0 = WallTime(nanoseconds: seconds * 1_000_000_000) } }
    func advance(by duration: Duration) { time.withLock { $0 = $0.advanced(by: duration) } }
}
