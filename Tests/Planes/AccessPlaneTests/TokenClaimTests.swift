import AccessPlane
import Bridge
import BridgeModel
import JWTKit
import Testing

/// Tokens with a good signature and claims that break one rule each.
struct TokenClaimTests {
    struct Claims: JWTPayload {
        var iss = "viaduct"
        var aud = "streamrec"
        var sub = "client-0"
        var client_id = "client-0"
        var role = "client"
        var api_id = "acme"
        var iat = 1_700_000_000.0
        var exp = 1_700_003_600.0
        var jti = "t-1"
        var client_to_monitor: String?
        var stream: String?

        func verify(using algorithm: some JWTAlgorithm) {}
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let why: String
        let expected: AccessError?
        let change: @Sendable (inout Claims) -> Void
        var testDescription: String { why }

        init(_ why: String, _ expected: AccessError?, _ change: @escaping @Sendable (inout Claims) -> Void) {
            (self.why, self.expected, self.change) = (why, expected, change)
        }
    }

    static let cases = [
        Case("nothing changed", nil) { _ in },
        Case("other issuer", .invalid) { $0.iss = "Viaduct" },
        Case("other audience", .invalid) { $0.aud = "bridge" },
        Case("unknown role", .invalid) { $0.role = "root" },
        Case("native role for the dialect's audience", .invalid) { $0.role = "admin" },
        Case("subject differs", .invalid) { $0.sub = "client-1" },
        Case("nobody", .invalid) { ($0.sub, $0.client_id) = ("", "") },
        Case("no token id", .invalid) { $0.jti = "" },
        Case("unknown account", .invalid) { $0.api_id = "nobody" },
        Case("a client with a target", .invalid) { $0.client_to_monitor = "client-1" },
        Case("a supervisor without a target", .invalid) { $0.role = "supervisor" },
        Case("a supervisor with a target", nil) { ($0.role, $0.client_to_monitor) = ("supervisor", "client-1") },
        Case("a watcher of one stream", nil) { ($0.role, $0.aud, $0.stream) = ("watch", "bridge", "lobby") },
        Case("a watcher of no stream", .invalid) { ($0.role, $0.aud) = ("watch", "bridge") },
        Case("issued 60 s ahead", nil) { $0.iat = 1_700_000_060 },
        Case("issued 61 s ahead", .invalid) { $0.iat = 1_700_000_061 },
        Case("ended 4 s ago", nil) { ($0.iat, $0.exp) = (1_699_999_000, 1_699_999_996) },
        Case("ended 5 s ago", .expired) { ($0.iat, $0.exp) = (1_699_999_000, 1_699_999_995) },
        Case("ends before it begins", .invalid) { ($0.iat, $0.exp) = (1_700_000_050, 1_700_000_040) },
        Case("time with a fraction", .invalid) { $0.exp = 1_700_003_600.5 },
        Case("time beyond 64-bit nanoseconds", .invalid) { $0.exp = 1e15 },
        Case("time before the epoch", .invalid) { $0.iat = -1 },
    ]

    @Test(arguments: cases)
    func aClaimThatBreaksItsRuleRefusesTheToken(_ row: Case) async throws {
        let fixture = try await AccessFixture()
        var claims = Claims()
        row.change(&claims)
        let keys = await JWTKeyCollection().add(
            hmac: HMACKey(from: AccessFixture.vectorKey.secret.revealed), digestAlgorithm: .sha256, kid: "t1")
        let token = Redacted(try await keys.sign(claims, kid: "t1"))
        if let expected = row.expected {
            await #expect(throws: expected) { try await fixture.authority.verify(token) }
        } else {
            let grant = try await fixture.authority.verify(token)
            #expect(grant.role.rawValue == claims.role)
            #expect(grant.monitoredClient?.rawValue == claims.client_to_monitor)
            #expect(grant.stream?.rawValue == claims.stream)
        }
    }
}
