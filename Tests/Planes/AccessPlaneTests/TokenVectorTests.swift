import AccessPlane
import BridgeModel
import Crypto
import Foundation
import Bridge
import Testing

/// The vectors of the Eyeson dialect's contract, section 16, and what is refused of them.
struct TokenVectorTests {
    static let header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InQxIn0"
    static let claims =
        "eyJpc3MiOiJ2aWFkdWN0IiwiYXVkIjoic3RyZWFtcmVjIiwic3ViIjoiY2xpZW50LTAiLCJjbGllbnRfaWQiOiJjbGllbnQtMCIsInJvbGUiOiJjbGllbnQiLCJhcGlfaWQiOiJhY21lIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjQxMDI0NDQ4MDAsImp0aSI6InQtMSJ9"
    static let signature = "I-cEs4rizf6BS4D7-1abQQtHu4Xub2y2_NtLoEwt4n0"
    static let token = "\(header).\(claims).\(signature)"

    @Test func theVectorIsAccepted() async throws {
        let grant = try await AccessFixture().authority.verify(Redacted(Self.token))
        #expect(
            grant
                == Grant(
                    account: AccountID("acme"), client: ClientID("client-0"), role: .client,
                    issuedAt: WallTime(milliseconds: 1_700_000_000_000), expiresAt: WallTime(milliseconds: 4_102_444_800_000),
                    tokenID: "t-1"))
    }

    @Test func theVectorIsExpiredOnceItsTimeIsPast() async throws {
        let fixture = try await AccessFixture()
        fixture.clock.set(seconds: 4_102_444_804)
        _ = try await fixture.authority.verify(Redacted(Self.token))
        fixture.clock.set(seconds: 4_102_444_805)
        await #expect(throws: AccessError.expired) { try await fixture.authority.verify(Redacted(Self.token)) }
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        let why: String
        let token: String
        var testDescription: String { why }
    }

    static let refused = [
        Refused(why: "last segment empty", token: "\(header).\(claims)."),
        Refused(why: "last segment missing", token: "\(header).\(claims)"),
        Refused(why: "a fourth segment", token: "\(token).AA"),
        Refused(why: "alg none with the signature", token: "\(segment(#"{"alg":"none","typ":"JWT"}"#)).\(claims).\(signature)"),
        Refused(why: "alg none without a signature", token: "\(segment(#"{"alg":"none","typ":"JWT","kid":"t1"}"#)).\(claims)."),
        Refused(why: "alg HS512", token: "\(segment(#"{"alg":"HS512","typ":"JWT","kid":"t1"}"#)).\(claims).\(signature)"),
        Refused(why: "alg in another case", token: "\(segment(#"{"alg":"hs256","typ":"JWT","kid":"t1"}"#)).\(claims).\(signature)"),
        Refused(why: "no kid", token: "\(segment(#"{"alg":"HS256","typ":"JWT"}"#)).\(claims).\(signature)"),
        Refused(why: "unknown kid", token: "\(segment(#"{"alg":"HS256","typ":"JWT","kid":"t2"}"#)).\(claims).\(signature)"),
        Refused(why: "critical extension", token: "\(segment(#"{"alg":"HS256","kid":"t1","crit":["x"]}"#)).\(claims).\(signature)"),
        Refused(why: "other claims", token: "\(header).\(segment(#"{"iss":"viaduct"}"#)).\(signature)"),
        Refused(why: "first character of the signature changed", token: "\(header).\(claims).J\(signature.dropFirst())"),
        Refused(why: "stray bits in the signature's last character", token: "\(header).\(claims).\(signature.dropLast())1"),
        Refused(why: "padding", token: "\(header).\(claims).\(signature)="),
        Refused(why: "a newline at the end", token: "\(token)\n"),
        Refused(why: "a header that is no JSON", token: "\(segment("{")).\(claims).\(signature)"),
        Refused(why: "two dots", token: ".."),
        Refused(why: "text", token: "xxx"),
        Refused(why: "not ASCII", token: "é.é.é"),
        Refused(why: "too long", token: String(repeating: "A", count: 5000)),
    ]

    @Test(arguments: refused)
    func whatIsNotTheVectorIsInvalid(_ refused: Refused) async throws {
        let authority = try await AccessFixture().authority
        await #expect(throws: AccessError.invalid) { try await authority.verify(Redacted(refused.token)) }
    }

    @Test(arguments: ["A", ".", "=", "\u{0}", "é"])
    func changingAnyCharacterOfTheVectorIsInvalid(_ replacement: Character) async throws {
        let authority = try await AccessFixture().authority
        for index in Self.token.indices where Self.token[index] != replacement {
            var token = Self.token
            token.replaceSubrange(index...index, with: [replacement])
            await #expect(throws: AccessError.invalid) { try await authority.verify(Redacted(token)) }
        }
    }

    @Test func cuttingTheVectorAnywhereIsInvalid() async throws {
        let authority = try await AccessFixture().authority
        for length in 1..<Self.token.count {
            await #expect(throws: AccessError.invalid) { try await authority.verify(Redacted(String(Self.token.prefix(length)))) }
        }
    }

    @Test func anotherKeysSignatureIsInvalid() async throws {
        let fixture = try await AccessFixture()
        let other = SigningKeyRow(
            id: "t1", secret: Redacted(Array("viaduct-test-signing-key-0000000002".utf8)), createdAt: WallTime(milliseconds: 0))
        try await fixture.store.commit([.signingKey(other)])
        await #expect(throws: AccessError.invalid) { try await fixture.authority.verify(Redacted(Self.token)) }
    }

    @Test func anEmptyTokenIsMissing() async throws {
        let authority = try await AccessFixture().authority
        await #expect(throws: AccessError.missing) { try await authority.verify(Redacted("")) }
    }

    /// With the right key's HMAC-SHA256, so that nothing but the header speaks against them.
    @Test(arguments: [
        #"{"alg":"none","typ":"JWT","kid":"t1"}"#, #"{"alg":"HS512","typ":"JWT","kid":"t1"}"#, #"{"alg":"hs256","kid":"t1"}"#,
        #"{"alg":"HS256","typ":"JWT"}"#, #"{"alg":"HS256","typ":"JWT","kid":"t2"}"#, #"{"alg":"HS256","typ":"JWE","kid":"t1"}"#,
        #"{"alg":"HS256","kid":"t1","crit":["exp"]}"#, #"{"alg":"HS256","kid":1}"#, #"{"kid":"t1"}"#, #"["HS256","t1"]"#,
    ])
    func aWellSignedTokenWithAWrongHeaderIsInvalid(_ header: String) async throws {
        let authority = try await AccessFixture().authority
        let token = Self.signed(header: header)
        await #expect(throws: AccessError.invalid) { try await authority.verify(Redacted(token)) }
    }

    @Test func theSameSigningAcceptsAGoodHeader() async throws {
        let token = Self.signed(header: #"{"kid":"t1","alg":"HS256"}"#)
        #expect(try await AccessFixture().authority.verify(Redacted(token)).tokenID == "t-1")
    }

    private static func signed(header: String) -> String {
        let input = "\(segment(header)).\(claims)"
        let key = SymmetricKey(data: AccessFixture.vectorKey.secret.revealed)
        return "\(input).\(base64URL(Data(HMAC<SHA256>.authenticationCode(for: Data(input.utf8), using: key))))"
    }

    private static func segment(_ json: String) -> String { base64URL(Data(json.utf8)) }

    private static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
    }
}
